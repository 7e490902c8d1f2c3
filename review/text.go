package review

import (
	"bytes"
	"io"
	"strings"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // lets go-message decode charsets
	"golang.org/x/net/html"
)

// Bounds of the search for a readable part. They are small because go-message
// reads nested multiparts once for each level.
const (
	maxDepth = 6
	maxParts = 40
)

// open divides the beginning of a message into its fields and the text that a
// mail reader would show: the first text/plain part, else the first HTML part
// without its markup, else the body as it is.
func open(raw []byte) (header, text string) {
	head, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	if bytes.HasPrefix(raw, []byte("\r\n")) {
		head, body = nil, raw[2:]
	}
	f := finder{left: maxParts}
	if e, err := message.Read(bytes.NewReader(raw)); e != nil && (err == nil || message.IsUnknownCharset(err) || message.IsUnknownEncoding(err)) {
		f.walk(e, 0)
	}
	switch {
	case f.plain != "":
		return string(head), f.plain
	case f.html != "":
		return string(head), f.html
	}
	return string(head), string(body)
}

// finder looks for the first readable parts.
type finder struct {
	left        int
	plain, html string
}

func (f *finder) walk(e *message.Entity, depth int) {
	if f.left--; f.left < 0 || depth > maxDepth || f.plain != "" {
		return
	}
	if mr := e.MultipartReader(); mr != nil {
		for f.left > 0 && f.plain == "" {
			part, err := mr.NextPart()
			if part == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
				return
			}
			f.walk(part, depth+1)
		}
		return
	}
	kind, _, err := e.Header.ContentType()
	if err != nil {
		kind = "text/plain"
	}
	if kind != "text/plain" && kind != "text/html" {
		return
	}
	// What could be decoded before an error is better than nothing.
	raw, _ := io.ReadAll(io.LimitReader(e.Body, maxRead))
	switch {
	case kind == "text/plain":
		f.plain = string(raw)
	case f.html == "":
		f.html = visible(raw)
	}
}

// visible returns the text of an HTML page, and where its links lead.
func visible(page []byte) string {
	var b strings.Builder
	z := html.NewTokenizer(bytes.NewReader(page))
	z.SetMaxBuf(maxRead)
	hidden := ""
	for {
		switch z.Next() {
		case html.ErrorToken:
			return blankLines(b.String())
		case html.TextToken:
			if hidden == "" {
				b.Write(z.Text())
			}
		case html.StartTagToken:
			name, attrs := z.TagName()
			tag := string(name)
			if tag == "script" || tag == "style" || tag == "title" {
				hidden = tag
			}
			breakLine(&b, tag)
			if tag == "a" && attrs {
				link(&b, z)
			}
		case html.SelfClosingTagToken:
			name, _ := z.TagName()
			breakLine(&b, string(name))
		case html.EndTagToken:
			name, _ := z.TagName()
			if string(name) == hidden {
				hidden = ""
			}
			breakLine(&b, string(name))
		}
	}
}

// link writes where an anchor leads, which its text may lie about.
func link(b *strings.Builder, z *html.Tokenizer) {
	for {
		key, value, more := z.TagAttr()
		if string(key) == "href" {
			b.WriteString("[" + string(value) + "] ")
		}
		if !more {
			return
		}
	}
}

func breakLine(b *strings.Builder, tag string) {
	switch tag {
	case "br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "table", "ul", "ol", "blockquote", "hr":
		b.WriteByte('\n')
	}
}

// blankLines trims lines and lets no more than one empty line stand.
func blankLines(s string) string {
	var b strings.Builder
	empty := 0
	for line := range strings.Lines(s) {
		line = strings.TrimSpace(line)
		if line == "" {
			empty++
			continue
		}
		if b.Len() > 0 {
			b.WriteString(strings.Repeat("\n", min(empty+1, 2)))
		}
		empty = 0
		b.WriteString(line)
	}
	return b.String()
}
