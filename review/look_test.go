package review

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"fanmill/spool"
)

const evil = "\x1b[2J\u202e\r\nX: y\x00\xff"

// texts walks through everything that has text in a value.
func texts(v reflect.Value, f func(path, s string), path string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			texts(v.Elem(), f, path)
		}
	case reflect.String:
		f(path, v.String())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				texts(v.Field(i), f, path+"."+v.Type().Field(i).Name)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			texts(v.Index(i), f, fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			texts(k, f, path+" key")
			texts(v.MapIndex(k), f, path+" value")
		}
	}
}

// TestNothingHostileIsShown puts an escape sequence into every text there is.
func TestNothingHostileIsShown(t *testing.T) {
	b := setUp(t)
	long := evil + strings.Repeat("x", 5000)
	m := b.hold(t, "Subject:"+strings.ReplaceAll(evil, "\r\n", "")+"\r\n\r\n"+evil+strings.Repeat("y", 1<<20), func(m *spool.Meta) {
		m.Subject, m.From, m.MessageID, m.Verdict, m.Scope, m.Rule = long, evil, evil, evil, evil, evil
		m.Envelope = spool.Envelope{
			Sender: evil, Recipients: []string{long}, ClientAddr: evil, ClientName: evil, Helo: evil, QueueID: evil, MailArgs: evil,
			Macros: map[string]string{evil: evil},
		}
		m.Clues = []spool.Clue{{Text: long, Place: evil}}
		m.Explanation = &spool.Explanation{Pieces: []spool.Piece{{Text: long}, {Text: evil}}, Rest: spool.Piece{Text: evil}}
	})
	s, err := b.Show(m.ID)
	if err != nil {
		t.Fatal(err)
	}
	list, err := b.List(spool.Unsure)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	seen := 0
	check := func(path, s string) {
		seen++
		limit, lines := maxLine, false
		if path == "show.Header" || path == "show.Text" {
			limit, lines = maxText, true
		}
		if len(s) > limit || !utf8.ValidString(s) {
			t.Errorf("%s has %d bytes, UTF-8: %v", path, len(s), utf8.ValidString(s))
		}
		for _, r := range s {
			if unicode.IsControl(r) && !(lines && r == '\n') || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("%s has %U", path, r)
			}
		}
	}
	texts(reflect.ValueOf(s), check, "show")
	texts(reflect.ValueOf(list[0]), check, "list")
	if len(s.Explanation.Pieces) != 2 || list[0].Explanation != nil {
		t.Errorf("shown %+v, in the list %+v", s.Explanation, list[0].Explanation)
	}
	if seen < 40 {
		t.Errorf("only %d texts were checked", seen)
	}
	if !strings.Contains(s.Text, `\x1b[2J\u202e`) || !strings.Contains(s.Subject, `\x1b[2J`) {
		t.Errorf("text %.60q, subject %.60q", s.Text, s.Subject)
	}
	if raw, err := json.Marshal(s); err != nil || strings.ContainsRune(string(raw), '\x1b') {
		t.Errorf("JSON: %v", err)
	}
	if again := Safe(s.Meta); !reflect.DeepEqual(again, s.Meta) {
		t.Error("made safe twice it is not the same")
	}
}

func TestReadableText(t *testing.T) {
	for name, tc := range map[string]struct{ msg, want string }{
		"plain":        {"A: b\r\n\r\nplain text\r\n", "plain text\n"},
		"base64":       {"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: base64\r\n\r\nR3L832U=\r\n", "Grüße"},
		"alternatives": {"Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>html\r\n--x\r\nContent-Type: text/plain\r\n\r\nplain\r\n--x--\r\n", "plain"},
		"html": {
			"Content-Type: text/html\r\n\r\n<title>t</title><style>s</style><p>One<br>two <a class=c href='http://evil.example/'>bank</a><script>x</script></p>\r\n",
			"One\ntwo [http://evil.example/] bank",
		},
		"no known part":   {"Content-Type: image/png\r\n\r\nraw\r\n", "raw\n"},
		"unknown charset": {"Content-Type: text/plain; charset=x-nope\r\n\r\nstill here\r\n", "still here\n"},
		"bad header":      {"no colon here\r\n\r\nbody\r\n", "body\n"},
		"no header":       {"\r\nbody\r\n", "body\n"},
		"nothing":         {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, text := open([]byte(tc.msg))
			if got := strings.ReplaceAll(text, "\r\n", "\n"); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

// TestDeepAndManyParts: it must end soon, and show something.
func TestDeepAndManyParts(t *testing.T) {
	var deep strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&deep, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	many := "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\nContent-Type: image/png\r\n\r\nx\r\n", 10_000)
	for _, msg := range []string{deep.String(), many} {
		if _, text := open([]byte(msg)); text == "" {
			t.Error("nothing is shown")
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<a href=x>y\r\n--x--\r\n"))
	f.Add([]byte("Content-Type: text/plain; charset=utf-7\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=zz=\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		header, text := open(raw)
		if len(header) > len(raw) || len(text) > 8*len(raw)+8 {
			t.Errorf("%d and %d bytes from %d", len(header), len(text), len(raw))
		}
	})
}
