package main

import (
	"bytes"
	"encoding/base64"
	"regexp"
)

// split parts a message at the empty line behind its header.
func split(raw []byte) (header, body []byte) {
	for _, gap := range []string{"\n\n", "\r\n\r\n"} {
		if i := bytes.Index(raw, []byte(gap)); i >= 0 {
			return raw[:i+len(gap)/2], raw[i+len(gap):]
		}
	}
	return raw, nil
}

func join(header, body []byte) []byte {
	return append(append(bytes.Clone(header), '\n'), body...)
}

// withFields puts fields, each with its line end, at the top of the header or at
// its end.
func withFields(raw, fields []byte, top bool) []byte {
	header, body := split(raw)
	if top {
		from := 0
		if bytes.HasPrefix(header, []byte("From ")) {
			from = bytes.IndexByte(header, '\n') + 1
		}
		return join(bytes.Join([][]byte{header[:from], fields, header[from:]}, nil), body)
	}
	return join(append(bytes.Clone(header), fields...), body)
}

var subject = regexp.MustCompile(`(?im)^subject:[^\n]*\n`)

// withSubject adds words to the subject.
func withSubject(raw, words []byte) []byte {
	header, body := split(raw)
	words = bytes.ReplaceAll(bytes.TrimSpace(words), []byte("\n"), []byte("\n\t"))
	at := subject.FindIndex(header)
	if at == nil {
		return withFields(raw, field("Subject", words), false)
	}
	return join(bytes.Join([][]byte{header[:at[1]-1], []byte(" "), words, header[at[1]-1:]}, nil), body)
}

var (
	boundary = regexp.MustCompile(`(?is)\ncontent-type:\s*multipart/[^\n]*?(?:\n[ \t][^\n]*?)*?boundary="?([^"\s;]+)`)
	inBase64 = regexp.MustCompile(`(?im)^content-transfer-encoding:\s*base64`)
)

// withText puts text before or behind what a reader sees: into the only part of a
// message, into a part of its own where there are several.
func withText(raw, text []byte, before bool) []byte {
	header, body := split(raw)
	if m := boundary.FindSubmatch(header); m != nil {
		return join(header, withPart(body, append([]byte("--"), m[1]...), text, before))
	}
	if inBase64.Match(header) {
		text = armoured(text)
	}
	if before {
		return join(header, append(append(bytes.Clone(text), '\n'), body...))
	}
	return join(header, append(append(bytes.Clone(body), '\n'), text...))
}

// withPart adds a text part before the first delimiter or the closing one.
func withPart(body, delimiter, text []byte, before bool) []byte {
	mark := delimiter
	if !before {
		mark = append(bytes.Clone(delimiter), "--"...)
	}
	at := bytes.Index(body, mark)
	if at < 0 {
		at = len(body)
	}
	part := bytes.Join([][]byte{delimiter, []byte("\nContent-Type: text/plain\n\n"), text, []byte("\n")}, nil)
	return bytes.Join([][]byte{body[:at], part, body[at:]}, nil)
}

// armoured is base64 in lines, padded with blanks so that more may follow it.
func armoured(text []byte) []byte {
	text = append(bytes.Clone(text), "   "[:(3-len(text)%3)%3]...)
	var out []byte
	for len(text) > 0 {
		n := min(54, len(text))
		out = append(base64.StdEncoding.AppendEncode(out, text[:n]), '\n')
		text = text[n:]
	}
	return out
}
