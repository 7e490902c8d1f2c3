package html_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fanmill/classify/html"
)

type seen struct{ links, texts, tags, attrs, odd []string }

func (s *seen) Link(tag, attr, url []byte) {
	s.links = append(s.links, fmt.Sprintf("%s %s %s", tag, attr, url))
}

func (s *seen) LinkText(text, url []byte) {
	s.texts = append(s.texts, fmt.Sprintf("%s > %s", text, url))
}
func (s *seen) Tag(tag []byte) { s.tags = append(s.tags, string(tag)) }
func (s *seen) Attr(tag, name, value []byte) {
	s.attrs = append(s.attrs, fmt.Sprintf("%s %s=%s", tag, name, value))
}
func (s *seen) Oddity(name string) { s.odd = append(s.odd, name) }

func read(markup string) (text, hidden string, s *seen) {
	var r html.Reader
	s = &seen{}
	a, b := r.Text([]byte(markup), s)
	return squeeze(a), squeeze(b), s
}

func squeeze(b []byte) string { return string(bytes.Join(bytes.Fields(b), []byte{' '})) }

func TestText(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"inline tags join", "V<b>ia</b>gr<font size=1>a</font>", "Viagra"},
		{"unknown tags join", "V<xyz>ia</xyz>gra <o:p></o:p>", "Viagra"},
		{"blocks part", "<p>one</p><div>two</div>three<br>four", "one two three four"},
		{"cells part", "<td>a</td><td>b</td>", "a b"},
		{"entities", "&lt;b&gt; &amp; &#252;&nbsp;&euro;", "<b> & ü €"},
		{"entities in words", "V&#105;&#x61;gra &#86&#105;agra Gr&uuml;&szlig;e &eacute;t&eacute; &Omega;", "Viagra Viagra Grüße été Ω"},
		{"entities without an end", "AT&T &copy 2026 &amp &notanentity; & &; &# &#x; &#65", "AT&T © 2026 & ¬anentity; & &; &# &#x; A"},
		{"numbers of windows-1252", "&#150;&#x80;&#0;&#xd800;&#x110000;", "–€���"},
		{"soft hyphen and zero width space are left to the words", "V&shy;ia&#8203;gra", "V\u00adia\u200bgra"},
		{"script and style are not shown", "a<script>if (x<y) evil()</script>b<style>p{}</style>c", "a b c"},
		{"script that never ends", "a<script>evil", "a"},
		{"script ends by its tag only", "a<script></scripty></ script></SCRIPT >b", "a b"},
		{"title and alt are read", "<title>T &amp; <b></title><img alt='picture' src=x>", "T & <b> picture"},
		{"comments join", "Vi<!-- x -->agra<!-->!<!--->?<!-- a --!>.", "Viagra!?."},
		{"declarations", "<!DOCTYPE html><?xml x?><![if !mso]>a<![endif]></ >b", "ab"},
		{"no markup", "plain < text & more <3 </", "plain < text & more <3 </"},
		{"cut inside a tag", "text <a href='http://exa", "text"},
		{"cut inside a comment", "text <!-- exa", "text"},
		{"quotes hold >", "<a title='a>b' x=\">\">c", "a>b c"},
		{"nothing", "", ""},
		{"Chinese", "<p>您好<b>发</b>票</p>", "您好发票"},
		{"Arabic", "<p dir=rtl>مرحبا&nbsp;<i>بالعالم</i>", "مرحبا بالعالم"},
	}
	for _, tt := range tests {
		if got, hidden, _ := read(tt.in); got != tt.want || hidden != "" {
			t.Errorf("%s: %q and hidden %q, want %q", tt.name, got, hidden, tt.want)
		}
	}
}

