// Package words cuts text into the words that become features: words by the
// rules of Unicode (UAX 29), scripts written without spaces as pieces of two or
// three characters, runs of signs such as "!!!", and links taken out whole.
// Before that it undoes what makes equal words differ in their bytes: normal
// forms, full-width and decorative letters, letters of another script that look
// the same, characters that are not seen, and letters put apart. It tells of the
// ones that are tricks.
package words

import "unicode/utf8"

// Kind tells what a piece of text is.
type Kind uint8

// The kinds.
const (
	Word  Kind = iota
	Piece      // neighbouring characters of a script without spaces
	Sign       // a run of punctuation or symbols
	URL        // http://..., www....
	Mail       // an address
	Trick      // what was undone, such as "zero-width"
)

// MaxWord is the longest word, in characters, that is given out whole.
const MaxWord = 40

// Emit takes what was found, in order. Word is valid during the call; cut tells
// that it is the start of a word longer than MaxWord.
type Emit func(k Kind, word []byte, cut bool)

// Splitter holds the buffers of Split; the zero value is ready. Not for
// concurrent use.
type Splitter struct {
	folded  []byte
	normal  []byte
	word    []byte // a word whose letters of another script are replaced
	apart   []byte // letters that stood apart, joined
	ends    []int  // where each of them ends
	nothing int    // runs of which nothing is seen
}

// Split calls emit for each piece of text (UTF-8).
func (s *Splitter) Split(text []byte, emit Emit) {
	s.apart, s.ends, s.nothing = s.apart[:0], s.ends[:0], 0
	s.runs(text, true, emit)
	s.flushApart(emit)
}

// runs reads text run by run, which blanks part; fold asks for runs that are not
// ASCII to be folded first.
func (s *Splitter) runs(text []byte, fold bool, emit Emit) {
	for i := 0; i < len(text); {
		n, blanks := skipBlanks(text[i:])
		i += n
		if blanks > 1 && len(s.ends) > 0 {
			s.flushApart(emit)
		}
		if n := s.plainRun(text[i:], emit); n > 0 {
			i += n
			continue
		}
		n, linking, toFold := measure(text[i:])
		run := text[i : i+n]
		i += n
		switch {
		case n == 0:
		case toFold && fold:
			s.runs(s.fold(run, emit), false, emit)
		default:
			s.run(run, linking, emit)
		}
	}
}

// skipBlanks measures the blanks at the start of b in bytes and characters.
func skipBlanks(b []byte) (size, count int) {
	for {
		for size < len(b) && byteClass[b[size]] == blank {
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

// run reads a run without blanks: links and addresses first, then what is
// between them.
func (s *Splitter) run(b []byte, linking bool, emit Emit) {
	if s.oneLetter(b, emit) {
		return
	}
	if len(s.ends) > 0 {
		s.flushApart(emit)
	}
	if linking {
		s.links(b, emit)
		return
	}
	s.segment(b, emit)
}

// links reads a run that may have links in it.
func (s *Splitter) links(b []byte, emit Emit) {
	for scheme := true; ; {
		var pre, u []byte
		if pre, u, b, scheme = cutURL(b, scheme); u == nil {
			break
		}
		s.mails(pre, emit)
		emit(URL, u, false)
	}
	s.mails(b, emit)
}

// mails reads text that may have addresses in it.
func (s *Splitter) mails(b []byte, emit Emit) {
	for {
		pre, a, post := cutMail(b)
		if a == nil {
			break
		}
		s.segment(pre, emit)
		emit(Mail, a, false)
		b = post
	}
	s.segment(b, emit)
}

// segment cuts text without links into words, pieces and signs.
func (s *Splitter) segment(b []byte, emit Emit) {
	b = b[s.lettersApart(b, emit):]
	for i := 0; i < len(b); {
		c, n := classAt(b[i:])
		start := i
		switch c {
		case letter, digit, joiner:
			end, mixed := wordEnd(b, i)
			i = end
			w := b[start:i]
			if mixed {
				w = s.unmix(w, emit)
			}
			emitWord(w, emit)
		case unspaced, cluster:
			i = pieces(b, i, c, emit)
		case symbol:
			emit(Sign, b[i:i+n], false)
			i += n
		default:
			for i < len(b) && byteClass[b[i]] >= firstSign || i < len(b) && byteClass[b[i]] == link {
				i++
			}
			if i > start {
				emitSign(b[start:i], emit)
			} else {
				i += n
			}
		}
	}
}

// wordEnd finds the end of the word that begins at i by the rules WB4 to WB13b
// of UAX 29. Mixed tells that it has ASCII letters and ones of a script with
// letters that look like those.
func wordEnd(b []byte, i int) (end int, mixed bool) {
	seen := uint8(0)
	before := uint8(mark)
	for i < len(b) {
		if c := byteClass[b[i]]; c <= joiner { // what most words are made of
			if c == letter {
				seen |= latin
			}
			before = c
			i++
			continue
		}
		c, n := flagsAt(b[i:])
		flags := c & (toFold | hasTwins)
		c &^= flags
		switch c {
		case letter:
			seen |= flags
			before = c
		case digit, joiner:
			before = c
		case mark:
		case midBoth, midLetter, midNum:
			after, m := classAt(b[i+n:])
			if !joins(before, c, after) {
				return i, mixes(seen)
			}
			n += m
			before = after
			i += n
			continue
		default:
			return i, mixes(seen)
		}
		i += n
	}
	return i, mixes(seen)
}

// mixes tells whether a word has ASCII letters and ones that may look like those.
func mixes(seen uint8) bool { return seen&(hasTwins|latin) == hasTwins|latin }

// joins tells whether a character between two of a word keeps them together.
func joins(before, mid, after uint8) bool {
	switch mid {
	case midBoth:
		return before == after && (before == letter || before == digit)
	case midLetter:
		return before == letter && after == letter
	case midNum:
		return before == digit && after == digit
	}
	return false
}

func emitWord(w []byte, emit Emit) {
	if len(w) <= MaxWord || utf8.RuneCount(w) <= MaxWord {
		emit(Word, w, false)
		return
	}
	end := 0
	for range MaxWord {
		_, n := utf8.DecodeRune(w[end:])
		end += n
	}
	emit(Word, w[:end], true)
}

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

// signMax is how much of a run of signs counts.
const signMax = 8

// emitSign gives a run of ASCII signs; most that stand alone say nothing.
func emitSign(s []byte, emit Emit) {
	if len(s) > 1 || alone[s[0]] {
		emit(Sign, s[:min(len(s), signMax)], false)
	}
}
