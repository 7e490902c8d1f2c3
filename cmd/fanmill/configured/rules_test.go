package configured

import (
	"net/netip"
	"testing"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
)

// TestParseClient: a client by address, by name, and as logs of MTAs write it.
func TestParseClient(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.1")
	for in, want := range map[string]classify.Client{
		"":                              {},
		"192.0.2.1":                     {Addr: addr},
		"::ffff:192.0.2.1":              {Addr: addr},
		"mail.example.org":              {Name: "mail.example.org"},
		"mail.example.org[192.0.2.1]":   {Name: "mail.example.org", Addr: addr},
		"mail.example.org [192.0.2.1] ": {Name: "mail.example.org", Addr: addr},
	} {
		if got, err := parseClient(in); err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", in, got, err, want)
		}
	}
	if _, err := parseClient("mail.example.org[unknown]"); cli.CodeOf(err) != cli.ExitUsage {
		t.Errorf("an address that is none: %v", err)
	}
}

func TestPlainSender(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "<>": "", "<a@b.example>": "a@b.example", "a@b.example": "a@b.example", "Anna <a@b.example>": "a@b.example",
	} {
		if got := plainSender(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
