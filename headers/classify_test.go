package headers

import (
	"testing"

	"fanmill/classify"
)

// TestClassifierIgnoresVerdictHeaders: what is stripped from mail and what the
// canonical form leaves out must be the same fields, or a message would have
// other features before and after its delivery.
func TestClassifierIgnoresVerdictHeaders(t *testing.T) {
	const head, tail = "From: a@example.com\nSubject: hello\n", "\nbody\n"
	want := classify.Extract(classify.DefaultOptions(), []byte(head+tail)).Digest
	names := append([]string{"X-Spamd-Result", "X-Spam-Checker-Version", "X-Spam", "X-Spambayes-Trained", "X-DSPAM-Reclassified", "X-Fanmill-New"}, written[:]...)
	for _, n := range names {
		if !IsVerdict(n) {
			t.Errorf("%s is not stripped", n)
		}
		if got := classify.Extract(classify.DefaultOptions(), []byte(n+": x\n\ty\n"+head+tail)).Digest; got != want {
			t.Errorf("%s is part of the canonical form", n)
		}
	}
}
