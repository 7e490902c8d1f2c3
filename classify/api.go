package classify

import (
	"encoding/hex"
	"fmt"
	"net/netip"

	"fanmill/classify/attached"
)

// Digest is the BLAKE2b-256 (RFC 7693) of a message's canonical form: the same
// message has the same digest wherever it was found (design invariant 1), and
// nobody can write two messages with one digest. Of the hashes with that property
// it is the fastest in a library that is kept well (docs/performance.md).
type Digest [32]byte

// String returns the digest in lower-case hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// ParseDigest reads what Digest.String wrote.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if len(s) != 2*len(d) {
		return d, fmt.Errorf("digest %q: want %d hexadecimal digits", s, 2*len(d))
	}
	if _, err := hex.Decode(d[:], []byte(s)); err != nil {
		return d, fmt.Errorf("digest %q: %w", s, err)
	}
	return d, nil
}

// Client is the host that handed the message to the site: what SMTP knows of
// the connection, or what the border host's Received line says of it.
type Client struct {
	Addr netip.Addr // zero: not known
	Name string     // verified reverse name, lower case, "" when there is none
	Helo string     // as the client gave it
}

// Count is how many counted messages of each class hold a feature.
type Count struct {
	Ham, Spam uint32
}

// Model is a trained model as scoring sees it.
type Model interface {
	// Totals returns how many messages of each class count (sum of adds).
	Totals() Count
	// Borrowed tells whether Totals holds counts of another filter while fewer than
	// MinLabels messages of a class were labelled here.
	Borrowed() bool
	// Lookup sets out[i] to the counts of features[i]; len(out) == len(features).
	Lookup(features []uint64, out []Count)
	// Weigh returns the sum of the linear part's weights of these buckets.
	Weigh(grams []uint32) int64
	// Fit returns the calibrator that joins the opinions.
	Fit() Fit
	// Base returns the site's model where this is a user's that knows labels of his own,
	// and how often each of these counts in Totals and Lookup; nil and 1 for others.
	Base() (site Model, times uint32)
}

// Message is what one pass over a message yields.
type Message struct {
	Digest    Digest
	Features  []uint64 // distinct, ascending
	Behind    []uint8  // for each of Features: 1 where it stands behind the message's beginning only, see Scorer.Lift; else 0
	Grams     []uint32 // buckets of the excerpt's n-grams, distinct, ascending
	Size      int64    // bytes of the message as it was fed
	Client    Client   // behind own hosts: read from the border's Received line
	Subject   string   // decoded, at most 256 bytes of valid UTF-8; hostile: escape it
	From      string   // decoded From field, the same bounds
	MessageID string   // the same bounds
	Canonical []byte   // canonical form when Options.Keep > 0, at most Keep bytes
	Complete  bool     // Canonical holds all of the canonical form

	Attachments []attached.File // when Options.Attachments is set
}

// Score is the model's opinion of one message.
type Score struct {
	P       float64 // 0..1, what cut-offs are applied to
	LogOdds float64 // ln(P/(1-P)) before rounding to 0 and 1: what ranking uses
	C       float64 // reading of the counts (log-odds, chi-squared combining)
	E       float64 // second reading of the counts: log-odds over the root of how many features are known
	L       float64 // linear opinion; its margin is 1
	Own     float64 // in a user's scope: by how much his own labels moved the log-odds by C and E; see Scorer.Score
	Clues   int     // features that spoke

	Beginning float64 // by how much the beginning of the message lifted the log-odds; see Scorer.Lift
}

// Clue is one feature that moved the score, with its text recovered from the
// message. Text is hostile: escape it before it reaches a terminal or a log.
type Clue struct {
	Text     string  // human name, such as "subject: offer"
	Place    string  // where in the message it stood first, such as "text part 2 (text/html)"; hostile too
	Prob     float64 // 0 ham .. 1 spam
	Ham      uint32
	Spam     uint32
	Strength float64 // |Prob - 0.5|
	Feature  uint64  // what the ledger knows it by
}

// Untrained is the Model that has learned nothing.
type Untrained struct{}

// Totals implements Model.
func (Untrained) Totals() Count { return Count{} }

// Borrowed implements Model.
func (Untrained) Borrowed() bool { return false }

// Lookup implements Model.
func (Untrained) Lookup(_ []uint64, out []Count) { clear(out) }

// Weigh implements Model.
func (Untrained) Weigh([]uint32) int64 { return 0 }

// Fit implements Model.
func (Untrained) Fit() Fit { return PriorFit() }

// Base implements Model.
func (Untrained) Base() (Model, uint32) { return nil, 1 }
