package received

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
)

func TestForms(t *testing.T) {
	for _, c := range []struct{ field, addr, name, helo, by string }{
		{"from a.example (B.example. [192.0.2.1]) by mx.example with SMTP", "192.0.2.1", "b.example", "a.example", "mx.example"},
		{"from a.example (unknown [IPv6:2001:db8::1]) by mx.example", "2001:db8::1", "", "a.example", "mx.example"},
		{"from b.example ([192.0.2.1] helo=a.example) by mx.example", "192.0.2.1", "b.example", "a.example", "mx.example"},
		{"from b.example (HELO a.example) (192.0.2.1) by mx.example", "192.0.2.1", "b.example", "a.example", "mx.example"},
		{"from a.example (b.example [192.0.2.1] (may be forged)) by mx.example", "192.0.2.1", "", "a.example", "mx.example"},
		{"from a.example (user@b.example [192.0.2.1]) by mx.example", "192.0.2.1", "b.example", "a.example", "mx.example"},
		{"from [192.0.2.1] by mx.example", "192.0.2.1", "", "[192.0.2.1]", "mx.example"},
		{"from a;b (192.0.2.1)", "192.0.2.1", "", "a?b", ""},
		{"from (b.example [192.0.2.1])", "192.0.2.1", "", "?b.example", ""},
		{"from a.example (by mx.example) (b.example [::ffff:192.0.2.1]) by mx.example", "192.0.2.1", "b.example", "a.example", "mx.example"},
		{"from a.example by mx.example", "", "", "a.example", "mx.example"},
		{"from a.example (b.example [192.0.2.256]) by mx.example", "", "", "a.example", "mx.example"},
		{"by mx.example id 1", "", "", "unknown", "mx.example"},
	} {
		var h Hop
		ok := h.Parse([]byte(c.field))
		h.Clean()
		addr, err := netip.ParseAddr(c.addr)
		if ok != (err == nil) || h.Addr != addr || string(h.Name) != c.name || string(h.Helo) != c.helo {
			t.Errorf("%s: %v %v %q %q", c.field, ok, h.Addr, h.Name, h.Helo)
		}
		if by := By([]byte(c.field)); string(by) != c.by {
			t.Errorf("%s: written by %q", c.field, by)
		}
	}
}

// What SMTP shows and what Postfix then writes of it are the same.
func TestCleanIsWhatMTAsWrite(t *testing.T) {
	for _, helo := range []string{"a.example", "", "two words", "[192.0.2.9]", "(x)[y]", strings.Repeat("long", 100)} {
		var seen, written Hop
		seen.Set(netip.MustParseAddr("::ffff:192.0.2.1"), "B.example.", helo)
		seen.Clean()
		if !written.Parse([]byte("from " + string(seen.Helo) + " (b.example [192.0.2.1]) by mx.example")) {
			t.Fatalf("HELO %q: no address", helo)
		}
		written.Clean()
		if seen.Addr != written.Addr || !bytes.Equal(seen.Name, written.Name) || !bytes.Equal(seen.Helo, written.Helo) {
			t.Errorf("HELO %q: seen %q, written %q", helo, seen, written)
		}
	}
}

func TestTrust(t *testing.T) {
	named, err := NewTrust([]string{"203.0.113.0/24", " [2001:db8::1]", "MX.example.org."})
	if err != nil {
		t.Fatal(err)
	}
	unnamed, _ := NewTrust(nil)
	for _, c := range []struct {
		trust      *Trust
		addr, name string
		own        bool
	}{
		{&named, "127.0.0.1", "", true},
		{&named, "10.0.0.1", "", false},
		{&named, "203.0.113.9", "", true},
		{&named, "2001:db8::1", "", true},
		{&named, "198.51.100.1", "mx.example.org", true},
		{&named, "198.51.100.1", "a.example", false},
		{&unnamed, "10.0.0.1", "", true},
		{&unnamed, "100.64.0.1", "", true},
		{&unnamed, "203.0.113.9", "", false},
	} {
		var h Hop
		h.Set(netip.MustParseAddr(c.addr), c.name, "")
		h.Clean()
		if got := c.trust.Own(&h); got != c.own {
			t.Errorf("%s %s: own %v", c.addr, c.name, got)
		}
	}
	if _, err := NewTrust([]string{"a@b", "10.0.0.1", "x/33"}); err == nil || !strings.Contains(err.Error(), `"a@b"`) || !strings.Contains(err.Error(), `"x/33"`) {
		t.Errorf("error %v does not name both", err)
	}
}

// FuzzParse reads any bytes as a Received field. What comes of it is bounded and clean,
// and an address is one to net/netip too.
func FuzzParse(f *testing.F) {
	f.Add([]byte("from a.example (b.example [192.0.2.1]) by mx.example with SMTP"))
	f.Add([]byte("from b.example ([IPv6:2001:db8::1] helo=a.example) by mx.example"))
	f.Add([]byte("from b.example (HELO a.example) (192.0.2.1) by mx.example"))
	f.Fuzz(func(t *testing.T, v []byte) {
		var h Hop
		ok := h.Parse(v)
		By(v)
		h.Clean()
		if ok != h.Addr.IsValid() || len(h.Name) > HostMax || len(h.Helo) > HostMax || len(h.Helo) == 0 {
			t.Fatalf("%v %v, name of %d bytes, HELO of %d", ok, h.Addr, len(h.Name), len(h.Helo))
		}
		if i := bytes.IndexAny(h.Helo, " ()<>;"); i >= 0 {
			t.Fatalf("HELO %q", h.Helo)
		}
		if a, ok := ParseAddr(v); ok {
			if same, err := netip.ParseAddr(a.String()); err != nil || same != a {
				t.Fatalf("%q read as %v: %v", v, a, err)
			}
		}
	})
}
