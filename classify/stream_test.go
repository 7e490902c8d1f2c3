package classify_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fanmill/classify"
)

// sample is a message with a bit of everything that has to survive cutting.
const sample = "From sender@example.com Mon Mar  4 10:00:00 2024\n" +
	"Return-Path: <sender@example.com>\n" +
	"Received: from mx.example.org (localhost [127.0.0.1])\n\tby store.example.org (Postfix) id 1; Mon, 4 Mar 2024 10:00:01 +0000\n" +
	"Received: from smtp.example.com (smtp.example.com [203.0.113.9])\n\tby mx.example.org (Postfix) with ESMTP id 2; Mon, 4 Mar 2024 10:00:00 +0000\n" +
	"Received: from laptop (unknown [198.51.100.7])\n\tby smtp.example.com with ESMTPSA id 3\n" +
	"X-Spam-Status: No, score=-1\n" +
	"From: =?utf-8?q?J=C3=BCrgen?= Meier <juergen.meier@mail.example.com>\n" +
	"To: list@example.org\n" +
	"Subject: =?iso-8859-1?q?Gr=FC=DFe?= from\n the =?utf-8?b?TWVlcg==?=\n" +
	"Message-ID: <2024.abc-77@smtp.example.com>\n" +
	"MIME-Version: 1.0\n" +
	"Content-Type: multipart/mixed; boundary=\"outer-1\"\n" +
	"\n" +
	"preamble\n" +
	"--outer-1\n" +
	"Content-Type: multipart/alternative; boundary=inner\n" +
	"\n" +
	"--inner\n" +
	"Content-Type: text/plain; charset=utf-8\n" +
	"Content-Transfer-Encoding: quoted-printable\n" +
	"\n" +
	"Liebe Gr=C3=BC=C3=9Fe an alle, soft=\n break here. Visit http://www.shop.example.net/path/to?x=1 now!!!\n" +
	">From the start of a line\n" +
	"--inner\n" +
	"Content-Type: text/html; charset=windows-1252\n" +
	"Content-Transfer-Encoding: base64\n" +
	"\n" +
	"PGh0bWw+PHA+VjxiPmlhPC9iPmdyYSA8YSBocmVmPSJodHRwOi8vMTkyLjAuMi4x\n" +
	"L2J1eSI+aGVyZTwvYT48L3A+PC9odG1sPg==\n" +
	"--inner--\n" +
	"--outer-1\n" +
	"Content-Type: message/rfc822\n" +
	"\n" +
	"Subject: enclosed\n" +
	"Content-Type: text/plain; charset=shift_jis\n" +
	"\n" +
	"\x93\xfa\x96\x7b\x8c\xea\n" +
	"--outer-1\n" +
	"Content-Type: application/pdf; name=\"invoice.pdf\"\n" +
	"Content-Transfer-Encoding: base64\n" +
	"\n" +
	"JVBERi0xLjQK\n" +
	"--outer-1--\n"

// corpus is every message the repository holds, with the sample first.
func corpus(t testing.TB) [][]byte {
	t.Helper()
	msgs := [][]byte{[]byte(sample)}
	files, err := filepath.Glob("../test/mail/*/*.eml")
	if err != nil || len(files) < 20 {
		t.Fatalf("found %d messages in ../test/mail (%v): the repository is not complete", len(files), err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		msgs = append(msgs, b)
	}
	return msgs
}

// features extracts a message as it was stored, with all bytes of it kept.
func features(raw []byte) ([]uint64, classify.Digest) {
	m := classify.Extract(classify.DefaultOptions(), raw)
	return lists(m), m.Digest
}

// lists is all that a message says: its features, which of them stand behind its
// beginning, and its n-grams.
func lists(m *classify.Message) []uint64 {
	all := slices.Clone(m.Features)
	for _, b := range m.Behind {
		all = append(all, uint64(b))
	}
	for _, g := range m.Grams {
		all = append(all, uint64(g))
	}
	return all
}

func same(t testing.TB, what string, raw []byte, want []uint64, digest classify.Digest) {
	t.Helper()
	got, d := features(raw)
	if !slices.Equal(got, want) {
		t.Errorf("%s: features differ: %d against %d; first lines:\n%.300q", what, len(got), len(want), raw)
	}
	if d != digest {
		t.Errorf("%s: digest differs; first lines:\n%.300q", what, raw)
	}
}

func TestAnySplitGivesTheSame(t *testing.T) {
	msgs := corpus(t)
	s := classify.NewStream(classify.DefaultOptions())
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SampledFrom(msgs).Draw(t, "message")
		if rapid.Bool().Draw(t, "crlf") {
			raw = crlf(raw)
		}
		want, digest := features(raw)
		m, err := classify.Read(s, &chunked{t: t, b: raw})
		if err != nil || !slices.Equal(lists(m), want) || m.Digest != digest {
			t.Fatalf("cut into chunks: %d features and n-grams against %d, digest %v against %v, error %v", len(lists(m)), len(want), m.Digest, digest, err)
		}
	})
}

