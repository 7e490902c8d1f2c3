package words

// apartMin is how many letters must stand apart to be taken as a word: three may
// be an abbreviation (U.S.A, z. B.), except in scripts that have none.
const (
	apartMin      = 4
	apartMinPiece = 3
)

// oneLetter takes a run that is a single letter, as in "V i a g r a", and holds
// it back. Signs may follow the last.
func (s *Splitter) oneLetter(b []byte, emit Emit) bool {
	c, n := classAt(b)
	if c != letter && c != unspaced || n < len(b) && len(s.ends) < apartMin-1 {
		return false
	}
	signs := b[n:]
	for _, d := range signs {
		if byteClass[d] < firstSign {
			return false
		}
	}
	s.keepLetter(b[:n])
	if len(signs) > 0 {
		s.flushApart(emit)
		emitSign(signs, emit)
	}
	return true
}

func (s *Splitter) keepLetter(b []byte) {
	s.apart = append(s.apart, b...)
	s.ends = append(s.ends, len(s.apart))
}

// flushApart gives out the letters held back: as one word if there are enough.
func (s *Splitter) flushApart(emit Emit) {
	if len(s.ends) == 0 {
		return
	}
	c, _ := classAt(s.apart)
	if enoughApart(len(s.ends), c) {
		emit(Trick, trickApart, false)
		s.ends = s.ends[:0]
		s.segment(s.apart, emit)
	} else {
		start := 0
		for _, end := range s.ends {
			s.segment(s.apart[start:end], emit)
			start = end
		}
	}
	s.apart, s.ends = s.apart[:0], s.ends[:0]
}

// lettersApart finds letters with one sign between each two, as in
// "V.i.a.g.r.a", at the start of b, and gives out the word they make. It returns
// how much of b that was.
func (s *Splitter) lettersApart(b []byte, emit Emit) int {
	start := 0
	for start < len(b) && byteClass[b[start]] >= firstSign {
		start++
	}
	if start+1 < len(b) && byteClass[b[start]] <= digit && byteClass[b[start+1]] <= digit {
		return 0 // as in most text
	}
	end, count := start, 0
	for i := start; ; count++ {
		c, n := classAt(b[i:])
		if c != letter && c != unspaced {
			break
		}
		i += n
		end = i
		if c, n = classAt(b[i:]); c <= digit || c == mark || c == unspaced {
			return 0 // as in J.R.R.Tolkien
		}
		i += n
	}
	if c, _ := classAt(b[start:]); !enoughApart(count, c) {
		return 0
	}
	for i := start; i < end; {
		_, n := classAt(b[i:])
		s.keepLetter(b[i : i+n])
		i += n
		_, n = classAt(b[i:])
		i += n
	}
	s.flushApart(emit)
	return end
}

func enoughApart(n int, class uint8) bool {
	return n >= apartMin || class == unspaced && n >= apartMinPiece
}
