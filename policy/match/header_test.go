package match

import (
	"strings"
	"testing"

	"fanmill/policy/authresults"
)

// A header is bounded, and what is not wanted is not kept.
func TestHeaderIsBounded(t *testing.T) {
	h := NewHeader(map[string]bool{"X-A": true}, nil)
	for range 100_000 {
		h.Field([]byte("X-A"), []byte(strings.Repeat("x", 5000)))
		h.Field([]byte("X-B"), []byte("x"))
	}
	if len(h.fields) != 1 || len(h.fields["X-A"]) != maxFieldCount || len(h.fields["X-A"][0]) > maxFieldText+1 {
		t.Errorf("%d fields", len(h.fields["X-A"]))
	}
}

// What stands in front of a From field does not keep it from being seen, nor does a blank
// behind its name.
func TestFromIsSeen(t *testing.T) {
	wanted := map[string]bool{"From": true}
	for c := 'A'; c <= 'Z'; c++ {
		wanted["X-"+string(c)] = true
	}
	h := NewHeader(wanted, nil)
	for range maxFieldCount {
		for name := range wanted {
			if name != "From" {
				h.Field([]byte(name), []byte(strings.Repeat("x", maxFieldText)))
			}
		}
	}
	h.Field([]byte("From "), []byte("x@bad.example"))
	if list := h.Senders(); len(list) != 1 || list[0].Domain != "bad.example" {
		t.Errorf("senders %+v", list)
	}
	if h.bytes > maxFieldBytes+len(wanted)*(maxFieldText+1) {
		t.Errorf("%d bytes are kept", h.bytes)
	}
}

// Of Authentication-Results, which a host puts on top of a message, none is cut in the
// middle: there the sender may have put a result into a string. And none counts that a
// filter that removes forged ones may have taken for another field.
func TestForgedResults(t *testing.T) {
	for name, field := range map[string][2]string{
		"cut string":   {"Authentication-Results", " mx.example.org; spf=fail smtp.helo=" + strings.Repeat("a", 1000) + `; dkim=fail header.i="` + strings.Repeat("b", 1500) + "; dmarc=pass header.from=good.example ; " + strings.Repeat("c", 900) + `"@evil.example`},
		"blank behind": {"Authentication-Results ", " mx.example.org; dmarc=pass header.from=good.example"},
	} {
		h := NewHeader(map[string]bool{authresults.Field: true}, authresults.NewHosts([]string{"mx.example.org"}))
		h.Field([]byte(field[0]), []byte(field[1]))
		if h.Auth.Trust(authresults.Always, []string{"good.example"}) {
			t.Errorf("%s: it is believed", name)
		}
	}
}
