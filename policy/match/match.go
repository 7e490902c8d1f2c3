// Package match finds out whether something of a message is as somebody has written it
// down in the configuration: an address as a pattern, a client as a network or host name,
// a header field as a glob or an expression, an attachment as the ending of a file name.
// What it compiles is immutable and safe for concurrent use; a Header is one message's.
package match

import (
	"errors"
	"fmt"
)

// OptionError is one thing that is wrong with what stands in the configuration.
type OptionError struct {
	Option string // key in its section, such as "unfiltered" in [policy]
	Entry  string // the entry of a list, "" for a single value
	Err    error
	Hint   string // what to do about it
}

// Error names option and entry, and ends with the hint.
func (e *OptionError) Error() string {
	if e.Entry == "" {
		return fmt.Sprintf("%s: %v (%s)", e.Option, e.Err, e.Hint)
	}
	return fmt.Sprintf("%s: %q %v (%s)", e.Option, e.Entry, e.Err, e.Hint)
}

// Unwrap returns the cause.
func (e *OptionError) Unwrap() error { return e.Err }

var (
	errEmpty     = errors.New("is empty")
	errCharacter = errors.New("has a blank, a comma, a control character or bytes that are not UTF-8")
	errNoDomain  = errors.New("is not an address: no @")
	errOpenRE    = errors.New("is a regular expression without its closing /")
)
