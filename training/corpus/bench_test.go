package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/emersion/go-mbox"
)

// benchMbox is an mbox of 2,000 messages of about 4 kB, like an average mailbox.
func benchMbox() []byte {
	var b bytes.Buffer
	for i := range 2000 {
		fmt.Fprintf(&b, "From a@example.org Thu Jan  1 00:00:00 2026\nSubject: %d\n\n", i)
		b.WriteString(strings.Repeat("Some sixty characters of text, as they stand in a usual line.\n", 20+i%90))
		b.WriteString("\n")
	}
	return b.Bytes()
}

// BenchmarkMbox compares the reader of this package with go-mbox, which is why
// there is one of our own.
func BenchmarkMbox(b *testing.B) {
	text := benchMbox()
	b.Run("own", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		s := splitter{max: 1 << 20}
		for b.Loop() {
			s.reset(bytes.NewReader(text))
			s.start()
			n := 0
			for {
				if _, err := s.mboxNext(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != 2000 {
				b.Fatalf("%d messages", n)
			}
		}
	})
	b.Run("go-mbox", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		var raw bytes.Buffer
		for b.Loop() {
			r := mbox.NewReader(bytes.NewReader(text))
			n := 0
			for {
				m, err := r.NextMessage()
				if errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					b.Fatal(err)
				}
				raw.Reset()
				if _, err := raw.ReadFrom(m); err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != 2000 {
				b.Fatalf("%d messages", n)
			}
		}
	})
}
