package mime_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // the oracle decodes charsets too
	"golang.org/x/text/encoding/charmap"

	"fanmill/classify/mime"
)

// found collects what a walk tells.
type found struct {
	texts, types, fields, defects, data []string
}

func (f *found) PartField(name, value []byte, nested bool) {
	f.fields = append(f.fields, fmt.Sprintf("%s=%s %v", name, value, nested))
}
func (f *found) PartType(t mime.Type) { f.types = append(f.types, t.Media) }
func (f *found) Defect(name string)   { f.defects = append(f.defects, name) }
func (f *found) Data(t mime.Type, head, _ []byte) {
	f.data = append(f.data, fmt.Sprintf("%s %.20q", t.Media, head))
}

func (f *found) Text(_ mime.Type, head, tail []byte) {
	f.texts = append(f.texts, string(head))
	if tail != nil {
		f.texts = append(f.texts, "tail:"+string(tail))
	}
}

var wide = mime.Limits{Head: 64 << 10, Tail: 16 << 10, Total: 256 << 10, Parts: 500, Depth: 30}

func walk(lim mime.Limits, contentType, cte, body string) *found {
	f := &found{}
	w := mime.New(lim, f)
	w.Begin(mime.ParseType([]byte(contentType)), []byte(cte))
	for line := range strings.Lines(body) {
		w.Line([]byte(strings.TrimRight(line, "\r\n")), true, true)
	}
	w.End()
	return f
}

// TestSalvage goes through the inputs at which go-message gives up parts or the
// whole message: each must still be read as far as there is something to read.
func TestSalvage(t *testing.T) {
	const mixed = "multipart/mixed; boundary=b"
	tests := []struct {
		name, ct, cte, body string
		texts               []string
		defects             []string
	}{
		{"plain", "", "", "hello\n", []string{"hello\n"}, nil},
		{"part field without colon", mixed, "", "--b\nContent-Type: text/plain\nnonsense\nX: y\n\none\n--b\n\ntwo\n--b--\n", []string{"one\n", "two\n"}, []string{"broken"}},
		{"part header begins with a blank", mixed, "", "--b\n folded\nContent-Type: text/plain\n\none\n--b--\n", []string{"one\n"}, []string{"broken"}},
		{"part without a header", mixed, "", "--b\nno header here\nmore\n--b--\n", []string{"no header here\nmore\n"}, []string{"broken"}},
		{"unknown charset", "text/plain; charset=x-nope", "", "caf\xe9\n", []string{"café\n"}, []string{"charset"}},
		{"alias cp932", "text/plain; charset=cp932", "", "\x93\xfa\x96{\n", []string{"日本\n"}, nil},
		{"quoted label", "text/plain; charset=\"'iso-8859-1'\"", "", "gr\xfcn\n", []string{"grün\n"}, nil},
		{"wrong label utf-8", "text/plain; charset=utf-8", "", "gr\xfcn\n", []string{"grün\n"}, []string{"charset:wrong"}},
		{"unknown transfer encoding", "text/plain", "x-uuencode", "begin 644 x\n", []string{"begin 644 x\n"}, nil},
		{"transfer encoding with parameter", "text/plain", "base64;", "aGVsbG8=\n", []string{"hello"}, nil},
		{"base64 with junk", "text/plain", "base64", "aGVs!bG8g\nd29y*bGQ=\n", []string{"hello world"}, []string{"base64"}},
		{"base64 cut off", "text/plain", "base64", "aGVsbG8gd2\n", []string{"hello w"}, nil},
		{"base64 with padding inside", "text/plain", "base64", "aGk=aG8=\n", []string{"hiho"}, nil},
		{"bad quoted-printable", "text/plain", "quoted-printable", "a=ZZb=C3=BC=\nc = \nd\n", []string{"a=ZZbüc d\n"}, []string{"quoted-printable"}},
		{"quoted-printable padding", "text/plain", "quoted-printable", "a \t\nb=20\n", []string{"a\nb \n"}, nil},
		{"no subtype", "text", "", "x\n", []string{"x\n"}, nil},
		{"junk parameters", "text/plain; ; =; charset; charset=koi8-r; charset=utf-8", "", "\xd0\xd2\xc9\n", []string{"при\n"}, nil},
		{"multipart without boundary", "multipart/mixed", "", "raw text\n", []string{"raw text\n"}, []string{"no-boundary"}},
		{"multipart that never begins", mixed, "", "raw text\n", []string{"raw text\n"}, []string{"no-parts", "unclosed"}},
		{"multipart that never ends", mixed, "", "--b\n\none\n--b\n\ntwo\n", []string{"one\n", "two\n"}, []string{"unclosed"}},
		{"multipart with transfer encoding", mixed, "base64", "--b\n\none\n--b--\n", []string{"one\n"}, nil},
		{"inner never closed", mixed, "", "--b\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\none\n--b\n\ntwo\n--b--\n", []string{"one\n", "two\n"}, []string{"unclosed"}},
		{"boundary is the start of another", mixed, "", "--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\none\n--bb--\n--b\n\ntwo\n--b--\n", []string{"one\n", "two\n"}, nil},
		{"doubled fields: the first counts", mixed, "", "--b\nContent-Type: text/plain\nContent-Type: text/plain; charset=gb2312\nContent-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\nyrw=\n--b--\n", []string{"ʼ"}, nil},
		{"enclosed message", "message/rfc822", "", "Subject: x\nContent-Type: text/html\n\n<p>in\n", []string{"<p>in\n"}, nil},
		{"enclosed multipart", mixed, "", "--b\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--i--\n--b\n\ntwo\n--b--\n", []string{"one\n", "two\n"}, nil},
		{"text after what is no text", mixed, "", "--b\nContent-Type: image/png\n\nxx\n--b\n\ntwo\n--b--\nepilogue\n", []string{"two\n"}, nil},
	}
	for _, tt := range tests {
		f := walk(wide, tt.ct, tt.cte, tt.body)
		if !slices.Equal(f.texts, tt.texts) || !slices.Equal(f.defects, tt.defects) {
			t.Errorf("%s:\n texts %q, want %q\n defects %q, want %q", tt.name, f.texts, tt.texts, f.defects, tt.defects)
		}
	}
}

