package words

import "unicode/utf8"

// pieces gives the run of a script without spaces that begins at start: each two
// neighbouring characters, or each three of the scripts of South-East Asia, whose
// alphabets are small. It returns the run's end.
func pieces(b []byte, start int, class uint8, emit Emit) (end int) {
	var first, second int // where the last two characters before this one begin
	count, i := 0, start
	c, size := classAt(b[i:])
	for c == class {
		third := i
		for {
			stacks := class == cluster && stacker(b[i:])
			i += size
			if c, size = classAt(b[i:]); c != mark && (!stacks || c != class) {
				break
			}
		}
		switch count++; {
		case class == unspaced && count > 1:
			emit(Piece, b[second:i], false)
		case count > 2:
			emit(Piece, b[first:i], false)
		}
		first, second = second, third
	}
	if count == 1 || count == 2 && class == cluster {
		emit(Piece, b[start:i], false)
	}
	return i
}

// stacker tells whether the mark at the start of b puts the next consonant below
// this one: the Burmese virama and the Khmer coeng.
func stacker(b []byte) bool {
	r, _ := utf8.DecodeRune(b)
	return r == 0x1039 || r == 0x17d2
}