// TestHidden has text that nobody sees, and text that looks as if it were so.
func TestHidden(t *testing.T) {
	tests := []struct{ name, in, text, hidden, why string }{
		{"display", "a<div style='display:none'>b<p>c</div>d", "ad", "b c", "no display"},
		{"display, as mailers write it", "<DIV STYLE=\"Color:red; DISPLAY : None !important\">b</DIV>d", "d", "b", "no display"},
		{"attribute", "<p hidden>b<p>d", "d", "b", "no display"},
		{"visibility", "<span style=visibility:hidden>b<b style='visibility:visible'>c</b></span>d", "cd", "b", "invisible"},
		{"opacity", "<td style='opacity:0.01'>b<td>d", "d", "b", "invisible"},
		{"size", "<span style='font-size:0px'>b</span><font style='font-size:1px;'>c</font>d", "d", "bc", "tiny"},
		{"size in em", "<span style='font-size:.1em'>b</span><span style='font-size:0.9em'>d</span>", "d", "b", "tiny"},
		{"size in font", "<span style='font:0/0 a'>b</span><span style='font:bold 12px/14px Arial'>d</span>", "d", "b", "tiny"},
		{"size set again", "<td style='font-size:0'>b<a style='font-size:14px'>c</a></td>d", "c d", "b", "tiny"},
		{"no room", "<div style='max-height:0;overflow:hidden'>b</div><div style='overflow:hidden'>d</div>", "d", "b", "tiny"},
		{"outside", "<div style='position:absolute; left:-9999px'>b</div><p style='text-indent:-9999em'>c</p>d", "d", "b c", "outside"},
		{"clipped", "<div style='clip:rect(0 0 0 0)'>b</div>d", "d", "b", "outside"},
		{"colour of the page", "<font color=#ffffff>b</font><font color='#fefefe'>c</font><font color=red>d</font>", "d", "bc", "same colour"},
		{"colour of a style", "<p style='color:white'>b</p><p style='color: rgb(250, 255,255)'>c</p><p style='color:#333'>d", "d", "b c", "same colour"},
		{"colour of the body", "<body bgcolor=000000 text=white>a<font color=black>b</font></body>", "a", "b", "same colour"},
		{"colour of a cell", "<table><tr><td bgcolor=navy><font color=white>a</font><font color='#000088'>b</font><td><font color=navy>c</table>", "a c", "b", "same colour"},
		{"colour and background at once", "<span style='background:#eee;color:#eeeeee'>b</span>d", "d", "b", "same colour"},
		{"white on a picture", "<table background=x.png><tr><td style='color:white'>a</td></table><td style='background:#fff url(x)'><p style='color:#fff'>c", "a c", "", ""},
		{"white on what a style sheet says", "<style>body{background:#333}</style><body><font color=white>a</font>", "a", "", ""},
		{"transparent", "<span style='color:transparent'>b</span><span style='color:rgba(0,0,0,0)'>c</span>d", "d", "bc", "same colour"},
		{"class", "<style>/* x */ .pre, td.x {display:none} @media print{.d{display:none}}</style><p class='a pre'>b</p><p class=d>d", "d", "b", "no display"},
		{"id", "<style>#h{font-size:0}</style><i id=h>b</i>d", "d", "b", "tiny"},
		{"class and own style", "<style>.w{color:white}</style><i style='color:black' class=w>a</i>", "a", "", ""},
		{"ends by the cell", "<table><tr><td><span style='display:none'>b<td>d</table>", "d", "b", "no display"},
		{"ends by the table", "<table><tr><td style='display:none'>b<table><tr><td>c</table>c</table>d", "d", "b c c", "no display"},
		{"same name within", "<div style='display:none'>b<div>c</div>b</div>d", "d", "b c b", "no display"},
		{"a word around a block", "V<div style='display:none'>xyz</div>iagra", "Viagra", "xyz", "no display"},
		{"end tags out of order", "<font color=white><p>b</font>c</p>d", "c d", "b", "same colour"},
		{"stray end tags", "<span style='display:none'>b</td></p></div>c</span>d", "d", "b c", "no display"},
		{"list items", "<ul><li style='display:none'>b<li>c<ul><li>d</ul></ul>e", "c d e", "b", "no display"},
		{"a word around", "V<span style='display:none'>xyz</span>iagra", "Viagra", "xyz", "no display"},
		{"blanks only", "<div style='display:none'> </div>d", "d", "", ""},
		{"Cyrillic and Japanese", "<div style='display:none'>погода хорошая 天気</div>кредит", "кредит", "погода хорошая 天気", "no display"},
		{"many scopes", strings.Repeat("<i style=color:red>", 200) + "a" + strings.Repeat("</i>", 200) + "<p style=display:none>b", "a", "b", "no display"},
	}
	for _, tt := range tests {
		text, hidden, s := read(tt.in)
		why := ""
		for _, odd := range s.odd {
			if w, ok := strings.CutPrefix(odd, "hidden text: "); ok {
				why = w
			}
		}
		if text != tt.text || hidden != tt.hidden || why != tt.why {
			t.Errorf("%s:\n got %q, hidden %q by %q\nwant %q, hidden %q by %q", tt.name, text, hidden, why, tt.text, tt.hidden, tt.why)
		}
	}
}

