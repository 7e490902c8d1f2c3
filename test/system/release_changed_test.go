//go:build system

package system

import (
	"bytes"
	"testing"

	"fanmill/headers"
	"fanmill/test/harness"
)

// What Postfix hands to the milter at a release is not what it was at first: the
// connection is another one, which moves the border in the Received lines, and
// mail from this host gets the fields that it lacks.
func TestReleaseOfMailThatLooksDifferent(t *testing.T) {
	t.Parallel()
	s := newSite(t, plan{config: filterLoopback, mta: map[string]string{"local_header_rewrite_clients": "permit_inet_interfaces"}})
	hop := []byte("Received: from relay.example.org (relay.example.org [198.51.100.7])\n\tby mail.example.net; Mon, 5 Jan 2026 10:00:00 +0000\n")
	for n, c := range []struct {
		name string
		edit func([]byte) []byte
	}{
		{"received lines", func(b []byte) []byte { return append(bytes.Clone(hop), b...) }},
		{"no message-id", func(b []byte) []byte { return bytes.Replace(b, []byte("Message-ID:"), []byte("X-Was-Id:"), 1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := to("changed-a", n), to("changed-b", n)
			s.take(c.edit(compose(unsure, 500+n)), a, b)
			id := s.heldOne(a)
			s.fanmill("held release", id)
			s.released(500+n, a, b)
			for _, d := range append(s.delivered(a), s.delivered(b)...) {
				if v := harness.Fields(d.Data, headers.Release); len(v) != 0 {
					t.Errorf("released mail carries %q", v)
				}
			}
		})
	}
}