func TestLimits(t *testing.T) {
	lim := mime.Limits{Head: 10, Tail: 4, Total: 30, Parts: 3, Depth: 2}
	body := "--b\n\n0123456789abcdefgh\n--b\n\nshort\n--b\n\n0123456789\n--b\n\nfourth\n--b--\n"
	f := walk(lim, "multipart/mixed; boundary=b", "", body)
	// 14 and 6 bytes are kept of the first two: 10 remain for the third.
	want := []string{"0123456789", "tail:fgh\n", "short\n", "0123456789"}
	if !slices.Equal(f.texts, want) {
		t.Errorf("texts %q, want %q", f.texts, want)
	}
	if !slices.Contains(f.defects, "many-parts") {
		t.Errorf("defects %q do not name many-parts", f.defects)
	}
	deep := "--a\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\ntoo deep\n--a\n\nback\n--a--\n"
	f = walk(lim, "multipart/mixed; boundary=a", "", deep)
	if !slices.Equal(f.texts, []string{"back\n"}) || !slices.Contains(f.defects, "deep") {
		t.Errorf("texts %q, defects %q", f.texts, f.defects)
	}
}

func TestTailIsTheEnd(t *testing.T) {
	for n := range 60 {
		var b strings.Builder
		for i := range n {
			b.WriteByte(byte('a' + i%26))
		}
		text := b.String()
		for _, piece := range []int{1, 3, 7, 60} {
			f := &found{}
			w := mime.New(mime.Limits{Head: 10, Tail: 8, Total: 1000, Parts: 1, Depth: 1}, f)
			w.Begin(mime.ParseType(nil), nil)
			for rest := text; rest != ""; {
				k := min(piece, len(rest))
				w.Line([]byte(rest[:k]), len(rest) == len(text), false)
				rest = rest[k:]
			}
			w.End()
			want := []string{text}
			switch {
			case n == 0:
				want = nil
			case n > 18:
				want = []string{text[:10], "tail:" + text[n-8:]}
			}
			if !slices.Equal(f.texts, want) {
				t.Fatalf("%d bytes in pieces of %d: %q, want %q", n, piece, f.texts, want)
			}
		}
	}
}

