package html

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	oracle "golang.org/x/net/html"
)

// ours and theirs list the tokens of markup. Text stands as it is, since it may
// come in one token or in two, all else between NUL bytes.
func ours(src []byte) string {
	var b strings.Builder
	var z tokenizer
	z.reset(src)
	for {
		switch z.next() {
		case noToken:
			return b.String()
		case textToken:
			b.Write(z.text())
		case startToken:
			fmt.Fprintf(&b, "\x00start %q\x00", z.name)
			for i := range z.attrs {
				name, value := z.attr(i)
				fmt.Fprintf(&b, "\x00%q=%q\x00", name, value)
			}
		case endToken:
			fmt.Fprintf(&b, "\x00end %q\x00", z.name)
		case commentToken:
			b.WriteString("\x00comment\x00")
		case doctypeToken:
			b.WriteString("\x00doctype\x00")
		}
	}
}

func theirs(src []byte) string {
	var b strings.Builder
	z := oracle.NewTokenizer(bytes.NewReader(src))
	for {
		switch z.Next() {
		case oracle.ErrorToken:
			return b.String()
		case oracle.TextToken:
			b.Write(z.Text())
		case oracle.StartTagToken, oracle.SelfClosingTagToken:
			name, more := z.TagName()
			fmt.Fprintf(&b, "\x00start %q\x00", name)
			for range attrsMax {
				if !more {
					break
				}
				var key, value []byte
				key, value, more = z.TagAttr()
				fmt.Fprintf(&b, "\x00%q=%q\x00", key, value)
			}
		case oracle.EndTagToken:
			name, _ := z.TagName()
			fmt.Fprintf(&b, "\x00end %q\x00", name)
		case oracle.CommentToken:
			b.WriteString("\x00comment\x00")
		case oracle.DoctypeToken:
			b.WriteString("\x00doctype\x00")
		}
	}
}

// fair takes out of markup what we read otherwise on purpose: NUL bytes, and
// comments in a document with scripts.
func fair(src []byte) []byte {
	src = bytes.ReplaceAll(src, []byte{0}, nil)
	if bytes.Contains(bytes.ToLower(src), []byte("script")) {
		src = bytes.ReplaceAll(src, []byte("<!--"), []byte("<! -"))
	}
	return src
}

// markups are pieces that are easily read wrong.
var markups = []string{
	"", "<", "a<", "</", "<!", "<?", "<a", "<a ", "<a b", "<a b=", "<a b='", "a < b > c", "<<b>", "</>", "</ x>y", "<1>", "<a \x85=b \xf0=c \xe9=d \xc9=e>", "<a/>x", "<a / b>x", "<a /b=c>",
	"<a b=c d='e' f=\"g\" h>", "<a b = c>", "<a =b=c>", "<a b=/c/>", "<a b=c/>", "<A HREF=X href=y>", "<a b='x>y'>z", "<a\nb\fc\td>", "<a b='c'd=e>", "<a b=>c",
	"<!-->a", "<!--->a", "<!---->a", "<!--a-->b", "<!--a--!>b", "<!--a--!-->b", "<!--a--->b", "<!--a", "<!--a--", "<!--!>a-->b", "<!doctype html>a", "<!DOCTYPE", "<!DOC>a", "<!x>a", "<?xml?>a", "<![CDATA[a]]>b", "<!->a-->",
	"<style>a<b></style>c", "<STYLE>a</Style >c", "<style>a</styleb></style/>c", "<title>a&amp;<b></title>c", "<textarea>&lt;</textarea>", "<script>a</script>b", "<script></script>b", "<plaintext>a</plaintext>b", "<xmp>a", "<noscript><b></noscript>", "<style/>a</style>b",
	"&amp;&lt&gt;&quot", "&nbsp;&NBSP;&eacute;&Eacute&notit;&notin;", "<a b='&notit;&notin;&amp;&amp=&ampx&copy=1&copy;'>", "<a b=&lt>", "&", "&;", "&#", "&#;", "&#x;", "&#65;&#65&#x41;&#X4a;z", "&#0;&#128;&#x9f;&#129;&#55296;&#1114112;&#99999999999999999999;", "&fjlig;&semi;&CounterClockwiseContourIntegral;&CounterClockwiseContourIntegralx;",
	"a\r\nb\rc\r", "<a b='c\r\nd\re'>", "<style>a\r\nb</style>", "&amp\r\n;", "&ampnbsp;", "&a&b&amp", "ſ<ſcript></ſcript>",
}

// FuzzOracle compares our tokens with those of golang.org/x/net/html.
func FuzzOracle(f *testing.F) {
	for _, m := range markups {
		f.Add([]byte(m))
	}
	files, err := filepath.Glob("../../test/mail/*/*.eml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no messages in test/mail (%v)", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		src = fair(src)
		if got, want := ours(src), theirs(src); got != want {
			t.Fatalf("%q\ngives\n%q\nwant\n%q", src, got, want)
		}
	})
}
