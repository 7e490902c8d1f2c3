package classify

import (
	"errors"
	"fmt"

	"fanmill/classify/received"
)

// FeatureVersion names the set of rules that turn a message into features. It
// stands in every ledger; one of another version is refused. (The canonical
// messages it keeps are there to rebuild it from.)
const FeatureVersion = 3

// Options bound the work done for one message and name the hosts whose word is
// trusted. The bounds count bytes, parts and fields by their offset in the
// message, never time, so the same message always yields the same features
// (design invariant 2).
type Options struct {
	TextHead     int // decoded bytes read from the start of each text part
	TextTail     int // decoded bytes read from the end of each longer text part
	TextTotal    int // decoded text bytes read in a whole message
	MaxParts     int // MIME parts looked at
	MaxDepth     int // levels of nested multiparts and messages
	MaxHeaders   int // header fields that give features
	MaxHeaderLen int // bytes of one field's value that give features
	MaxFeatures  int // distinct features of a message
	Keep         int // bytes of the canonical form to keep in Message.Canonical; 0 keeps none

	// Attachments asks for Message.Attachments. It changes no feature.
	Attachments bool

	// OwnHosts are hosts of the site that hand mail on: addresses, networks in
	// CIDR form and (verified) host names. See Stream.border for the
	// walk to the border. Empty: every address that is not public is taken as
	// the site's own.
	OwnHosts []string
	// AuthservIDs name the hosts whose Authentication-Results are believed
	// (RFC 8601 section 2.5); others are dropped from the canonical form.
	AuthservIDs []string
}

// DefaultOptions returns the documented defaults.
func DefaultOptions() Options {
	return Options{
		TextHead:     64 << 10,
		TextTail:     16 << 10,
		TextTotal:    256 << 10,
		MaxParts:     500,
		MaxDepth:     30,
		MaxHeaders:   500,
		MaxHeaderLen: 4 << 10,
		MaxFeatures:  8000,
	}
}

// Validate reports every option that is out of its range.
func (o Options) Validate() error {
	var errs []error
	check := func(name string, v, low, high int) {
		if v < low || v > high {
			errs = append(errs, fmt.Errorf("%s = %d: must be between %d and %d", name, v, low, high))
		}
	}
	check("text_head", o.TextHead, 1<<10, 16<<20)
	check("text_tail", o.TextTail, 0, 16<<20)
	check("text_total", o.TextTotal, 1<<10, 64<<20)
	check("max_parts", o.MaxParts, 1, 100_000)
	check("max_depth", o.MaxDepth, 1, 100)
	check("max_headers", o.MaxHeaders, 10, 100_000)
	check("max_header_length", o.MaxHeaderLen, 256, 1<<20)
	check("max_features", o.MaxFeatures, 100, 1_000_000)
	_, err := received.NewTrust(o.OwnHosts)
	return errors.Join(append(errs, err)...)
}