// TestUnendingEncodedWords has a hundred thousand beginnings of encoded words
// and no end, for which the rest must not be searched each time.
func TestUnendingEncodedWords(t *testing.T) {
	var d mime.FieldDecoder
	v := strings.Repeat("=?a?q?x", 300_000)
	began := time.Now()
	if text, broken := d.Decode([]byte(v)); string(text) != v || !broken {
		t.Errorf("decoded to %d bytes, broken %v", len(text), broken)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestBlankLines compares empty and other lines taken at once with the same one
// by one.
func TestBlankLines(t *testing.T) {
	bodies := []string{"text", "--b\nA: b", "--b\nContent-Type: message/rfc822", "--b\n\ntext=", "--b\n\ntext =4", "--b--"}
	for _, top := range []string{"text/plain", "multipart/mixed; boundary=b", "message/rfc822", "image/png"} {
		for _, cte := range []string{"", "base64", "quoted-printable"} {
			for _, body := range bodies {
				for _, n := range []int{1, 2, 3, 5000, 100_000} {
					want := walk(wide, top, cte, body+strings.Repeat("\n", n+1)+"end\n\n--b\nA: b\n\nQUFB\n=41\n--b-\n\n--b--\n--\nend\n")
					got := &found{}
					w := mime.New(wide, got)
					w.Begin(mime.ParseType([]byte(top)), []byte(cte))
					for _, line := range strings.Split(body, "\n") {
						w.Line([]byte(line), true, true)
					}
					w.Blank(n)
					w.Lines([]byte("end\n\n--b\nA: b\n\nQUFB\n=41\n--b-\n\n--b--\n--\nend\n"))
					w.End()
					if fmt.Sprint(got) != fmt.Sprint(want) {
						t.Errorf("%s %s %q and %d empty lines:\n%.300q\nwant\n%.300q", top, cte, body, n, fmt.Sprint(got), fmt.Sprint(want))
					}
				}
			}
		}
	}
}

func TestFieldDecoder(t *testing.T) {
	tests := []struct {
		in, want string
		broken   bool
	}{
		{"plain", "plain", false},
		{"=?utf-8?q?gr=C3=BC=C3=9Fe?= you", "grüße you", false},
		{"=?utf-8?b?Z3LDvA==?= =?utf-8?b?w59l?=", "grüße", false},
		{"=?utf-8?b?Z3LD?= =?utf-8?b?vMOfZQ==?=", "grüße", false},  // a character cut in two
		{"=?utf-8?b?Z3LDv?=\t=?utf-8?b?MOfZQ==?=", "grüße", false}, // and a quantum of base64
		{"=?utf-8?b?Z3I?= =?utf-8?b?w7w=?=", "grü", false},         // no padding
		{"=?utf-8?q?=E5=8F=91?= =?utf-8?q?=E7=A5?= =?utf-8?q?=A8?=", "发票", false},
		{"=?gb2312?B?t6LGsQ==?=", "发票", false},
		{"=?utf-8?B?t6LGsdPFu90=?=", "发票优惠", false},                 // the label lies
		{"=?iso-8859-1?B?zerExNPQt6LGsdPFu90=?=", "完哪有发票优惠", false}, // and here
		{"=?windows-1251?B?4u/t3uvd?= =?koi8-r?B?8NLJ18XU?=", "впнЮлЭПривет", false},
		{"=?ks_c_5601-1987?B?tOvD4g==?=", "대출", false},
		{"=?iso-8859-6?B?5dHNyMc=?=", "مرحبا", false},
		{"=?utf-7?Q?+ZeVnLIqe-?=", "日本語", false},
		{"=?hz-gb-2312?Q?~{7\"F1~}?=", "发票", false},
		{"=?utf-8?q?a?b?= c", "a?b c", false},
		{"=?iso-8859-1*de?Q?gr=FCn?=", "grün", false},
		{"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本", false},
		{"a =?utf-8?q?b?= c =?utf-8?q?d?= e", "a b c d e", false},
		{"=?utf-8?b?!!!?=", "", true},
		{"=?utf-8?x?abc?= rest", "=?utf-8?x?abc?= rest", true},
		{"=?never ends", "=?never ends", true},
		{"raw \xfc", "raw ü", false},
		{"raw ü", "raw ü", false},
		{"\xb7\xa2\xc6\xb1\xd3\xc5\xbb\xdd", "发票优惠", false},              // raw GBK
		{"\xf0\xd2\xc9\xd7\xc5\xd4, \xcd\xc9\xd2", "Привет, мир", false}, // raw KOI8-R
		{"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0", "Привет, мир", false}, // raw windows-1251
		{"=?x-nope?q?a?=", "a", false},
	}
	var d mime.FieldDecoder
	for _, tt := range tests {
		got, broken := d.Decode([]byte(tt.in))
		if string(got) != tt.want || broken != tt.broken {
			t.Errorf("%q: %q (broken %v), want %q (%v)", tt.in, got, broken, tt.want, tt.broken)
		}
	}
}

// oracle is the text of all parts by go-message; ok is false where it reports
// any error, since then the two may differ.
func oracle(raw []byte) (texts []string, ok bool) {
	e, err := message.Read(bytes.NewReader(raw))
	if err != nil {
		return nil, false
	}
	err = e.Walk(func(_ []int, p *message.Entity, err error) error {
		if err != nil {
			return err
		}
		media, params, err := p.Header.ContentType()
		if err != nil || !strings.Contains(media, "/") || strings.HasPrefix(media, "message/") || media == "text/rfc822-headers" {
			return errors.New("not compared")
		}
		if strings.HasPrefix(media, "multipart/") {
			return nil
		}
		if cte := strings.ToLower(strings.TrimSpace(p.Header.Get("Content-Transfer-Encoding"))); cte != "" && cte != "base64" && cte != "quoted-printable" && cte != "7bit" && cte != "8bit" {
			return errors.New("not compared")
		}
		if _, known := mime.CharsetEncoding(params["charset"]); !known {
			return errors.New("not compared")
		}
		b, err := io.ReadAll(p.Body)
		if err != nil {
			return err
		}
		if !comparable(b) {
			return errors.New("not compared")
		}
		if ty := mime.ParseType([]byte(p.Header.Get("Content-Type"))); ty.Text() && len(b) > 0 {
			texts = append(texts, string(b))
		}
		return nil
	})
	return texts, err == nil
}

// comparable tells whether both decode a text alike by design: the charset of
// bytes that are no UTF-8 we find out, the control characters of ISO 8859-1 we take
// for windows-1252, as browsers do, and what is no GBK may be GB18030.
func comparable(b []byte) bool {
	return utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool { return r >= 0x80 && r < 0xa0 || r == utf8.RuneError })
}

// TestAgreesWithGoMessage compares the decoded text of every message of the
// repository that go-message can read without an error.
func TestAgreesWithGoMessage(t *testing.T) {
	files, err := filepath.Glob("../../test/mail/*/*.eml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no messages in ../../test/mail (%v)", err)
	}
	compared := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, ok := oracle(raw)
		if !ok || filepath.Base(file) == "no-headers.eml" { // its text would be its header
			continue
		}
		compared++
		e, _ := message.Read(bytes.NewReader(raw))
		_, body, _ := bytes.Cut(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
		got := walk(mime.Limits{Head: 1 << 20, Total: 1 << 24, Parts: 500, Depth: 100},
			e.Header.Get("Content-Type"), e.Header.Get("Content-Transfer-Encoding"), string(body))
		if g, w := plain(got.texts), plain(want); g != w {
			t.Errorf("%s: decoded text differs\n got %.400q\nwant %.400q", file, g, w)
		}
	}
	if compared < len(files)/2 {
		t.Errorf("only %d of %d messages compared", compared, len(files))
	}
}

