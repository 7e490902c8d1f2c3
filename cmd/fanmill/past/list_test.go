package past

import (
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/store/history"
)

// TestRecordLine: no line is wider than the terminal, whatever stands in the mail, and
// each is one line.
func TestRecordLine(t *testing.T) {
	for _, r := range []history.Record{
		{ID: "0mws89v353iij0cg", Outcome: "quarantine", Verdict: "unsure", Unscored: true},
		{
			ID: "0mws89v353iij0cg", Outcome: "accept", Verdict: "ham", Score: classify.Score{P: 1}, Sender: strings.Repeat("日", 200) + "@example.org",
			Recipients: []string{strings.Repeat("x", 300), "b"}, Subject: "\x1b[2J\r\n" + strings.Repeat("語\u202e", 100),
		},
	} {
		for _, width := range []int{0, 20, 40, 79, 80, 120, 300} {
			line := recordLine(&r, width)
			if n := cli.Cells(line); width > 0 && n > width || n > 300 || strings.ContainsAny(line, "\n\r\x1b\u202e") {
				t.Errorf("width %d: %d columns: %q", width, n, line)
			}
			if width >= 80 && !strings.HasPrefix(line, r.ID+"  ") {
				t.Errorf("width %d: %q", width, line)
			}
		}
	}
}