func TestSplitWords(t *testing.T) {
	tests := []struct {
		in   string
		want []string
	}{
		{"V<b>ia</b>gra", []string{"word split by tags"}},
		{"Vi<!-- a -->agra", []string{"comment", "word split by a comment"}},
		{"Vi<xyzzy>agra", []string{"word split by tags"}},
		{"a <b>b</b> c, <i>d</i>. e<br>f", nil},
		{"foot<wbr>note <a href=x>link</a>s", nil},
		{"<!--[if mso]>x<![endif]-->", []string{"conditional comment"}},
	}
	for _, tt := range tests {
		if _, _, s := read(tt.in); !slices.Equal(s.odd, tt.want) {
			t.Errorf("%s: %q, want %q", tt.in, s.odd, tt.want)
		}
	}
}

func TestMarkup(t *testing.T) {
	_, _, s := read(`<A HREF="http://x.example/a?b&amp;c&copy=1">z <b>y</b></a><img src=y.gif width=1><!-- c --><form action="/go"><meta http-equiv=refresh content='0; URL=http://r.example'><a href=/q>open`)
	check := func(what string, got []string, want ...string) {
		if !slices.Equal(got, want) {
			t.Errorf("%s %q, want %q", what, got, want)
		}
	}
	check("links", s.links, "a href http://x.example/a?b&c&copy=1", "img src y.gif", "form action /go", "meta content http://r.example", "a href /q")
	check("link texts", s.texts, "z y > http://x.example/a?b&c&copy=1", "open > /q")
	check("tags", s.tags, "a", "b", "img", "form", "meta", "a")
	check("attributes", s.attrs, "img width=1", "meta http-equiv=refresh")
	check("oddities", s.odd, "comment")
}

// FuzzText looks for panics, and for what a Reader keeps from one text to the next.
func FuzzText(f *testing.F) {
	for _, markup := range []string{
		"<p class=a b='c' d=\"e\" f>g &amp; h</p>", "<!-- a -->b<!-->c<!--[if x]-->e", "<script>a</script>b", "<b style='display:none'>x</b>", "</p></b></table>",
		"<style>.a{color:white}@media{b{}}#x,p{font:0/0 a}</style><i class=a>", "<a href='x'>y<a>", "<table><tr><td hidden>a<td>b</table>", "<font color=#fff>a<p></font>b",
		"<td style='left:-999px;opacity:.01;background:rgb(1,2,3%)'>", "<noscript><b>x", "<div style='max-height:0;overflow:hidden'>", "<meta content='0;url=x'>",
	} {
		f.Add(markup)
	}
	var used html.Reader
	f.Fuzz(func(t *testing.T, markup string) {
		var fresh html.Reader
		a, b := &seen{}, &seen{}
		text, hidden := fresh.Text([]byte(markup), a)
		again, hiddenAgain := used.Text([]byte(markup), b)
		if !bytes.Equal(text, again) || !bytes.Equal(hidden, hiddenAgain) || fmt.Sprint(a) != fmt.Sprint(b) {
			t.Fatalf("%q: a used Reader gives %q, %q and %v, a fresh one %q, %q and %v", markup, again, hiddenAgain, b, text, hidden, a)
		}
	})
}

// TestLinear has markup for each byte of which all the rest could be searched.
func TestLinear(t *testing.T) {
	for _, piece := range []string{
		"<", "</", "<!", "<!--", "<a ", "<a href='", "<b>", "<div style=color:red>", "</b>", "<p style=display:none><td>", "&", "&#", "&a", "<script>", "<style>{", "<title>",
		"<style>a{color:red}</style>", "<a href=x>y", "<i class='a a a a'>", "--", "<!---", "<x a=",
	} {
		var r html.Reader
		markup := []byte(strings.Repeat(piece, 1<<20/len(piece)))
		began := time.Now()
		r.Text(markup, &null{})
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%q: 1 MB took %v", piece, took)
		}
	}
}

type null struct{}

func (null) Link(_, _, _ []byte)  {}
func (null) LinkText(_, _ []byte) {}
func (null) Tag([]byte)           {}
func (null) Attr(_, _, _ []byte)  {}
func (null) Oddity(string)        {}

func BenchmarkText(b *testing.B) {
	row := `<tr><td align="left" valign="top" style="padding:10px 0 0 0;font-family:Arial,sans-serif;font-size:14px;color:#333333">` +
		`Dear reader, the <b>new</b> issue is here &amp; it is&nbsp;free: <a href="https://news.example.com/r?u=1&amp;id=2" style="color:#1a73e8">read it</a><br></td></tr>` + "\n"
	raw := []byte("<html><head><style>.x{color:#ff0000}</style></head><body bgcolor=#ffffff><table>" + strings.Repeat(row, 60) + "</table></body></html>")
	var r html.Reader
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		r.Text(raw, null{})
	}
}
