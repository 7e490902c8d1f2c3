package mime_test

import (
	"strings"
	"testing"

	"fanmill/classify/mime"
)

// FuzzWalker reads any body under the common types. Wherever go-message reads
// it without an error, both must have decoded the same text.
func FuzzWalker(f *testing.F) {
	types := []string{
		"text/plain; charset=utf-8", "text/plain; charset=iso-8859-1", "text/plain; charset=gbk", "multipart/mixed; boundary=b",
		"text/html; charset=koi8-r", "message/rfc822",
	}
	encodings := []string{"", "base64", "quoted-printable"}
	f.Add(uint8(0), uint8(1), "aGVsbG8=\n")
	f.Add(uint8(0), uint8(2), "a=C3=BC=\nc = \nd\n")
	f.Add(uint8(3), uint8(0), "--b\nContent-Type: text/plain; charset=gb2312\nContent-Transfer-Encoding: base64\n\nyrw=\n--b\n\ntwo\n--b--\n")
	f.Add(uint8(3), uint8(0), "--b\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--i--\n--b\n folded\n\ntwo\n--b--\n")
	f.Fuzz(func(t *testing.T, ty, enc uint8, body string) {
		contentType, cte := types[int(ty)%len(types)], encodings[int(enc)%len(encodings)]
		if len(body) > 10_000 || strings.Contains(body, "\r") {
			return
		}
		if strings.Contains(strings.ReplaceAll(body, "\t", " "), strings.Repeat(" ", 1000)) {
			return // more blanks than are held back at the end of a quoted-printable line
		}
		got := walk(mime.Limits{Head: 1 << 20, Tail: 1 << 10, Total: 1 << 24, Parts: 500, Depth: 100}, contentType, cte, body)
		raw := "Content-Type: " + contentType + "\nContent-Transfer-Encoding: " + cte + "\n\n" + body
		want, ok := oracle([]byte(raw))
		if !ok || len(got.defects) > 0 {
			return
		}
		if g, w := plain(got.texts), plain(want); g != w {
			t.Errorf("%s, %s:\n got %.400q\nwant %.400q", contentType, cte, g, w)
		}
	})
}