// chunked reads in chunks of sizes rapid draws.
type chunked struct {
	t *rapid.T
	b []byte
}

func (c *chunked) Read(p []byte) (int, error) {
	n := rapid.SampledFrom([]int{1, 2, 3, 7, 64, 1000, 4095, 4096, 65535}).Draw(c.t, "chunk")
	n = copy(p[:min(n, len(p))], c.b)
	c.b = c.b[n:]
	if len(c.b) == 0 {
		return n, errEOF
	}
	return n, nil
}

func TestBodyCutAnywhere(t *testing.T) {
	for _, raw := range corpus(t) {
		want, digest := features(raw)
		_, body, _ := bytes.Cut(raw, []byte("\n\n"))
		for _, size := range []int{1, 3, 4096} {
			s := classify.NewStream(classify.DefaultOptions())
			head := raw[:len(raw)-len(body)]
			m, err := classify.Read(s, readerOf(head, body, size))
			if err != nil || m.Digest != digest || !slices.Equal(lists(m), want) {
				t.Errorf("chunks of %d bytes: not the same as in one piece (%v):\n%.200q", size, err, raw)
			}
		}
	}
}

// TestCanonicalForm is design invariant 1 without an MTA: what delivery does to
// a message changes neither features nor digest.
func TestCanonicalForm(t *testing.T) {
	for i, raw := range corpus(t) {
		raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
		want, digest := features(raw)
		same(t, "CRLF line ends", crlf(raw), want, digest)
		same(t, "empty lines at the end", append(slices.Clone(raw), "\n\n\n"...), want, digest)
		if i > 0 && (bytes.HasPrefix(raw, []byte("From ")) || !startsWithField(raw)) {
			continue
		}
		top := "From x@example.com Mon Mar  4 10:00:00 2024\n"
		if i == 0 {
			top = ""
		}
		delivered := top + "Return-Path: <x@example.com>\nDelivered-To: y@example.org\nX-Original-To: z@example.org\n" +
			"X-Fanmill-Status: ham score=0.01 id=1\nX-Spam-Flag: YES\nX-DSPAM-Result: Spam\nX-Bogosity: Ham\nStatus: RO\nX-UID: 7\n" +
			"Received: from localhost (localhost [127.0.0.1]) by x with LMTP; now\n"
		body := raw
		if i == 0 {
			_, body, _ = bytes.Cut(raw, []byte("\n"))
		}
		same(t, "delivered", append([]byte(delivered), body...), want, digest)
		same(t, "mboxrd", mboxrd(raw), want, digest)
	}
}

func startsWithField(raw []byte) bool {
	line, _, _ := bytes.Cut(raw, []byte("\n"))
	i := bytes.IndexByte(line, ':')
	return i > 0 && !bytes.ContainsAny(line[:i], " \t")
}

func TestFieldSpelling(t *testing.T) {
	a := "Subject: one two three\nFrom: a@example.com\n\nbody\n"
	want, digest := features([]byte(a))
	for _, b := range []string{
		"Subject:one two three\nFrom:a@example.com\n\nbody\n",
		"SUBJECT: one\n two\r\n\tthree\nfrom:   a@example.com  \n\nbody\n",
		"Subject : one two three\nFrom: a@example.com\n\nbody",
	} {
		same(t, b, []byte(b), want, digest)
	}
}

