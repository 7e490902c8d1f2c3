// Package rival reads the word counts of other filters from the text dumps that those
// filters write, finds the features that have the same meaning here, and makes rows of
// the ledger of them.
//
//	bogofilter   bogoutil -d wordlist.db     word spam ham date; .MSG_COUNT has the messages
//	spambayes    sb_dbexpimp -e -f FILE      CSV: ham,spam of the messages, then word,ham,spam
//	dspam        dspam_dump USER             hash S: spam I: ham P: probability LH: date
//
// Only words that stand alone and mean the same in both filters are taken: those of the
// text, of the subject, of From and To, host names and parts of links. DSPAM writes
// hashes of words: what they stand for is found by trying the words of a list.
//
// A dump has no messages, so nothing in it can be learned by the linear part, and
// nothing is a label. What it says of the counts is scaled down to at most so many
// messages of a class, so that a large dump does not drown what the site learns
// itself, and is written into a handful of rows; see Rows.
package rival

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"strconv"

	"fanmill/classify"
	"fanmill/classify/extract"
)

// Form is a kind of dump.
type Form string

// The forms.
const (
	Bogofilter Form = "bogofilter"
	SpamBayes  Form = "spambayes"
	DSPAM      Form = "dspam"
)

// ErrForm says that a file is not a dump of the form.
var ErrForm = errors.New("not a dump of this kind")

const (
	maxLine     = 64 << 10
	maxFeatures = 4 << 20 // of a dump: 64 MB of memory
)

// Counts are what a dump says of features.
type Counts struct {
	Messages classify.Count            // that the other filter has learned
	Features map[uint64]classify.Count // messages of each class that have it
	Words    int                       // in the dump
	Mapped   int                       // of these, found here
}

// Read reads a dump. For DSPAM, whose dump has neither words nor the number of
// messages, words is a list to try, one a line, and messages says how many were learned.
func Read(r io.Reader, form Form, words io.Reader, messages classify.Count) (*Counts, error) {
	c := &counter{Counts: Counts{Messages: messages, Features: map[uint64]classify.Count{}}}
	var err error
	switch form {
	case Bogofilter:
		err = c.bogofilter(r)
	case SpamBayes:
		err = c.spamBayes(r)
	case DSPAM:
		err = c.dspam(r, words)
	default:
		err = fmt.Errorf("dump of %q: not known", form)
	}
	if err == nil && (c.Messages.Ham == 0 || c.Messages.Spam == 0) {
		err = fmt.Errorf("%w: it does not say that ham and spam were learned (%d and %d messages)", ErrForm, c.Messages.Ham, c.Messages.Spam)
	}
	if err == nil && c.Mapped == 0 {
		err = fmt.Errorf("%w: none of its %d words is known here", ErrForm, c.Words)
	}
	if err != nil {
		return nil, err
	}
	return &c.Counts, nil
}

type counter struct {
	Counts
	foreign extract.Foreign
}

// word counts a word of a place. Words that are one feature here are taken together.
func (c *counter) word(at extract.Place, word []byte, n classify.Count) error {
	f, ok := c.foreign.Feature(at, word)
	if !ok || n == (classify.Count{}) {
		return nil
	}
	c.Mapped++
	sum := c.Features[f]
	sum.Ham, sum.Spam = add(sum.Ham, n.Ham), add(sum.Spam, n.Spam)
	c.Features[f] = sum
	if len(c.Features) > maxFeatures {
		return fmt.Errorf("%w: it has more than %d words", ErrForm, maxFeatures)
	}
	return nil
}

func add(a, b uint32) uint32 { return uint32(min(uint64(a)+uint64(b), 1<<32-1)) }

// eachLine calls fn with each line that is not empty.
func eachLine(r io.Reader, fn func(line []byte) error) error {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 4<<10), maxLine)
	n := 1
	for ; in.Scan(); n++ {
		line := bytes.TrimRight(in.Bytes(), "\r")
		if len(line) == 0 {
			continue
		}
		if err := fn(line); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if errors.Is(in.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d: %w: it is longer than %d bytes", n, ErrForm, maxLine)
	}
	return in.Err()
}

// count reads two numbers.
func count(ham, spam []byte) (n classify.Count, err error) {
	h, err := strconv.ParseUint(string(ham), 10, 32)
	if err != nil {
		return n, fmt.Errorf("%w: %q is not a count", ErrForm, ham)
	}
	s, err := strconv.ParseUint(string(spam), 10, 32)
	if err != nil {
		return n, fmt.Errorf("%w: %q is not a count", ErrForm, spam)
	}
	return classify.Count{Ham: uint32(h), Spam: uint32(s)}, nil
}

// bogofilter reads "word spam ham date", the date of which may be missing.
func (c *counter) bogofilter(r io.Reader) error {
	return eachLine(r, func(line []byte) error {
		f := bytes.Split(line, []byte(" ")) // not Fields: a word may hold blanks that are not ASCII
		if len(f) < 3 || len(f) > 4 {
			return fmt.Errorf("%w: want a word and its counts of spam and ham", ErrForm)
		}
		n, err := count(f[2], f[1])
		if err != nil {
			return err
		}
		if string(f[0]) == ".MSG_COUNT" {
			c.Messages = n
		}
		if len(f[0]) == 0 || f[0][0] == '.' {
			return nil
		}
		c.Words++
		at, word := extract.InBody, f[0]
		for prefix, place := range bogofilterPlaces {
			if rest, ok := bytes.CutPrefix(word, []byte(prefix)); ok {
				return c.word(place, rest, n)
			}
		}
		if bytes.IndexByte(word, ':') >= 0 { // of other fields
			return nil
		}
		return c.word(at, word, n)
	})
}

