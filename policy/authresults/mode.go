package authresults

import "fmt"

// Mode says when welcome senders must be verified.
type Mode uint8

// The modes.
const (
	Present Mode = iota // where a host that is believed has said anything about the message
	Always
	Never
)

var modeNames = [...]string{Present: "present", Always: "always", Never: "never"}

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
	return Present, fmt.Errorf("%q is not one of present, always, never", s)
}