func TestSMTPIsWhatItsDeliveredCopyIs(t *testing.T) {
	client := classify.Client{Addr: netip.MustParseAddr("203.0.113.9"), Name: "smtp.example.com", Helo: "smtp.example.com"}
	head := "Received: from laptop (unknown [198.51.100.7]) by smtp.example.com with ESMTPSA id 3\nSubject: hello\n"
	s := classify.NewStream(classify.DefaultOptions())
	s.SetClient(client)
	s.Header([]byte("Received"), []byte(" from laptop (unknown [198.51.100.7]) by smtp.example.com with ESMTPSA id 3"))
	s.Header([]byte("Subject"), []byte(" hello"))
	s.EndHeaders()
	s.Body([]byte("text\r\n"))
	m := s.Finish()
	for _, top := range []string{
		"Received: from smtp.example.com (smtp.example.com [203.0.113.9])\n\tby mx.example.org (Postfix) with ESMTP id 2\n",
		"Received: from smtp.example.com (smtp.example.com [203.0.113.9])\n by mx.example.org (8.17.1/8.17.1) with ESMTP id 2\n",
		"Received: from smtp.example.com ([203.0.113.9] helo=smtp.example.com)\n by mx.example.org with esmtp\n",
		"Received: by store.example.org (Postfix, from userid 5)\nReceived: from mx.example.org (mx.example.org [10.0.0.1]) by store.example.org\n" +
			"Received: from smtp.example.com (smtp.example.com [203.0.113.9]) by mx.example.org\n",
	} {
		stored := classify.Extract(classify.DefaultOptions(), []byte(top+head+"\ntext\n"))
		if stored.Digest != m.Digest || !slices.Equal(stored.Features, m.Features) {
			t.Errorf("stored copy below %q: not what SMTP showed", top)
		}
	}
	if m.Client != client {
		t.Errorf("client %+v, want %+v", m.Client, client)
	}
}

