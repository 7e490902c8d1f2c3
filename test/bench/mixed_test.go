package bench

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The corpus is from 2002 and small: 6 kB a message. Mail of today is larger,
// most of it markup and attachments. The mixed set takes fields and words from
// the corpus and makes of them what arrives now: plain mail, newsletters with far
// more markup than text, pictures in the text, PDF and zip files. It is the same
// on each run, with a median of 6 kB, a mean of 28 kB and a 99th percentile of
// 450 kB.

const mixedMessages = 2000

// mixedShares tells how many of 1,000 messages are of a kind, and how large its
// special part is: from low to high bytes, encoded.
var mixedShares = []struct {
	share     int
	low, high int
	body      func(*mixer, int)
}{
	{622, 0, 0, (*mixer).original},
	{170, 6_000, 64_000, (*mixer).newsletterQP},
	{140, 6_000, 64_000, (*mixer).newsletterBase64},
	{40, 20_000, 110_000, (*mixer).pictures},
	{16, 90_000, 380_000, (*mixer).pdf},
	{12, 420_000, 520_000, (*mixer).zip},
}

// mixer writes one message after the other.
type mixer struct {
	rng   *rand.Rand
	out   bytes.Buffer
	field []byte   // of the original, without those of its content
	raw   []byte   // the original
	words [][]byte // of the original's text
}

// mixedFiles writes the mixed set below a directory of b's own.
func mixedFiles(b *testing.B) (m mailFiles) {
	dir := b.TempDir()
	originals := corpusFiles(b)
	mix := &mixer{rng: rand.New(rand.NewPCG(2002, 2026))}
	for i := range mixedMessages {
		from, class := originals.ham, &m.ham
		if mix.rng.IntN(len(originals.ham)+len(originals.spam)) >= len(from) {
			from, class = originals.spam, &m.spam
		}
		raw, err := os.ReadFile(from[mix.rng.IntN(len(from))])
		if err != nil {
			b.Fatal(err)
		}
		file := filepath.Join(dir, fmt.Sprintf("%05d", i))
		if err := os.WriteFile(file, mix.message(i, raw), 0o644); err != nil {
			b.Fatal(err)
		}
		*class = append(*class, file)
	}
	return m
}

// message makes message i out of an original. Kinds take turns, so that each has
// its share.
func (m *mixer) message(i int, raw []byte) []byte {
	m.read(raw)
	kind := i * 387 % 1000
	for _, s := range mixedShares {
		if kind -= s.share; kind < 0 {
			s.body(m, s.low+m.rng.IntN(s.high-s.low+1))
			break
		}
	}
	return m.out.Bytes()
}

// read takes an original apart.
func (m *mixer) read(raw []byte) {
	m.out.Reset()
	m.raw = raw
	head, text, _ := bytes.Cut(raw, []byte("\n\n"))
	m.words = bytes.Fields(text[:min(len(text), 20_000)])
	m.field = m.field[:0]
	drop := false
	for line := range bytes.Lines(append(head, '\n')) {
		if line[0] != ' ' && line[0] != '\t' {
			name := bytes.ToLower(line)
			drop = bytes.HasPrefix(name, []byte("content-")) || bytes.HasPrefix(name, []byte("mime-version"))
		}
		if !drop {
			m.field = append(m.field, line...)
		}
	}
}

func (m *mixer) original(int) { m.out.Write(m.raw) }

func (m *mixer) newsletterQP(size int) {
	m.begin("alternative")
	m.part("text/plain; charset=utf-8", "quoted-printable", "")
	m.quoted(m.sentence(150))
	m.part("text/html; charset=utf-8", "quoted-printable", "")
	m.quoted(m.markup(size))
	m.end()
}

func (m *mixer) newsletterBase64(size int) {
	m.begin("alternative")
	m.part("text/plain; charset=utf-8", "base64", "")
	m.base64(m.sentence(150))
	m.part("text/html; charset=utf-8", "base64", "")
	m.base64(m.markup(size * 3 / 4))
	m.end()
}

