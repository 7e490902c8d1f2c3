package desk

import (
	"errors"
	"strings"
	"testing"

	"fanmill/cmd/fanmill/cli"
	"fanmill/control"
	"fanmill/review"
	"fanmill/spool"
	"fanmill/submit"
)

// TestDecideError: whoever reads why a decision failed hears what to do about the message.
func TestDecideError(t *testing.T) {
	refused := &submit.RcptError{Recipient: "anna@example.org", Code: 550, Text: "no"}
	for _, c := range []struct {
		name string
		r    review.Decision
		err  error
		is   error
		hint string
	}{
		{"no next hop is configured", review.Decision{}, review.ErrNoTarget, control.ErrConfig, "set submit.to"},
		{"no answer to the final dot", review.Decision{InDoubt: true, Learned: "learned"}, refused, control.ErrNextHop, "--again"},
		{"in doubt since another time", review.Decision{}, spool.ErrInDoubt, spool.ErrInDoubt, "--again"},
		{"some got it", review.Decision{Released: []string{"a", "b"}, Learned: "learned"}, refused, control.ErrNextHop, "2 recipients got it"},
		{"learned before", review.Decision{Learned: "flipped"}, refused, control.ErrNextHop, "it was learned (flipped)"},
		{"refused", review.Decision{}, refused, control.ErrNextHop, "it stays held; try again"},
		{"not held", review.Decision{}, spool.ErrNotHeld, spool.ErrNotHeld, ""},
	} {
		err := decideError(c.r, c.err)
		hint := strings.Join(cli.Hints(err), "\n")
		if !errors.Is(err, c.is) || !strings.Contains(hint, c.hint) || (hint == "") != (c.hint == "") {
			t.Errorf("%s: %v, hint %q", c.name, err, hint)
		}
	}
}

// TestEmptyDesk: where nothing was ever held every id is one that is not held, and the
// error names it.
func TestEmptyDesk(t *testing.T) {
	const id = "0fq3m2k1c8v9x7yz"
	var d control.Desk = emptyDesk{}
	if list, err := d.List(t.Context(), control.Filter{}); len(list) > 0 || err != nil {
		t.Errorf("held: %v, %v", list, err)
	}
	_, show := d.Show(t.Context(), id)
	_, decide := d.Decide(t.Context(), control.Decision{ID: id, Action: "ham"})
	for what, err := range map[string]error{"show": show, "export": d.Export(t.Context(), id, nil), "ham": decide} {
		if !errors.Is(err, spool.ErrNotHeld) || !strings.HasPrefix(err.Error(), what+" "+id+": ") || cli.CodeOf(err) != cli.ExitNoInput {
			t.Errorf("%s: %v, exit code %d", what, err, cli.CodeOf(err))
		}
	}
}
