package html_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fanmill/classify/html"
)

type seen struct{ links, tags, attrs, odd []string }

func (s *seen) Link(tag, attr, url []byte) {
	s.links = append(s.links, fmt.Sprintf("%s %s %s", tag, attr, url))
}
func (s *seen) Tag(tag []byte) { s.tags = append(s.tags, string(tag)) }
func (s *seen) Attr(tag, name, value []byte) {
	s.attrs = append(s.attrs, fmt.Sprintf("%s %s=%s", tag, name, value))
}
func (s *seen) Oddity(name string) { s.odd = append(s.odd, name) }

func TestText(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"inline tags join", "V<b>ia</b>gr<font size=1>a</font>", "Viagra"},
		{"blocks part", "<p>one</p><div>two</div>three<br>four", "one two three four"},
		{"cells part", "<td>a</td><td>b</td>", "a b"},
		{"entities", "&lt;b&gt; &amp; &#252;&nbsp;&euro;", "<b> & ü\u00a0€"},
		{"script and style are not shown", "a<script>if (x<y) evil()</script>b<style>p{}</style>c", "a b c"},
		{"script that never ends", "a<script>evil", "a"},
		{"title and alt are read", "<title>T</title><img alt='picture' src=x>", "T picture"},
		{"comments join", "Vi<!-- x -->agra", "Viagra"},
		{"no markup", "plain < text & more", "plain < text & more"},
		{"cut inside a tag", "text <a href='http://exa", "text"},
		{"nothing", "", ""},
	}
	var r html.Reader
	for _, tt := range tests {
		got := strings.Join(strings.Fields(string(r.Text([]byte(tt.in), &seen{}))), " ")
		if got != strings.Join(strings.Fields(tt.want), " ") {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestMarkup(t *testing.T) {
	s := &seen{}
	var r html.Reader
	r.Text([]byte(`<A HREF="http://x.example/a?b&amp;c">z</a><img src=y.gif width=1><!-- c --><form action="/go">`), s)
	if want := []string{"a href http://x.example/a?b&c", "img src y.gif", "form action /go"}; !slices.Equal(s.links, want) {
		t.Errorf("links %q, want %q", s.links, want)
	}
	if want := []string{"a", "img", "form"}; !slices.Equal(s.tags, want) {
		t.Errorf("tags %q, want %q", s.tags, want)
	}
	if want := []string{"img width=1"}; !slices.Equal(s.attrs, want) {
		t.Errorf("attributes %q, want %q", s.attrs, want)
	}
	if want := []string{"comment"}; !slices.Equal(s.odd, want) {
		t.Errorf("oddities %q, want %q", s.odd, want)
	}
}