var bogofilterPlaces = map[string]extract.Place{
	"subj:": extract.InSubject, "from:": extract.InFrom, "to:": extract.InTo, "url:": extract.InLink,
}

// spamBayes reads CSV. Tokens that SpamBayes makes up have a colon or a blank.
func (c *counter) spamBayes(r io.Reader) error {
	in := csv.NewReader(&bounded{r: r})
	in.FieldsPerRecord, in.ReuseRecord, in.LazyQuotes = -1, true, true
	for n := 0; ; n++ {
		rec, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrForm, err)
		}
		line, _ := in.FieldPos(0)
		if want := min(2+min(n, 1), 3); len(rec) < want || len(rec) > want+1 {
			return fmt.Errorf("line %d: %w: want %d fields, not %d", line, ErrForm, want, len(rec))
		}
		if n == 0 {
			if c.Messages, err = count([]byte(rec[0]), []byte(rec[1])); err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
			continue
		}
		counts, err := count([]byte(rec[1]), []byte(rec[2]))
		if err == nil {
			c.Words++
			err = c.spamBayesWord([]byte(rec[0]), counts)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

func (c *counter) spamBayesWord(word []byte, n classify.Count) error {
	for prefix, place := range spamBayesPlaces {
		if rest, ok := bytes.CutPrefix(word, []byte(prefix)); ok {
			return c.word(place, rest, n)
		}
	}
	if bytes.ContainsAny(word, ": ") {
		return nil
	}
	return c.word(extract.InBody, bytes.Trim(word, ".,;!?()[]{}<>\"'*"), n)
}

var spamBayesPlaces = map[string]extract.Place{
	"subject:": extract.InSubject, "from:name:": extract.InFrom, "from:addr:": extract.InFrom,
	"to:name:": extract.InTo, "to:addr:": extract.InTo, "url:": extract.InLink,
}

// bounded ends a reader whose quoted fields would not end.
type bounded struct {
	r    io.Reader
	line int // bytes since the last line end
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if i := bytes.LastIndexByte(p[:n], '\n'); i >= 0 {
		b.line = n - i - 1
	} else if b.line += n; b.line > maxLine {
		return 0, fmt.Errorf("a line longer than %d bytes", maxLine)
	}
	return n, err
}

// dspam reads hashes with their counts, and tries words.
func (c *counter) dspam(r, words io.Reader) error {
	if words == nil {
		return fmt.Errorf("%w: a dump of DSPAM has no words, only hashes: a list of words to try is needed", ErrForm)
	}
	hashes := map[uint64]classify.Count{}
	err := eachLine(r, func(line []byte) error {
		f := bytes.Fields(line)
		if len(f) < 5 || string(f[1]) != "S:" || string(f[3]) != "I:" {
			return fmt.Errorf("%w: want a hash, S: and I: with counts", ErrForm)
		}
		h, err := strconv.ParseUint(string(f[0]), 10, 64)
		if err != nil {
			return fmt.Errorf("%w: %q is not a hash", ErrForm, f[0])
		}
		hashes[h], err = count(f[4], f[2])
		if c.Words++; err == nil && len(hashes) > maxFeatures {
			err = fmt.Errorf("%w: it has more than %d words", ErrForm, maxFeatures)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = eachLine(words, func(line []byte) error { return c.try(hashes, line) })
	if err != nil {
		return fmt.Errorf("list of words: %w", err)
	}
	return nil
}

// try looks for a word as it is written in a list and in text; what was found is found
// once.
func (c *counter) try(hashes map[uint64]classify.Count, word []byte) error {
	for _, w := range [][]byte{word, bytes.ToLower(word), bytes.ToUpper(word), capital(word)} {
		for prefix, place := range dspamPlaces {
			h := dspamHash(prefix + string(w))
			n, ok := hashes[h]
			if !ok {
				continue
			}
			delete(hashes, h)
			if err := c.word(place, w, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// capital is a word as it begins a sentence; of other than ASCII letters the word.
func capital(word []byte) []byte {
	word = bytes.ToLower(word)
	if len(word) > 0 && word[0] >= 'a' && word[0] <= 'z' {
		word[0] -= 'a' - 'A'
	}
	return word
}

var dspamPlaces = map[string]extract.Place{
	"": extract.InBody, "Subject*": extract.InSubject, "From*": extract.InFrom, "To*": extract.InTo, "Url*": extract.InLink,
}

var dspamTable = crc64.MakeTable(crc64.ISO)

// dspamHash is the CRC-64 of ISO 3309 from 0 and without a last inversion, where
// hash/crc64 inverts before and after.
func dspamHash(s string) uint64 { return ^crc64.Update(^uint64(0), dspamTable, []byte(s)) }