func (m *mixer) pictures(size int) {
	m.begin("related")
	m.part("text/html; charset=iso-8859-1", "quoted-printable", "")
	m.quoted(m.markup(4000))
	n := 1 + m.rng.IntN(4)
	for i := range n {
		m.part("image/jpeg", "base64", fmt.Sprintf("inline; filename=image%03d.jpg", i))
		m.base64(m.binary("\xff\xd8\xff\xe0\x00\x10JFIF\x00", size*3/4/n))
	}
	m.end()
}

func (m *mixer) pdf(size int) {
	m.attachment("application/pdf", "%PDF-1.7\n", "Document %d.pdf", size)
}

func (m *mixer) zip(size int) {
	m.attachment("application/zip", "PK\x03\x04\x14\x00", "files-%d.zip", size)
}

func (m *mixer) attachment(media, magic, name string, size int) {
	m.begin("mixed")
	m.part("text/plain; charset=utf-8", "8bit", "")
	m.out.Write(m.sentence(100))
	m.part(media, "base64", fmt.Sprintf("attachment; filename=%q", fmt.Sprintf(name, m.rng.IntN(1000))))
	m.base64(m.binary(magic, size*3/4))
	m.end()
}

func (m *mixer) begin(multipart string) {
	m.out.Write(m.field)
	fmt.Fprintf(&m.out, "MIME-Version: 1.0\nContent-Type: multipart/%s; boundary=\"%s\"\n\n", multipart, boundary)
}

const boundary = "=_mixed_0123456789"

func (m *mixer) part(media, encoding, disposition string) {
	fmt.Fprintf(&m.out, "\n--%s\nContent-Type: %s\nContent-Transfer-Encoding: %s\n", boundary, media, encoding)
	if disposition != "" {
		fmt.Fprintf(&m.out, "Content-Disposition: %s\n", disposition)
	}
	m.out.WriteByte('\n')
}

func (m *mixer) end() { fmt.Fprintf(&m.out, "\n--%s--\n", boundary) }

// sentence is n words of the original in lines.
func (m *mixer) sentence(n int) []byte {
	var s []byte
	for i := range min(n, len(m.words)) {
		s = append(append(s, m.words[i]...), " \n"[min(i%12/11, 1)])
	}
	return append(s, '\n')
}

// markup is size bytes of a newsletter in tables, with words of the original.
func (m *mixer) markup(size int) []byte {
	var p bytes.Buffer
	p.WriteString("<!DOCTYPE html><html><head><style>body{margin:0;padding:0} .c{font:14px Arial,sans-serif;color:#333}</style></head><body>\n")
	for p.Len() < size {
		id := m.rng.Uint64()
		fmt.Fprintf(&p, "<table width=\"600\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" align=\"center\" style=\"border-collapse:collapse;max-width:600px\"><tr>"+
			"<td class=\"c\" style=\"padding:10px 20px;font-family:Helvetica,Arial,sans-serif;font-size:%dpx;line-height:1.5;color:#%06x\">", 10+id%8, id%0x1000000)
		for range 25 {
			if len(m.words) > 0 {
				p.Write(m.words[m.rng.IntN(len(m.words))])
				p.WriteByte(' ')
			}
		}
		fmt.Fprintf(&p, "&nbsp;<a href=\"https://click.example.com/track?u=%x&amp;id=%d\" style=\"color:#0066cc;text-decoration:none\">more&nbsp;&raquo;</a></td>\n"+
			"<td><img src=\"https://img.example.com/%x/spacer.gif\" width=\"1\" height=\"1\" alt=\"\" /></td></tr></table>\n", id, id%1000, id>>32)
	}
	p.WriteString("</body></html>\n")
	return p.Bytes()
}

// binary is size bytes that look compressed.
func (m *mixer) binary(magic string, size int) []byte {
	b := []byte(magic)
	for len(b) < size {
		b = binary.LittleEndian.AppendUint64(b, m.rng.Uint64())
	}
	return b
}

func (m *mixer) quoted(b []byte) {
	w := quotedprintable.NewWriter(&m.out)
	w.Write(b) // a bytes.Buffer takes everything
	w.Close()
}

func (m *mixer) base64(b []byte) {
	for line := range slices.Chunk(b, 57) {
		m.out.WriteString(base64.StdEncoding.EncodeToString(line))
		m.out.WriteByte('\n')
	}
}
