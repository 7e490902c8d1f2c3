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
		word := skipBlanks(text, i)
		if len(s.ends) > 0 && partsLetters(text[i:word]) {
			s.flushApart(emit)
		}
		if i = s.plainRun(text, word, emit); i > word {
			continue
		}
		end, linking, toFold := measure(text, i)
		run := text[i:end]
		i = end
		switch {
		case len(run) == 0:
		case toFold && fold:
			s.runs(s.fold(run, emit), false, emit)
		default:
			s.run(run, linking, emit)
		}
	}
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
	cut := false
	if len(w) > MaxWord {
		w, cut = shorten(w)
	}
	emit(Word, w, cut)
}

// shorten cuts a word behind MaxWord characters.
func shorten(w []byte) (short []byte, cut bool) {
	end := 0
	for range MaxWord {
		_, n := utf8.DecodeRune(w[end:])
		end += n
	}
	return w[:end], end < len(w)
}

// signMax is how much of a run of signs counts.
const signMax = 8

// emitSign gives a run of ASCII signs; most that stand alone say nothing.
func emitSign(s []byte, emit Emit) {
	if len(s) > 1 || alone[s[0]] {
		emit(Sign, s[:min(len(s), signMax)], false)
	}
}
