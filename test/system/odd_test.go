//go:build system

package system

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
)

// oddMail returns messages that are hard to take the same way twice: what MTAs,
// mailboxes and line ends change, and what is broken to begin with.
func oddMail() map[string][]byte {
	plain := func(fields, body string) []byte {
		return []byte("From: a@example.org\nTo: b@test.invalid\nSubject: odd\n" + fields + "\n" + body)
	}
	part := func(boundary, fields, body string) string {
		return "--" + boundary + "\n" + fields + "\n" + body + "\n"
	}
	multi := "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b1\n"
	odd := map[string][]byte{
		"nothing":                {},
		"one line":               []byte("hello\n"),
		"body alone":             []byte("\nno header field at all\nsecond line\n"),
		"header alone":           []byte("Subject: header alone\n"),
		"no last line end":       plain("", "the end is missing"),
		"empty lines at the end": plain("", "text\n\n\n\n\n"),
		"only empty lines":       plain("", "\n\n\n"),
		"From_ at the top":       []byte("From someone@example.org Mon Jan  5 10:00:00 2026\nSubject: mbox line\n\ntext\n"),
		"From in the body":       plain("", "From the start of a line\n\nFrom after an empty one\n>From quoted\n>>From twice\n >From not\nfrom small\nFromage\n"),
		"dots":                   plain("", ".\n..\n...\n.a\na.\n"),
		"bare CR":                plain("", "one\rtwo\r\rthree\n\rfour\n"),
		"NUL in the body":        plain("", "before\x00after \x00\x00 words\n"),
		"NUL in a field":         plain("X-Nul: before\x00after\n", "text\n"),
		"8-bit fields":           plain("X-Latin: Gr\xfc\xdfe\nX-Utf8: Grüße 日本語\nX-Bad: \xc3(\n", "Gr\xfc\xdfe Grüße\n"),
		"8-bit field name":       plain("X-N\xe4me: value\n", "text\n"),
		"no colon":               plain("this line has none\nX-After: it\n", "text\n"),
		"continuation first":     []byte(" begins with a blank\nSubject: x\n\ntext\n"),
		"blanks after the colon": plain("X-None:value\nX-Two:  value\nX-Tab:\tvalue\nX-Empty:\nX-Blank: \nX-Before : value\n", "text\n"),
		"folding":                plain("X-Fold: one\n two\n\tthree\n    four\nX-Fold-Empty:\n folded\nX-Fold-Blank: a\n \n b\nX-Trail: a   \n", "text\n"),
		"long field":             plain("X-Long: "+strings.Repeat("word ", 11000)+"\n", "text\n"),
		"too long field":         plain("X-Long: "+strings.Repeat("0123456789", 12000)+"\n", "text\n"),
		"many fields":            plain(strings.Repeat("X-Many: yes\n", 3000), "text\n"),
		"many other fields":      plain(numbered("X-Field-%d: v%d\n", 2000), "text\n"),
		"twice the same field":   plain("Subject: second\nSubject: third\nFrom: c@example.org\n", "text\n"),
		"long line":              plain("", strings.Repeat("long ", 60000)+"\n"),
		"long word":              plain("", strings.Repeat("x", 500000)+"\n"),
		"large text":             plain("", numbered("line %d of a large text with number %d\n", 60000)),
		"utf-8 mark":             plain("", "\ufefftext after a byte order mark\n"),
		"mailbox fields": plain("Return-Path: <x@example.org>\nDelivered-To: x@example.org\nX-Original-To: x@example.org\nEnvelope-To: x@example.org\n"+
			"Status: RO\nX-Status: A\nX-UID: 5\nX-Keywords: k\nLines: 5\nContent-Length: 500\nX-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\nX-Mozilla-Keys: x\n", "text\n"),
		"forged verdicts": withForged(compose(unsure, 77)),
		"results of others": plain("Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=example.org\n"+
			"Authentication-Results: mx."+"test.invalid; spf=fail\n", "text\n"),
		"received": plain("", "text\n"),
		"received of strangers": append([]byte("Received: from a.example.org (a.example.org [198.51.100.1])\n\tby b.example.org with ESMTP id 1; Mon, 5 Jan 2026 10:00:00 +0000\n"+
			"Received: from [10.0.0.1] by a.example.org; Mon, 5 Jan 2026 09:00:00 +0000\n"), plain("", "text\n")...),
		"received naming us": append([]byte("Received: from a.example.org (a.example.org [198.51.100.1])\n\tby mx.test.invalid (Postfix) with ESMTP id 1; Mon, 5 Jan 2026 10:00:00 +0000\n"+
			"Received: from x (x [198.51.100.2]) by mx.test.invalid (fanmill) id 2; Mon, 5 Jan 2026 10:00:00 +0000\n"), plain("", "text\n")...),
		"strange received": append([]byte("Received: \nReceived: by x\nReceived: from\nReceived: (qmail 1 invoked by uid 2); 1 Jan 2001\n"), plain("", "text\n")...),
		"html":             plain("MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n", "<html><p>Gr&uuml;&szlig;e <a href=\"http://example.org/x?y=1\">here</a><script>var x</script>\n"),
		"open multipart":   plain(multi, "preamble\n--b1\nContent-Type: text/plain\n\nnever closed\n"),
		"no boundary":      plain("MIME-Version: 1.0\nContent-Type: multipart/mixed\n", "--x\n\ntext\n--x--\n"),
		"From in parts":    plain(multi, part("b1", "", "From the first part")+part("b1", "Content-Type: text/plain\n", "\nFrom the second\n")+"--b1--\nFrom the epilogue\n"),
		"broken parts": plain(multi, part("b1", "no colon here\nContent-Type: text/plain\n", "after a bad line")+
			part("b1", " blank first\n", "x")+part("b1", "Content-Type: text/plain; charset=nope\nContent-Transfer-Encoding: base64\n", "!!!not base64=")+
			part("b1", "Content-Transfer-Encoding: quoted-printable\n", "=ZZ =4 soft=\nbreak=20\n=")+"--b1--\n"),
		"base64": plain(multi, part("b1", "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n",
			base64.StdEncoding.EncodeToString([]byte("From words that were encoded, Grüße\nFrom here\n")))+"--b1--\n"),
		"nested mail": plain(multi, part("b1", "Content-Type: message/rfc822\n",
			"Received: from i (i [198.51.100.3]) by mx.test.invalid; x\nFrom: inner@example.org\nSubject: inner\nStatus: O\n\nFrom inner text")+"--b1--\n"),
		"smime-like type":  plain("MIME-Version: 1.0\nContent-Type: application/pkcs7-mime; name*=utf-8''%e2%82%ac; name=\"=?utf-8?q?x?=\"\n", "AAAA\n"),
		"encoded words":    plain("Subject: =?utf-8?b?R3LDvMOfZQ==?= =?iso-8859-1?q?Gr=FC=DFe?= =?x?y?z?= =?utf-8?b?broken\nX-Pad: x\n", "text\n"),
		"blanks at ends":   plain("X-Blank-End: value \t \n", "trailing   \n\t\n   \n"),
		"form feed etc":    plain("X-Ctl: a\x01b\x0bc\x7f\n", "a\x0cb\x1b[31mred\x07\n"),
		"8-bit everywhere": append([]byte("X-Bin: \x80\x81\xfe\xff\n"), plain("", string(bytes.Repeat([]byte{0x80, 0xff, ' ', 0xc3, 0x28, '\n'}, 200)))...),
	}
	for _, depth := range []int{10, 200, 1000} {
		odd[fmt.Sprintf("%d deep", depth)] = deep(depth)
	}
	odd["1000 parts"] = plain(multi, strings.Repeat(part("b1", "Content-Type: text/plain\n", "part"), 1000)+"--b1--\n")
	return odd
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i, i)
	}
	return b.String()
}

// deep returns a message of multiparts inside multiparts.
func deep(n int) []byte {
	var b bytes.Buffer
	b.WriteString("From: a@example.org\nSubject: deep\nMIME-Version: 1.0\n")
	for i := range n {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=\"b%d\"\n\n--b%d\n", i, i)
	}
	b.WriteString("Content-Type: text/plain\n\ninnermost text\n")
	for i := n - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "--b%d--\n", i)
	}
	return b.Bytes()
}
