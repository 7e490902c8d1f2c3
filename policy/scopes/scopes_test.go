package scopes

import (
	"slices"
	"strings"
	"testing"
)

func mustScopes(t testing.TB, o Options, aliases string) *Map {
	t.Helper()
	var err error
	if o.Aliases, err = ParseAliases(aliases); err != nil {
		t.Fatal(err)
	}
	s, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const testAliases = `# who reads what
sales@example.org: anna@example.org
info@example.org	sales@example.org
root: anna
postmaster: root,
  hans
"odd one"@example.org anna@example.org
spool: /var/mail/spool
filter: "|/usr/bin/filter"
@lists.example.org lists@example.org
own@lists.example.org own@lists.example.org
noreply@example.org <>
`

// hostileAddresses must be the site's, or at least the same scope wherever they come in.
var hostileAddresses = []string{
	"", "<>", " ", "@", "@example.org", "user@", "+", "+tag@example.org", "@a,@b:user+x@example.org",
	strings.Repeat("a", 256), strings.Repeat("a", 200) + "@" + strings.Repeat("b", 60), strings.Repeat("+", 10_000),
	"user\x00@example.org", "user\n@example.org", "us\xffer@example.org", "us\uFFFDer@example.org", "\u202euser@example.org",
	`"a@b"@example.org`, `"unclosed@example.org`, `"\`, `"a\"b"@example.org`, "a@b@example.org", `"user"@example.org`,
	"user@exa mple.org", `user@"example.org"`, "user@example.org..", "user@[IPv6:::1]", "ÄÖ@EXAMPLE.org", "İ@example.org",
	"../../etc/passwd", "a'; DROP TABLE msg; --", "sales@example.org ", "\"sales \"@example.org", "user:+x@example.org",
}

func TestOf(t *testing.T) {
	s := mustScopes(t, Options{Separator: "+", LocalDomain: "example.org"}, testAliases)
	for _, c := range []struct{ addr, want string }{
		{"Hans@Example.ORG", "hans@example.org"},
		{"<hans@example.org>", "hans@example.org"},
		{"hans+list+more@example.org", "hans@example.org"},
		{"+list@example.org", "+list@example.org"},
		{"hans@example.org.", "hans@example.org"},
		{"@relay.example.net:hans@example.org", "hans@example.org"},
		{"hans", "hans@example.org"},
		{"hans+list", "hans@example.org"},
		{`"hans"@example.org`, "hans@example.org"},
		{`"hans+x y"@example.org`, "hans@example.org"},
		{`"a b"@example.org`, `"a b"@example.org`},
		{`"a@b"@example.org`, `"a@b"@example.org`},
		{"ÄÖ@example.org", "äö@example.org"},
		{"sales@example.org", "anna@example.org"},
		{"Sales+x@example.org", "anna@example.org"},
		{"info@example.org", "anna@example.org"},
		{"root", "anna@example.org"},
		{"postmaster", "postmaster@example.org"},
		{`"odd one"@example.org`, "anna@example.org"},
		{"spool@example.org", "spool@example.org"},
		{"filter@example.org", "filter@example.org"},
		{"any@lists.example.org", "lists@example.org"},
		{"own@lists.example.org", "own@lists.example.org"},
		{"noreply@example.org", ""},
		{"", ""},
		{"<>", ""},
		{"@example.org", ""},
		{strings.Repeat("a", 244) + "@example.org", ""},
		{"user\x1b[2J@example.org", ""},
		{"us\xffer@example.org", ""},
		{"user@exa mple.org", ""},
	} {
		if got := s.Of(c.addr); got != c.want {
			t.Errorf("Of(%q) = %q, want %q", c.addr, got, c.want)
		}
	}
}

func TestWithoutOptions(t *testing.T) {
	var none *Map
	if got := none.OfMail("anna@example.org"); got != "" {
		t.Errorf("mail goes to scope %q without settings", got)
	}
	if got := none.Of("Anna+x"); got != "anna" {
		t.Errorf("Of = %q", got)
	}
	off := mustScopes(t, Options{}, "")
	if got := off.OfMail("anna@example.org"); got != "" {
		t.Errorf("mail goes to scope %q though scopes are off", got)
	}
	if got := off.Of("anna+x@example.org"); got != "anna+x@example.org" {
		t.Errorf("Of = %q though nothing separates", got)
	}
	both := mustScopes(t, Options{Enabled: true, Separator: "+-"}, "")
	if got := both.OfMail("anna-x+y@example.org"); got != "anna@example.org" {
		t.Errorf("OfMail = %q", got)
	}
}

// FuzzOf holds up that every address has one scope, however often it is mapped,
// and that the steps that are told lead there.
func FuzzOf(f *testing.F) {
	for _, a := range hostileAddresses {
		f.Add(a)
	}
	s := mustScopes(f, Options{Enabled: true, Separator: "+", LocalDomain: "example.org"}, testAliases)
	f.Fuzz(func(t *testing.T, addr string) {
		name := s.Of(addr)
		if again := s.Of(name); again != name {
			t.Errorf("%q is %q, and that is %q", addr, name, again)
		}
		if len(name) > maxName || strings.ContainsFunc(name, unprintable) {
			t.Errorf("%q is %q, which can be no scope", addr, name)
		}
		last := addr
		if steps := s.Steps(addr); len(steps) > 0 {
			last = steps[len(steps)-1].Name
		}
		if last != name {
			t.Errorf("the steps from %q lead to %q, not %q", addr, last, name)
		}
	})
}

func TestSteps(t *testing.T) {
	s := mustScopes(t, Options{Separator: "+", LocalDomain: "example.org"}, testAliases)
	var got []string
	for _, step := range s.Steps("ROOT+x") {
		got = append(got, step.Name)
	}
	if want := []string{"root+x", "root", "root@example.org", "anna@example.org"}; !slices.Equal(got, want) {
		t.Errorf("steps %q, want %q", got, want)
	}
	if got := s.Steps("hans@example.org"); got != nil {
		t.Errorf("steps %v for what is a scope already", got)
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"key only", "alone\n", "lacks an address"},
		{"loop", "a@example.org b@example.org\nb@example.org c@example.org\nc@example.org a@example.org\n", "leads back to itself"},
		{"twice", "a@example.org b@example.org\nA@example.org: c@example.org\n", "already, in line 1"},
		{"detail", "a+x@example.org b@example.org\n", "has a detail"},
		{"no address", "@ b@example.org\n", "is not a domain"},
		{"no target", "a@example.org @example.org\n", "does not stand for an address"},
		{"control", "a@example.org b\x07@example.org\n", "does not stand for an address"},
	} {
		list, err := ParseAliases(c.text)
		if err == nil {
			_, err = Compile(Options{Separator: "+", Aliases: list})
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "in line ") {
			t.Errorf("%s: error %v, want %q with a line", c.name, err, c.want)
		}
	}
	for _, o := range []Options{{Separator: "@"}, {Separator: "ä"}, {LocalDomain: "Example.org"}, {LocalDomain: "a@b"}, {LocalDomain: "exam ple"}} {
		if _, err := Compile(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}
