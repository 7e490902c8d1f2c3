package match

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fanmill/policy/address"
)

func mustPatterns(t testing.TB, entries ...string) *Patterns {
	t.Helper()
	p, errs := CompilePatterns("unfiltered", entries)
	if len(errs) > 0 {
		t.Fatalf("compile %q: %v", entries, errors.Join(errs...))
	}
	return p
}

func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		yes, no []string
	}{
		{
			"User@Example.org",
			[]string{"user@example.org", "USER@EXAMPLE.ORG", "<user@example.org>", "user+x@example.org", `"user"@example.org`, "@r.example:user@example.org", "user@example.org."},
			[]string{"", "user", "user@", "user@sub.example.org", "user@example.org.evil", "xuser@example.org", `"user@example.org"`, `"user@example.org"@evil.example`, "<user@example.org>x", "user@example.orgx"},
		},
		{
			"user+news@example.org",
			[]string{"user+news@example.org", "User+News@example.org"},
			[]string{"user@example.org", "user+other@example.org", "user+news+x@example.org"},
		},
		{"<user@example.org>", []string{"user@example.org"}, []string{""}},
		{
			"@example.org",
			[]string{"a@example.org", "b+c@EXAMPLE.org", "@example.org", "a@example.org."},
			[]string{"a@sub.example.org", "a@notexample.org", "example.org", "", `"x@example.org"`, "a@example.org.evil"},
		},
		{"@bücher.example", []string{"a@BÜCHER.example"}, []string{"a@bucher.example"}},
		{"@[192.0.2.1]", []string{"a@[192.0.2.1]"}, []string{"a@192.0.2.1"}},
		{
			"postmaster@",
			[]string{"postmaster@example.org", "Postmaster", "POSTMASTER@x", "postmaster+x@y", "<postmaster>"},
			[]string{"", "postmasters@x", "x@postmaster", "not+postmaster@x"},
		},
		{"list+owner@", []string{"list+owner@x"}, []string{"list@x", "list+other@x"}},
		{`"a@b"@`, []string{`"a@b"@x`, `"A@b"`}, []string{"a@b"}},
		{`"john doe"@example.org`, []string{`"John Doe"@example.org`, `"john\ doe"@example.org`}, []string{"john@example.org"}},
		{`"a\"b"@example.org`, []string{`"a\"b"@example.org`}, []string{"ab@example.org"}},
		{"<>", []string{"", "<>"}, []string{"a@b", "postmaster"}},
		{
			"*-owner@lists.*",
			[]string{"x-owner@lists.example", "-OWNER@LISTS.x", "x-owner+bounce@lists.example"},
			[]string{"x-owner@list.example", "owner@lists.example", "a+b-owner@lists.example"},
		},
		{"*@*.example.org", []string{"a@b.example.org", "a@b.c.example.org"}, []string{"a@example.org", `"a@b.example.org"`}},
		{"user?@x", []string{"user1@x", "userß@x"}, []string{"user@x", "user12@x"}},
		{"*", []string{"", "a@b", "x"}, nil},
		{"a+*@x", []string{"a+b@x", "a+@x"}, []string{"a@x"}},
		{
			"/^list-/",
			[]string{"list-a@x", "LIST-b@y", "list-a+b@x"},
			[]string{"a-list-@x", "x+list-@x"},
		},
		// The detail is the sender's to choose: it must not make a pattern match.
		{"/boss@/", []string{"boss@x", "bigboss@x"}, []string{"clerk+boss@x"}},
		{`/\+vip@/`, []string{"a+vip@x"}, []string{"a@x", "vip@x"}},
		{`/[+]vip@/`, []string{"a+vip@x"}, []string{"vip@x"}},
		{"/(?-i)^Big@/", []string{"Big@x", "Big+y@x"}, []string{"big@x"}},
		{"/(?:^a|^b)@/", []string{"A@x", "b@x"}, []string{"c@x"}},
		{"/^$/", []string{""}, []string{"a"}},
	} {
		t.Run(tt.pattern, func(t *testing.T) {
			p := mustPatterns(t, tt.pattern)
			for _, a := range tt.yes {
				if !p.Match(address.Parse(a)) {
					t.Errorf("%q does not match %q", tt.pattern, a)
				}
			}
			for _, a := range tt.no {
				if p.Match(address.Parse(a)) {
					t.Errorf("%q matches %q", tt.pattern, a)
				}
			}
		})
	}
}

