package words

// skipBlanks measures the blanks at the start of b in bytes and characters; the
// end of a line counts as two.
func skipBlanks(b []byte) (size, count int) {
	for {
		for size < len(b) && byteClass[b[size]] == blank {
			if b[size] == '\n' {
				count++
			}
			size++
			count++
		}
		if size == len(b) || byteClass[b[size]] != high {
			return size, count
		}
		c, n := flagsAt(b[size:])
		if c != blank {
			return size, count
		}
		size += n
		count++
	}
}

// plainRun reads the run at the start of b if it is of the commonest kind: one
// word of two letters or more, perhaps with ASCII signs before and behind it. It
// returns 0, and gives out nothing, for all others.
func (s *Splitter) plainRun(b []byte, emit Emit) int {
	i := 0
	for i < len(b) && byteClass[b[i]] >= firstSign {
		i++
	}
	start := i
	for i < len(b) && byteClass[b[i]] <= digit {
		i++
	}
	if i < len(b) && byteClass[b[i]] == high {
		if i = plainLetters(b, start); i == 0 {
			return 0
		}
	}
	end := i
	for i < len(b) && byteClass[b[i]] >= firstSign {
		i++
	}
	if end-start < 2 || i < len(b) && byteClass[b[i]] != blank && !otherBlank(b[i:]) {
		return 0
	}
	if len(s.ends) > 0 {
		s.flushApart(emit)
	}
	if start > 0 {
		emitSign(b[:start], emit)
	}
	emitWord(b[start:end], emit)
	if i > end {
		emitSign(b[end:i], emit)
	}
	return i
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

// measure finds the end of the run at the start of b. Linking tells that it may
// hold a link or an address, fold that it is to be folded.
func measure(b []byte) (n int, linking, fold bool) {
	for n < len(b) {
		c := byteClass[b[n]]
		if c <= joiner {
			n++
			continue
		}
		switch c {
		case blank:
			return n, linking, fold
		case high:
			c, size := flagsAt(b[n:])
			if c == blank {
				return n, linking, fold
			}
			fold = fold || c&toFold != 0
			n += size
			continue
		case link:
			linking = true
		case midBoth:
			linking = linking || n >= 3 && string(b[n-3:n]) == "www"
		}
		n++
	}
	return n, linking, fold
}