func TestBorderWalk(t *testing.T) {
	line := func(name, addr string) string {
		return "Received: from helo.example (" + name + " [" + addr + "]) by somewhere\n"
	}
	tests := []struct {
		name  string
		own   []string
		conn  string // address connected at SMTP time; "": a stored message
		lines string
		want  string // client address; "": no border
	}{
		{"public client", nil, "", line("a.example", "203.0.113.1"), "203.0.113.1"},
		{"private hop above", nil, "", line("relay", "10.1.2.3") + line("a.example", "203.0.113.1"), "203.0.113.1"},
		{"no address above", nil, "", "Received: by host id 1\n" + line("a.example", "203.0.113.1"), "203.0.113.1"},
		{"nothing public", nil, "", line("relay", "192.168.1.1") + line("pc", "10.0.0.9"), ""},
		{"own host named by address", []string{"203.0.113.1"}, "", line("mx2", "203.0.113.1") + line("a", "198.51.100.1"), "198.51.100.1"},
		{"own host named by name", []string{"mx2.example.org"}, "", line("mx2.example.org", "203.0.113.1") + line("a", "198.51.100.1"), "198.51.100.1"},
		{"own hosts set: private is a client", []string{"203.0.113.0/24"}, "", line("pc", "10.0.0.9"), "10.0.0.9"},
		{"own hosts set: loopback stays own", []string{"203.0.113.0/24"}, "", line("localhost", "127.0.0.1") + line("pc", "10.0.0.9"), "10.0.0.9"},
		{"connection is the border", nil, "203.0.113.7", line("forged", "198.51.100.1"), "203.0.113.7"},
		{"connection from a relay", nil, "10.0.0.1", line("a", "198.51.100.1"), "198.51.100.1"},
		{"IPv6", nil, "", line("a", "IPv6:2001:db8::1"), "2001:db8::1"},
	}
	for _, tt := range tests {
		o := classify.DefaultOptions()
		o.OwnHosts = tt.own
		s := classify.NewStream(o)
		if tt.conn != "" {
			s.SetClient(classify.Client{Addr: netip.MustParseAddr(tt.conn), Helo: "h"})
		}
		m := s.Stored([]byte(tt.lines + "Subject: x\n\ny\n"))
		got := ""
		if m.Client.Addr.IsValid() {
			got = m.Client.Addr.String()
		}
		if got != tt.want {
			t.Errorf("%s: client %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestKeptFormIsTheMessage(t *testing.T) {
	o := classify.DefaultOptions()
	o.Keep = 1 << 20
	for _, raw := range corpus(t) {
		m := classify.Extract(o, raw)
		if !m.Complete {
			t.Fatalf("message of %d bytes not kept whole", len(raw))
		}
		same(t, "kept form", slices.Clone(m.Canonical), lists(m), m.Digest)
	}
	o.Keep = 100
	if m := classify.Extract(o, []byte(sample)); m.Complete || len(m.Canonical) != 100 {
		t.Errorf("kept %d bytes (complete %v), want 100 and not complete", len(m.Canonical), m.Complete)
	}
}

func TestAuthenticationResults(t *testing.T) {
	msg := "Authentication-Results: mx.example.org; dkim=pass header.d=example.com; spf=fail\nSubject: x\n\ny\n"
	o := classify.DefaultOptions()
	without := classify.Extract(o, []byte("Subject: x\n\ny\n"))
	if m := classify.Extract(o, []byte(msg)); m.Digest != without.Digest || !slices.Equal(m.Features, without.Features) {
		t.Error("results of a host that is not named are part of the canonical form")
	}
	o.AuthservIDs = []string{"MX.example.org"}
	texts := clueTexts(o, msg)
	for _, want := range []string{"authentication: dkim=pass", "authentication: spf=fail"} {
		if !slices.Contains(texts, want) {
			t.Errorf("no feature %q in %q", want, texts)
		}
	}
}

// one is a model that has seen every feature once, as spam.
type one struct{ classify.Untrained }

func (one) Totals() classify.Count { return classify.Count{Ham: 50, Spam: 50} }
func (one) Lookup(f []uint64, out []classify.Count) {
	for i := range out {
		out[i] = classify.Count{Spam: 1}
	}
}

func clueTexts[T string | []byte](o classify.Options, raw T) []string {
	s := classify.NewStream(o)
	s.EnableClues()
	s.Stored([]byte(raw))
	var texts []string
	for _, c := range s.Clues(one{}, classify.Score{}, 100000) {
		texts = append(texts, c.Text)
	}
	slices.Sort(texts)
	return texts
}

func TestFeatureTexts(t *testing.T) {
	texts := clueTexts(classify.DefaultOptions(), sample)
	for _, want := range []string{
		"subject: Grüße", "subject: Meer", "from: Jürgen", "from: juergen.meier@mail.example.com", "from: mail.example.com", "from: example.com",
		"message-id: smtp.example.com", "has field: subject", "content type: multipart/mixed", "content type: application/pdf", "charset: shift_jis",
		"file type: .pdf", "file name: invoice.pdf", "client network: 203.0.113.9/32", "client network: 203.0.113.0/24", "client network: 203.0.0.0/16",
		"client host: smtp.example.com", "client host: example.com", "client helo: smtp.example.com", "received from network: 198.51.100.7/32",
		"Grüße", "soft", "Viagra", "sign: !!!", "link to host: www.shop.example.net", "link to host: example.net", "link: path", "odd link: address",
		"link in: a href", "html tag: p", "日本", "本語", "enclosed", "transfer encoding: base64",
	} {
		if !slices.Contains(texts, want) {
			t.Errorf("no feature %q", want)
		}
	}
	for _, not := range []string{"preamble", "JVBERi0xLjQK", "x-spam-status: No"} {
		if slices.Contains(texts, not) {
			t.Errorf("feature %q should not be there", not)
		}
	}
	if t.Failed() {
		t.Log(strings.Join(texts, "\n"))
	}
}

// The fields in which a mailing list names itself share one kind, so that each of
// their words counts once; other fields have kinds of their own.
func TestListFieldsCountOnce(t *testing.T) {
	const list = "<list-help.example.org>\n"
	one := clueTexts(classify.DefaultOptions(), "List-Id: "+list+"\n")
	all := clueTexts(classify.DefaultOptions(), "List-Id: "+list+"LIST-HELP: "+list+"Sender: "+list+"X-BeenThere: "+list+"\n")
	if !slices.Contains(one, "has field: list") || !slices.Contains(one, "list: help.example.org") {
		t.Errorf("features %q", one)
	}
	if !slices.Equal(one, all) {
		t.Errorf("one field gives %q, four with the same words %q", one, all)
	}
	if other := clueTexts(classify.DefaultOptions(), "X-List: "+list+"\n"); slices.Contains(other, "list: help.example.org") || slices.Contains(other, "has field: list") {
		t.Errorf("a field of another name gives %q", other)
	}
}

func TestHostileMessagesAreBounded(t *testing.T) {
	deep := func(n int) string {
		var b strings.Builder
		b.WriteString("Content-Type: multipart/mixed; boundary=b0\n\n")
		for i := range n {
			fmt.Fprintf(&b, "--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n", i, i+1)
		}
		b.WriteString("--b5\n\nstill here\n")
		return b.String()
	}
	image := "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\n" +
		strings.Repeat(strings.Repeat("QUJD", 18)+"\n", 70000) + "--b\nContent-Type: text/plain\n\nafterwards\n--b--\n"
	tests := []struct{ name, msg, want string }{
		{"nothing at all", "", ""},
		{"NUL bytes", "Subject: a\x00b\n\nc\x00d\n", "subject: a"},
		{"no header", "just text\nmore text\n", "just"},
		{"100,000 fields", strings.Repeat("X-A: b\n", 100_000) + "\nbody\n", "message: many fields"},
		{"field of 1 MB", "Subject: start " + strings.Repeat("x", 1<<20) + "\n\nbody\n", "subject: start"},
		{"1,000 levels", deep(1000), "mime: deep"},
		{"10,000 levels", deep(10_000), "mime: deep"},
		{"100,000 parts", "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 100_000), "mime: many-parts"},
		{"text after an image of 5 MB", image, "afterwards"},
		{"8-bit field", "Subject: gr\xfcn\n\nx\n", "subject: grün"},
		{"text of 100 MB", "\n" + strings.Repeat("all work and no play\n", 5_000_000), "message: long text"},
		{"one line of 10 MB", "\n" + strings.Repeat("word ", 2_000_000), "word"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			raw := []byte(tt.msg)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			texts := clueTexts(classify.DefaultOptions(), raw)
			runtime.ReadMemStats(&after)
			if tt.want != "" && !slices.Contains(texts, tt.want) {
				t.Errorf("no feature %q in %.500q", tt.want, texts)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
				t.Errorf("allocated %d kB for a message of %d kB", got>>10, len(tt.msg)>>10)
			}
		})
	}
}

func TestMaxFeatures(t *testing.T) {
	var b strings.Builder
	b.WriteString("Subject: x\n\n")
	for i := range 20_000 {
		fmt.Fprintf(&b, "w%d ", i)
	}
	o := classify.DefaultOptions()
	o.MaxFeatures = 300
	if n := len(classify.Extract(o, []byte(b.String())).Features); n != 300 {
		t.Errorf("%d features, want 300", n)
	}
}

func TestValidate(t *testing.T) {
	if err := classify.DefaultOptions().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	o := classify.DefaultOptions()
	o.TextHead, o.MaxDepth, o.OwnHosts = 0, 1000, []string{"10.0.0.0/99", "ok.example.org"}
	err := o.Validate()
	for _, want := range []string{"text_head", "max_depth", "10.0.0.0/99"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}

func crlf(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
}

// mboxrd quotes the body as an mbox would (RFC 4155 appendix A, mboxrd).
func mboxrd(raw []byte) []byte {
	head, body, ok := bytes.Cut(raw, []byte("\n\n"))
	if !ok {
		return raw
	}
	var out []byte
	for line := range bytes.Lines(body) {
		if bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")) {
			out = append(out, '>')
		}
		out = append(out, line...)
	}
	return slices.Concat(head, []byte("\n\n"), out, []byte("\n"))
}

// TestAllocations counts allocations from bytes to score, mail after mail in the
// same buffers: on average at most 20, and so none for each word or field.
func TestAllocations(t *testing.T) {
	files, err := filepath.Glob("../test/mail/*am/*.eml")
	if err != nil || len(files) < 100 {
		t.Fatalf("found %d messages in ../test/mail (%v): the repository is not complete", len(files), err)
	}
	s, sc := classify.NewStream(classify.DefaultOptions()), new(classify.Scorer)
	total := 0.0
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		n := testing.AllocsPerRun(2, func() {
			s.Reset()
			m := s.Stored(raw)
			sc.Score(m.Features, m.Grams, counted{})
		})
		if n > 80 {
			t.Errorf("%s: %.0f allocations", f, n)
		}
		total += n
	}
	mean := total / float64(len(files))
	t.Logf("%.1f allocations a message", mean)
	if mean > 20 {
		t.Errorf("%.1f allocations a message, want at most 20", mean)
	}
}