func TestBadPatterns(t *testing.T) {
	for _, tt := range []struct {
		entry string
		err   error
		hint  string
	}{
		{"", errEmpty, "write one of"},
		{"   ", errEmpty, "write one of"},
		{"example.org", errNoDomain, "write @example.org for a domain"},
		{"bob", errNoDomain, "bob@ for a local part"},
		{"@", address.ErrMalformed, "write one of"},
		{"@.example.org", address.ErrMalformed, "write one of"},
		{"a@b@", address.ErrMalformed, "write one of"},
		{"a b@x", errCharacter, "write one of"},
		{"Bob <bob@x>", errCharacter, "write one of"},
		{"a@x,b@y", errCharacter, "write one of"},
		{"a@x\n", nil, ""},
		{"a\x00@x", errCharacter, "write one of"},
		{"a\xff@x", errCharacter, "write one of"},
		{`"a b@x`, errCharacter, "write one of"},
		{"/abc", errOpenRE, "between slashes"},
		{"/", errOpenRE, "between slashes"},
		{"//", errEmpty, "between slashes"},
		{"/(abc/", nil, "between slashes"},
		{"/(?=x)/", nil, "between slashes"},
	} {
		t.Run(tt.entry, func(t *testing.T) {
			_, errs := CompilePatterns("unfiltered", []string{tt.entry, "ok@example.org"})
			if tt.err == nil && tt.hint == "" {
				if len(errs) != 0 {
					t.Fatalf("refused: %v", errs)
				}
				return
			}
			if len(errs) != 1 {
				t.Fatalf("got %d errors, want 1: %v", len(errs), errs)
			}
			var oe *OptionError
			if !errors.As(errs[0], &oe) || oe.Option != "unfiltered" || oe.Entry != tt.entry {
				t.Fatalf("error does not name option and entry: %#v", errs[0])
			}
			if tt.err != nil && !errors.Is(oe, tt.err) {
				t.Errorf("error %v, want %v", oe.Err, tt.err)
			}
			if !strings.Contains(oe.Hint, tt.hint) {
				t.Errorf("hint %q lacks %q", oe.Hint, tt.hint)
			}
		})
	}
}

// A glob means the same as the regular expression it stands for.
func TestGlobOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOfN(rapid.RuneFrom([]rune("ab@.*?ß")), 0, 12, -1).Draw(t, "pattern")
		s := rapid.StringOfN(rapid.RuneFrom([]rune("ab@.ß")), 0, 12, -1).Draw(t, "s")
		source := regexp.QuoteMeta(pattern)
		source = strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(source)
		want := regexp.MustCompile(`(?s)\A` + source + `\z`).MatchString(s)
		if got := matchGlob(pattern, s); got != want {
			t.Fatalf("matchGlob(%q, %q) = %v, want %v", pattern, s, got, want)
		}
	})
}

// Whatever bytes stand for an address, taking it apart and matching it ends
// well, and an address in brackets is the same as without.
func TestAnyAddress(t *testing.T) {
	p := mustPatterns(t, "a@b", "@b", "a@", "*a?@*", "/a.*b/", `/\+/`)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(
			rapid.StringOfN(rapid.RuneFrom([]rune(`ab@+"\<>:.[] `)), 0, 20, -1),
			rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 20), func(b []byte) string { return string(b) }),
		).Draw(t, "address")
		a := address.Parse(s)
		p.Match(a)
		trimmed := strings.TrimSpace(s)
		if !strings.HasPrefix(trimmed, "<") && address.Parse("<"+trimmed+">") != a {
			t.Fatalf("brackets change %q: %+v, %+v", s, a, address.Parse("<"+trimmed+">"))
		}
	})
}

// BenchmarkLookup shows that long lists of addresses, domains and local parts
// cost the same as short ones.
func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{10, 20_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			entries := make([]string, 0, n)
			for i := range n {
				entries = append(entries, []string{
					fmt.Sprintf("user%d@example.org", i), fmt.Sprintf("@d%d.example", i), fmt.Sprintf("local%d@", i),
				}[i%3])
			}
			p := mustPatterns(b, entries...)
			for b.Loop() {
				p.Match(address.Parse("somebody+detail@example.org"))
			}
		})
	}
}
