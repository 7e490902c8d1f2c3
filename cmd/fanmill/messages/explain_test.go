package messages

import (
	"strings"
	"testing"
	"time"

	"fanmill/control"
	"fanmill/spool"
)

// TestExplainText: the lines add up to the score, what plays no part is left out, and
// text of the message is escaped.
func TestExplainText(t *testing.T) {
	x := &control.Explanation{Counts: 1, Second: 0.5, Linear: 0.25, Bias: -0.25, ClueCount: 1, HamCounted: 30, SpamCounted: 30, Needed: 20}
	r := control.ScoreReply{Score: 0.81, LogOdds: 1.5, Explanation: x}
	want := `  log-odds of spam, natural logarithm
      +1.0000  counts          opinion +0.0000 from 1 clue, *H* 0.0000, *S* 0.0000
      +0.5000  second reading  opinion +0.0000 from the same counts
      +0.2500  linear part     opinion +0.0000
      -0.2500  bias            of the calibrator
      +1.5000  sum             probability 0.0000, with a floor of doubt the score 0.8100
`
	if got := explainText(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	x.Own, x.SpamCounted, x.Beginning = 0.1, 3, 0.2
	got := explainText(r)
	for _, part := range []string{"  own labels  ", "30 ham and 3 spam counted; from 20 of each", "  beginning  "} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in\n%s", part, got)
		}
	}
	if x.Borrowed = true; !strings.Contains(explainText(r), "another filter counted most of it; from 20 own labels") {
		t.Errorf("borrowed counts are not named in\n%s", explainText(r))
	}
	r = control.ScoreReply{Clues: []control.Clue{{
		Text: "a\x1bword", Place: "subject", Prob: 0.99, Strength: 0.49, Spam: 7,
		Sources: []control.Source{{Class: "spam", Time: time.Unix(0, 0), Digest: "0123456789abcdef", Subject: ""}},
	}}}
	got = explainText(r)
	if !strings.Contains(got, "    0.9900    0.4900       0       7  subject  a\\x1bword\n") || !strings.HasSuffix(got, "  0123456789ab\n") {
		t.Errorf("clues: %q", got)
	}
}

// TestHeldTextWithoutPlaces: messages that an older version held have only clues.
func TestHeldTextWithoutPlaces(t *testing.T) {
	if got := heldText(spool.Meta{}); got != "" {
		t.Errorf("of nothing: %q", got)
	}
	got := heldText(spool.Meta{Clues: []spool.Clue{{Text: "word", Prob: 0.25}}})
	if !strings.HasSuffix(got, "    0.2500    0.2500       0       0         word\n") {
		t.Errorf("got %q", got)
	}
}

// TestOutcomeLine says what became of a held message.
func TestOutcomeLine(t *testing.T) {
	for want, d := range map[string]control.Decided{
		"ID discard: no longer held":                                        {ID: "ID", Action: "discard", Gone: true},
		"ID ham: learned; sent to a@example.org, b@example.org; still held": {ID: "ID", Action: "ham", Learned: "learned", Released: []string{"a@example.org", "b@example.org"}},
	} {
		if got := outcomeLine(d); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
