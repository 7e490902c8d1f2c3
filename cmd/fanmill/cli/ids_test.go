package cli

import (
	"strings"
	"testing"
)

func TestFindID(t *testing.T) {
	const id = "0mws89v353iij0cg"
	for _, text := range []string{
		id, " " + id + "\n", "id=" + id, `"id=` + id + `"`, "'" + id + "'", "<" + id + ">", "(" + id + ").",
		"X-Fanmill-Status: spam score=0.9876 id=" + id,
		"X-Fanmill-Status: spam score=0.9876\r\n\tid=" + id + "\r\n",
		"550 5.7.1 Message looks like spam; if it is not, tell the administrator " + id,
		"host mx.example.org said: 550 5.7.1 Message looks like spam " + id + " (in reply to end of DATA command)",
		`time=2026-11-22T19:26:35.016Z level=INFO msg=message id=` + id + ` queue_id=4queueid4queueid client="a.example.com [192.0.2.7]" seen_as=0mws89v353iij0cz`,
		`{"msg":"message","id":"` + id + `","queue_id":"4Q"}`,
		`{"time":"2026-11-22T19:26:35Z","msg":"message","id":"` + id + `","queue_id":"4Q","sender":"id=0mws89v353iij0cz"}`,
		id + "  2026-11-22 19:26  unsure 0.5000  a@example.net -> b@example.org  id=0mws89v353iij0cz 0mws89v353iij0cz",
		"level=INFO msg=message id=" + id + " sender=id=0mws89v353iij0cz clues=\"id=0mws89v353iij0cz\"",
	} {
		if got, ok := FindID(text); got != id || !ok {
			t.Errorf("%q: %q, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "id=", "id=../../etc/passwd", strings.ToUpper(id), id + "0", id[1:], "queue_id=" + id, "x" + id + "\u00e9", "message.eml"} {
		if got, ok := FindID(text); ok {
			t.Errorf("%q: %q", text, got)
		}
	}
}
