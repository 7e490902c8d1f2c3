package delay

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Forms as they stand in mail of 2024 to 2026 and in the documents that define them.
func TestPlainSender(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", "@"},
		{"bob@example.com", "bob@example.com"},
		{"Bob@Example.COM.", "bob@example.com"},
		{"bob", "bob@"},
		{"bob+shop@example.com", "bob@example.com"},
		{"o'brien.x@example.com", "o'brien.x@example.com"},

		{"prvs=2964ba2c8f=bob@example.com", "bob@example.com"},
		{"prvs=bob/2964ba2c8f@example.com", "bob@example.com"},
		{"prvs=02964ba2c8=bob+list@example.com", "bob@example.com"},
		{"msprvs1=17628a3Zb0_3y=bounces-129458@bounces.example.com", "bounces-#@bounces.example.com"},
		{"btv1==0594a6ee3c1==Bob@example.com", "bob@example.com"},
		{"prvs=", "@"},
		{"prvs==", "@"},

		{"SRS0=HHH=TT=example.org=alice@forwarder.example", "alice@example.org"},
		{"SRS0+HHH=TT=example.org=alice@forwarder.example", "alice@example.org"},
		{"srs0-hhh=tt=example.org=alice@forwarder.example", "alice@example.org"},
		{"SRS0=4f2=tt=example.org=list-bounces+bob=example.net@forwarder.example", "list-bounces@example.org"},
		{"SRS1=GGG=forwarder.example==HHH=TT=example.org=alice@third.example", "alice@example.org"},
		{"prvs=2964ba2c8f=SRS0=HHH=TT=example.org=alice@forwarder.example", "alice@example.org"},
		{"bounces+SRS=44ldt=IX@contoso.example", "bounces@contoso.example"},
		{"srs0@example.com", "#@example.com"},
		{"srs0=short=x@example.com", "@example.com"},
		{"srs1=no-way@example.com", "@example.com"},
		{"srsly@example.com", "srsly@example.com"},

		{"mailman-bounces+bob=example.net@lists.example.org", "mailman-bounces@lists.example.org"},
		{"mailman-bounces@lists.example.org", "mailman-bounces@lists.example.org"},
		{"list-return-1234-bob=example.net@lists.example.org", "list@lists.example.org"},
		{"bounce-1234-first-last=example.net@lists.example.org", "bounce@lists.example.org"},
		{"bob=example.net@bounce.example.org", "@bounce.example.org"},
		{"bounces+8471-c0de-bob=example.net@em.example.com", "bounces@em.example.com"},
		{"bounce-mc.us12_3456.789-0a1b2c@mail12.example.net", "bounce-mc.#_#.#-#@mail12.example.net"},
		{"0100018c5d1a2b3c-5f0e-4a77-000000@amazonses.example", "#-#-#-#@amazonses.example"},
		{"bounce.77f3a.1234@example.com", "bounce.#.#@example.com"},
	} {
		if got := PlainSender(tt.in); got != tt.want {
			t.Errorf("PlainSender(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// Whatever stands there, the domain stays, or becomes the one that was forwarded for;
// nothing grows, and a plain sender is its own plain sender but for numbers.
func TestPlainSenderOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.StringMatching(`((prvs|msprvs1|btv1=|SRS0|srs1)[=+-])?[a-c0-9=+._/-]{0,30}@[a-z.]{0,8}`).Draw(t, "sender")
		out := PlainSender(in)
		if len(out) > len(in)+1 {
			t.Fatalf("%q became longer: %q", in, out)
		}
		if strings.ContainsAny(out[:strings.LastIndexByte(out, '@')], "=+0123456789") {
			t.Fatalf("%q keeps a tag: %q", in, out)
		}
	})
}

type part struct{ name, value string }

func keyOf(sender, rcpt, body string, fields ...part) Key {
	p := NewPrint()
	for _, f := range fields {
		p.Field([]byte(f.name), []byte(f.value))
	}
	p.Body([]byte(body))
	return p.Keys(sender, []string{rcpt})[0]
}

func TestKey(t *testing.T) {
	usual := []part{{"From", " Bob <bob@example.com>"}, {"Date", " Sun, 22 Nov 2026 10:00:00 +0000"}, {"Subject", " a long\n subject"}, {"Message-ID", " <1@x>"}}
	want := keyOf("bob@example.com", "anna@example.org", "Hello\r\n", usual...)
	with := func(i int, f part) []part {
		list := append([]part(nil), usual...)
		list[i] = f
		return list
	}
	for name, got := range map[string]Key{
		"other Received":  keyOf("bob@example.com", "anna@example.org", "Hello\r\n", append([]part{{"Received", " from elsewhere"}, {"To", " x"}}, usual...)...),
		"other folding":   keyOf("bob@example.com", "anna@example.org", "Hello\r\n", with(2, part{"SUBJECT", "a\r\n\tlong subject "})...),
		"other tag":       keyOf("prvs=2964ba2c8f=bob@example.com", "anna@example.org", "Hello\r\n", usual...),
		"case of address": keyOf("bob@Example.com", "Anna@example.org", "Hello\r\n", usual...),
	} {
		if got != want {
			t.Errorf("%s: another key, want the same", name)
		}
	}
	for name, got := range map[string]Key{
		"other body":       keyOf("bob@example.com", "anna@example.org", "Hello!\r\n", usual...),
		"no body":          keyOf("bob@example.com", "anna@example.org", "", usual...),
		"other recipient":  keyOf("bob@example.com", "ann@example.org", "Hello\r\n", usual...),
		"other sender":     keyOf("eve@example.com", "anna@example.org", "Hello\r\n", usual...),
		"other from":       keyOf("bob@example.com", "anna@example.org", "Hello\r\n", with(0, part{"From", "Eve"})...),
		"other date":       keyOf("bob@example.com", "anna@example.org", "Hello\r\n", with(1, part{"Date", "today"})...),
		"other subject":    keyOf("bob@example.com", "anna@example.org", "Hello\r\n", with(2, part{"Subject", "another"})...),
		"other id":         keyOf("bob@example.com", "anna@example.org", "Hello\r\n", with(3, part{"Message-ID", "<2@x>"})...),
		"field in body":    keyOf("bob@example.com", "anna@example.org", "message-id:<1@x>\nHello\r\n", usual[:3]...),
		"sender in rcpt":   keyOf("bob@example.co", "manna@example.org", "Hello\r\n", usual...),
		"second recipient": NewPrint().Keys("bob@example.com", []string{"a@x", "anna@example.org"})[1],
	} {
		if got == want {
			t.Errorf("%s: the same key, want another", name)
		}
	}
}

// Keys do not depend on how the body arrives, and asking for them changes nothing.
func TestKeysOfChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.String().Draw(t, "body")
		whole, cut := NewPrint(), NewPrint()
		whole.Body([]byte(body))
		cut.Body(nil)
		for rest := body; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			cut.Body([]byte(rest[:n]))
			cut.Keys("", []string{"a@x"})
			rest = rest[n:]
		}
		if whole.Keys("s@x", []string{"a@x"})[0] != cut.Keys("s@x", []string{"a@x"})[0] {
			t.Fatal("another key for the same body in chunks")
		}
	})
}