// plain joins texts and levels what may differ: line ends, empty texts and marks of
// byte order.
func plain(texts []string) string {
	var out []string
	for _, t := range texts {
		t = strings.ReplaceAll(strings.TrimPrefix(t, "\ufeff"), "\r", "")
		if t = strings.Trim(t, "\n"); t != "" {
			out = append(out, t)
		}
	}
	return strings.Trim(strings.Join(out, "\n--\n"), "\n")
}

// TestBase64Lines compares with the standard library, whatever the length of lines.
func TestBase64Lines(t *testing.T) {
	content := make([]byte, 10_000)
	for i := range content {
		content[i] = byte(i * i >> 3)
	}
	code := base64.StdEncoding.EncodeToString(content)
	for _, length := range []int{1, 2, 3, 4, 5, 60, 75, 76, 77, 4097, len(code)} {
		var b strings.Builder
		for rest := code; rest != ""; {
			n := min(length, len(rest))
			b.WriteString(rest[:n] + "\n")
			rest = rest[n:]
		}
		var got []byte
		w := mime.New(mime.Limits{Head: 1 << 20, Total: 1 << 20, Parts: 1, Depth: 1}, textSink(func(head []byte) { got = bytes.Clone(head) }))
		w.Begin(mime.ParseType([]byte("text/plain; charset=windows-1252")), []byte("base64"))
		w.Lines([]byte(b.String()))
		w.End()
		want, _ := charmap.Windows1252.NewDecoder().Bytes(content)
		if !bytes.Equal(got, want) {
			t.Errorf("lines of %d: %d bytes, want %d", length, len(got), len(want))
		}
	}
}

// textSink takes the text of parts only.
type textSink func(head []byte)

func (textSink) PartField([]byte, []byte, bool)     {}
func (textSink) PartType(mime.Type)                 {}
func (f textSink) Text(_ mime.Type, head, _ []byte) { f(head) }
func (textSink) Data(_ mime.Type, _, _ []byte)      {}
func (textSink) Defect(string)                      {}
