package words

import (
	"encoding/binary"
	"math/bits"
)

// skipBlanks finds the end of the blanks from i on.
func skipBlanks(b []byte, i int) int {
	for i < len(b) {
		c, n := byteClass[b[i]], 1
		if c == high {
			c, n = flagsAt(b[i:])
		}
		if c != blank {
			break
		}
		i += n
	}
	return i
}

// partsLetters tells whether blanks part letters that stand apart from those behind:
// there is more than one character, where the end of a line counts as two.
func partsLetters(blanks []byte) bool {
	count := 0
	for _, c := range blanks {
		if c&0xc0 != 0x80 {
			count++
		}
		if c == '\n' {
			count++
		}
	}
	return count > 1
}

// plainRun reads the run that begins at i if it is of the commonest kind: one word of
// two letters or more, perhaps with ASCII signs before and behind it. It returns i,
// and gives out nothing, for all others.
func (s *Splitter) plainRun(b []byte, i int, emit Emit) int {
	start := skipSigns(b, i)
	end := skipAlphanumerics(b, start)
	if end < len(b) && byteClass[b[end]] == high {
		if end = plainLetters(b, start); end == 0 {
			return i
		}
	}
	next := skipSigns(b, end)
	if end-start < 2 || next < len(b) && byteClass[b[next]] != blank && !otherBlank(b[next:]) {
		return i
	}
	if len(s.ends) > 0 {
		s.flushApart(emit)
	}
	if start > i {
		emitSign(b[i:start], emit)
	}
	emitWord(b[start:end], emit)
	if next > end {
		emitSign(b[end:next], emit)
	}
	return next
}

// skipSigns finds the end of the ASCII signs from i on.
func skipSigns(b []byte, i int) int {
	for i < len(b) && byteClass[b[i]] >= firstSign {
		i++
	}
	return i
}

// skipAlphanumerics finds the end of the letters and digits of ASCII from i on. Where
// a word ends cannot be predicted, so eight bytes are looked at together.
func skipAlphanumerics(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if others := eightOthers(binary.LittleEndian.Uint64(b[i:])); others != 0 {
			return i + bits.TrailingZeros64(others)/8
		}
	}
	for i < len(b) && byteClass[b[i]] <= digit {
		i++
	}
	return i
}

// Eight bytes of the same value.
const (
	eightOnes = 0x0101010101010101
	eightHigh = 0x80 * eightOnes
)

// eightOthers sets the highest bit of each of eight bytes that is no letter or digit of
// ASCII. A sum has that bit when the byte is not below the first of a range, and lacks
// it, for the other sum, when it is not above the last.
func eightOthers(x uint64) uint64 {
	low := x &^ eightHigh
	small := low | 0x20*eightOnes
	letters := (small + (0x80-'a')*eightOnes) &^ (small + (0x7f-'z')*eightOnes)
	digits := (low + (0x80-'0')*eightOnes) &^ (low + (0x7f-'9')*eightOnes)
	return (x | ^(letters | digits)) & eightHigh
}

// plainLetters finds the end of the letters and digits that begin at i; 0 if
// there is only one, or one that is to be folded, or scripts are mixed.
func plainLetters(b []byte, i int) int {
	chars, seen := 0, uint8(0)
	for ; i < len(b); chars++ {
		c, n := flagsAt(b[i:])
		if c == blank || n == 1 && c > digit {
			break
		}
		if c > digit && c != letter|hasTwins {
			return 0
		}
		if n == 1 && c == letter {
			c = latin
		}
		seen |= c
		i += n
	}
	if chars < 2 || mixes(seen) {
		return 0
	}
	return i
}

// otherBlank tells whether b begins with a blank that is not ASCII.
func otherBlank(b []byte) bool {
	if b[0] < 0x80 {
		return false
	}
	c, _ := flagsAt(b)
	return c == blank
}

// measure finds the end of the run that begins at i. Linking tells that it may hold a
// link or an address, fold that it is to be folded.
func measure(b []byte, i int) (end int, linking, fold bool) {
	seen := uint8(0)
	for ; i < len(b); i++ {
		signs := linkSigns[b[i]]
		seen |= signs
		if signs&endsRun == 0 {
			continue
		}
		c, n := flagsAt(b[i:])
		if c == blank {
			break
		}
		fold = fold || c&toFold != 0
		i += n - 1
	}
	return i, seen&hasSlash != 0 || seen&(hasDot|hasW) == hasDot|hasW, fold
}

// Bits of linkSigns.
const (
	hasSlash uint8 = 1 << iota // or an at sign
	hasDot                     // together with
	hasW                       // of www.
	endsRun                    // or is not ASCII
)

// linkSigns are the bytes that a run with a link or an address has, and those that
// measure has to look at.
var linkSigns = func() (t [256]uint8) {
	for c, class := range byteClass {
		switch class {
		case link:
			t[c] = hasSlash
		case blank, high:
			t[c] = endsRun
		}
	}
	t['.'], t['w'] = hasDot, hasW
	return t
}()
