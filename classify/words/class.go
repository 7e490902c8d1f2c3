package words

import (
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// class of a character: what it does to a word, in the terms of UAX 29 where
// that has one. The order serves comparisons.
const (
	letter    uint8 = iota
	digit           // 0 to 9 of any script
	joiner          // _ and its like
	link            // @ / may belong to an address or a link
	blank           // blanks and control characters end a run
	high            // byteClass only: part of a character that is not ASCII
	unspaced        // ideographs, kana and Hangul: no or few spaces between words
	cluster         // scripts of South-East Asia: no spaces, but marks
	mark            // belongs to the character before it
	symbol          // says something alone, such as an emoji
	sign            // any other
	midLetter       // between letters: :
	midNum          // between digits: , ;
	midBoth         // between either: . '

	firstSign = sign
)

// Flags beside the class of a character.
const (
	toFold   uint8 = 0x80 // fold has to look at it
	hasTwins uint8 = 0x40 // of a script in which letters look like Latin ones
	latin    uint8 = 0x20 // ASCII letters; set where words are read
)

// byteClass holds the classes of ASCII.
var byteClass = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c <= ' ' || c == 0x7f:
			t[c] = blank
		case c >= 0x80:
			t[c] = high
		case isAlpha(byte(c)):
			t[c] = letter
		case c >= '0' && c <= '9':
			t[c] = digit
		default:
			t[c] = sign
		}
	}
	t['.'], t['\''] = midBoth, midBoth
	t[':'] = midLetter
	t[','], t[';'] = midNum, midNum
	t['_'] = joiner
	t['@'], t['/'] = link, link
	return t
}()

// alone are the signs that say something without another; endsURL are bytes that
// cannot be in a link. Those that begin characters of three bytes, from 0xe2 on,
// end one too: in East Asian text no blank follows it.
var (
	alone   = bytesOf("!?$%#*+&=@")
	endsURL = func() (t [256]bool) {
		t = bytesOf("<>\"'(){}[]|`")
		for c := 0xe2; c < len(t); c++ {
			t[c] = true
		}
		return t
	}()
)

func bytesOf(set string) (t [256]bool) {
	for i := range len(set) {
		t[set[i]] = true
	}
	return t
}

func isAlpha(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// Classes are kept by pages of 64 characters, as many as the last byte of UTF-8
// tells apart. A page is filled when a character of it is first met: a process
// that reads one message needs few. Two may fill the same page, to the same end.
const pageSize = 64

var pages [0x20000 / pageSize]atomic.Pointer[page]

// page is what is known of some characters: class with flags, and what fold does.
type page struct{ class, fold [pageSize]uint8 }

func pageAt(n rune) *page {
	if p := pages[n].Load(); p != nil {
		return p
	}
	p := new(page)
	for i := range p.class {
		p.class[i], p.fold[i] = lookUp(n*pageSize + rune(i))
	}
	pages[n].Store(p)
	return p
}

// classAt returns the class of the first character of b and its length; blank
// and 0 at the end.
func classAt(b []byte) (class uint8, size int) {
	class, size = flagsAt(b)
	return class &^ (toFold | hasTwins), size
}

// flagsAt is classAt with the flags. What most text is made of goes first.
func flagsAt(b []byte) (class uint8, size int) {
	if len(b) == 0 {
		return blank, 0
	}
	c := b[0]
	switch {
	case c < 0x80:
		return byteClass[c], 1
	case c >= 0xc2 && c < 0xe0 && len(b) > 1 && b[1]&0xc0 == 0x80:
		return pageAt(rune(c & 0x1f)).class[b[1]&0x3f], 2
	case (c >= 0xe5 && c <= 0xe9 || c == 0xeb || c == 0xec) && len(b) > 2 && b[1]&0xc0 == 0x80 && b[2]&0xc0 == 0x80:
		return unspaced, 3 // ideographs from 0x5000 to 0x9fff, Hangul from 0xb000 to 0xcfff
	}
	r, size := utf8.DecodeRune(b)
	return classOf(r), size
}

// classOf returns class and flags of a character that is not ASCII, foldOf what
// fold does with it.
func classOf(r rune) uint8 {
	if n := r / pageSize; n < rune(len(pages)) {
		return pageAt(n).class[r%pageSize]
	}
	c, _ := lookUp(r)
	return c
}

func foldOf(r rune) uint8 {
	if n := r / pageSize; n < rune(len(pages)) {
		return pageAt(n).fold[r%pageSize]
	}
	return foldKind(r)
}

func lookUp(r rune) (class, fold uint8) {
	c, fold := kindOf(r), foldKind(r)
	if fold != keep {
		c |= toFold
	}
	if c == letter && (r >= 0x250 && r < 0x2b0 || r >= 0x370 && r < 0x590 || r >= 0x13a0 && r < 0x1400) {
		c |= hasTwins // phonetic, Greek, Cyrillic, Armenian, Cherokee
	}
	return c, fold
}

func kindOf(r rune) uint8 {
	switch {
	case r == utf8.RuneError:
		return sign
	case r == 0xe33 || r == 0xeb3: // vowels of Thai and Lao that Unicode has as letters
		return mark
	case unicode.IsLetter(r), r == 0x3007:
		return letterKind(r)
	case unicode.IsMark(r):
		return mark
	case unicode.IsDigit(r):
		return digit
	case unicode.IsNumber(r), unicode.Is(unicode.Other_Alphabetic, r):
		return letter
	case unicode.Is(unicode.Pc, r):
		return joiner
	case unicode.IsSpace(r), r == 0x2800, r < 0xa0: // Braille without a dot, controls
		return blank
	case r == '·' || r == 0x387 || r == 0x55f || r == 0x5f4 || r == 0x2027:
		return midLetter
	case r == 0x589 || r == 0x60c || r == 0x60d || r == 0x66c || r == 0x7f8 || r == 0x2044:
		return midNum
	case r == '‘' || r == '’' || r == 0x2024:
		return midBoth
	case unicode.IsSymbol(r), r == '！', r == '？':
		return symbol
	}
	return sign
}

// letterKind parts letters by how their script uses spaces.
func letterKind(r rune) uint8 {
	switch {
	case r < 0xe00:
		return letter
	case r < 0xf00, r >= 0x1000 && r < 0x10a0, r >= 0x1780 && r < 0x1800, r >= 0xaa60 && r < 0xaa80: // Thai, Lao; Burmese; Khmer
		return cluster
	case r >= 0x1100 && r < 0x1200, r >= 0x3000 && r < 0xa000, r >= 0xa960 && r < 0xa980, r >= 0xac00 && r < 0xfb00, r >= 0xff66 && r < 0xffe0,
		r >= 0x1b000 && r < 0x1b170, r >= 0x20000 && r < 0x40000: // ideographs, kana, Hangul, Bopomofo
		return unspaced
	}
	return letter
}

// composes tells whether the normal form NFC may change a character or join it
// to the one before.
func composes(r rune) bool {
	c := string(r)
	p := norm.NFC.PropertiesString(c)
	return !p.BoundaryBefore() || p.Decomposition() != nil && !norm.NFC.IsNormalString(c)
}
