package address

import "testing"

func TestParseAddress(t *testing.T) {
	for _, tt := range []struct {
		name, in            string
		local, base, domain string
		text                string // as globs see it, with detail
	}{
		{"plain", "user@example.org", "user", "user", "example.org", "user@example.org"},
		{"upper case", "User@EXAMPLE.Org", "user", "user", "example.org", "user@example.org"},
		{"angle brackets", "<user@example.org>", "user", "user", "example.org", "user@example.org"},
		{"blanks around", "  <user@example.org> ", "user", "user", "example.org", "user@example.org"},
		{"null sender", "", "", "", "", ""},
		{"null sender in brackets", "<>", "", "", "", ""},
		{"no domain", "postmaster", "postmaster", "postmaster", "", "postmaster"},
		{"empty domain", "user@", "user", "user", "", "user"},
		{"no local part", "@example.org", "", "", "example.org", "@example.org"},
		{"dot at the end", "user@example.org.", "user", "user", "example.org", "user@example.org"},
		{"detail", "user+news@example.org", "user+news", "user", "example.org", "user+news@example.org"},
		{"detail twice", "user+a+b@example.org", "user+a+b", "user", "example.org", "user+a+b@example.org"},
		{"empty detail", "user+@example.org", "user+", "user", "example.org", "user+@example.org"},
		{"leading plus is no detail", "+x@example.org", "+x", "+x", "example.org", "+x@example.org"},
		{"plus in the domain is no detail", "user@a+b", "user", "user", "a+b", "user@a+b"},
		{"quoted", `"user"@example.org`, "user", "user", "example.org", "user@example.org"},
		{"quoted with blank", `"John Doe"@example.org`, "john doe", "john doe", "example.org", `"john doe"@example.org`},
		{"quoted with at sign", `"a@b"@example.org`, "a@b", "a@b", "example.org", `"a@b"@example.org`},
		{"quoted without domain", `"boss@good.example"`, "boss@good.example", "boss@good.example", "", `"boss@good.example"`},
		{"quoted pair", `"a\"b\\c"@example.org`, `a"b\c`, `a"b\c`, "example.org", `"a\"b\\c"@example.org`},
		{"quote without end", `"user@example.org`, `"user`, `"user`, "example.org", `"\"user"@example.org`},
		{"backslash at the end of a quote", `"user\`, `"user\`, `"user\`, "", `"\"user\\"`},
		{"half quoted", `"a"b@example.org`, `"a"b`, `"a"b`, "example.org", `"\"a\"b"@example.org`},
		{"source route", "@relay.example,@b.example:user@example.org", "user", "user", "example.org", "user@example.org"},
		{"source route over a literal", "@[IPv6:2001:db8::1]:user@example.org", "user", "user", "example.org", "user@example.org"},
		{"source route without end", "@relay.example", "", "", "relay.example", "@relay.example"},
		{"address literal", "user@[192.0.2.1]", "user", "user", "[192.0.2.1]", "user@[192.0.2.1]"},
		{"two at signs", "a@b@example.org", "a@b", "a@b", "example.org", `"a@b"@example.org`},
		{"percent hack", "user%other@example.org", "user%other", "user%other", "example.org", "user%other@example.org"},
		{"text after the bracket", "<a@b>c", "<a", "<a", "b>c", `"<a"@b>c`},
		{"UTF-8", "GRÜSSE@Bücher.example", "grüsse", "grüsse", "bücher.example", "grüsse@bücher.example"},
		{"not UTF-8", "A\xff@EXAMPLE.org", "a\xff", "a\xff", "example.org", "a\xff@example.org"},
		{"NUL byte", "a\x00b@example.org", "a\x00b", "a\x00b", "example.org", "a\x00b@example.org"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := Parse(tt.in)
			if a.Local != tt.local || a.Base != tt.base || a.Domain != tt.domain {
				t.Errorf("Parse(%q) = local %q base %q domain %q, want %q %q %q",
					tt.in, a.Local, a.Base, a.Domain, tt.local, tt.base, tt.domain)
			}
			if got := a.Text(true); got != tt.text {
				t.Errorf("text of %q = %q, want %q", tt.in, got, tt.text)
			}
		})
	}
}

// Broken addresses that differ must stay different.
func TestLowerKeepsBrokenBytes(t *testing.T) {
	if a, b := Parse("a\xff@x"), Parse("a\xfe@x"); a.Local == b.Local {
		t.Errorf("two different broken local parts became equal: %q", a.Local)
	}
}
