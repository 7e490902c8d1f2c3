package policy

import (
	"fmt"
	"strings"
)

// outcomeNames are the words of the closed set, as they stand in the
// configuration, in logs, in counters and in JSON.
var outcomeNames = [...]string{
	Accept:     "accept",
	Tag:        "tag",
	Quarantine: "quarantine",
	Hold:       "hold",
	Delay:      "delay",
	Discard:    "discard",
	Reject:     "reject",
	Fail:       "fail",
}

// String returns the outcome's word.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return fmt.Sprintf("outcome(%d)", uint8(o))
}

// ParseOutcome reads what String wrote. "tempfail", the word MTAs use, is
// taken for "fail".
func ParseOutcome(s string) (Outcome, error) {
	if s == "tempfail" {
		return Fail, nil
	}
	for o, name := range outcomeNames {
		if s == name {
			return Outcome(o), nil
		}
	}
	return Accept, fmt.Errorf("%q is not an outcome: want one of %s", s, strings.Join(outcomeNames[:], ", "))
}

// MarshalText writes the outcome's word.
func (o Outcome) MarshalText() ([]byte, error) {
	if int(o) >= len(outcomeNames) {
		return nil, fmt.Errorf("write outcome: %d is not in the closed set", uint8(o))
	}
	return []byte(outcomeNames[o]), nil
}

// UnmarshalText reads the outcome's word.
func (o *Outcome) UnmarshalText(text []byte) error {
	v, err := ParseOutcome(string(text))
	if err != nil {
		return err
	}
	*o = v
	return nil
}

// Mode says how the decisions for several recipients of one message become
// the one answer a milter can give.
type Mode uint8

// The modes.
const (
	Split   Mode = iota // each recipient gets its own decision as far as the protocol allows
	Lenient             // the mildest outcome for all
	Strict              // the hardest outcome for all who are filtered
)

var modeNames = [...]string{Split: "split", Lenient: "lenient", Strict: "strict"}

// String returns the mode's word.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return fmt.Sprintf("mode(%d)", uint8(m))
}

// ParseMode reads what String wrote.
func ParseMode(s string) (Mode, error) {
	for m, name := range modeNames {
		if s == name {
			return Mode(m), nil
		}
	}
	return Split, fmt.Errorf("%q is not a mode: want one of %s", s, strings.Join(modeNames[:], ", "))
}
