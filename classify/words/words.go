// Package words cuts text into the words that become features: words by the
// rules of Unicode (UAX 29), runs of scripts written without spaces as pairs of
// characters, runs of signs such as "!!!", and links taken out whole.
package words

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
)

// Kind tells what a piece of text is.
type Kind uint8

// The kinds.
const (
	Word Kind = iota
	Pair      // two neighbouring characters of a script without spaces
	Sign      // a run of punctuation or symbols
	URL       // http://..., www....
	Mail      // an address
)

// MaxWord is the longest word, in bytes, that is given out whole.
const MaxWord = 40

// Split calls emit for each piece of text (UTF-8), in order. Long words are
// given out cut at MaxWord bytes with cut set.
func Split(text []byte, emit func(k Kind, word []byte, cut bool)) {
	for len(text) > 0 {
		i := 0
		for i < len(text) && kind[text[i]] == blank {
			i++
		}
		text = text[i:]
		n, ascii, at := chunk(text)
		if n == 0 {
			return
		}
		split(text[:n], ascii, at, emit)
		text = text[n:]
	}
}

// chunk measures the run up to the next blank or control character.
func chunk(b []byte) (n int, ascii, at bool) {
	ascii = true
	for n < len(b) {
		switch kind[b[n]] {
		case blank:
			return n, ascii, at
		case high:
			ascii = false
		case linking:
			at = at || b[n] != '.' || n >= 3 && string(b[n-3:n]) == "www"
		}
		n++
	}
	return n, ascii, at
}

// kind of a byte as chunk sees it.
const (
	plain   = iota
	blank   // blanks and control characters end a run
	high    // part of a character that is not ASCII
	linking // @ / . may belong to a link or an address
)

var kind = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c <= ' ' || c == 0x7f:
			t[c] = blank
		case c >= 0x80:
			t[c] = high
		}
	}
	t['@'], t['/'], t['.'] = linking, linking, linking
	return t
}()

func split(b []byte, ascii, at bool, emit func(Kind, []byte, bool)) {
	if at {
		// So much must be left of a run that a scheme or its slashes can be in
		// it: looking through the rest again behind each of many links would
		// take time that grows with the square of their number.
		scheme := len(b) - bytes.LastIndex(b, []byte("://"))
		slashes := len(b) - bytes.LastIndex(b, []byte("//"))
		for {
			pre, u, post, ok := cutURL(b, len(b) >= scheme)
			if !ok {
				break
			}
			splitPlain(pre, ascii, emit)
			emit(URL, u, false)
			b, at = post, len(post) >= slashes
			if !at {
				break
			}
		}
	}
	if at && ascii {
		if a := bytes.Trim(b, "<>()[]{}\"',;:.!?*"); isMail(a) {
			emit(Mail, a, false)
			return
		}
	}
	splitPlain(b, ascii, emit)
}

// splitPlain splits a run of text without links.
func splitPlain(b []byte, ascii bool, emit func(Kind, []byte, bool)) {
	if ascii {
		splitASCII(b, emit)
		return
	}
	splitUnicode(b, emit)
}

// cutURL finds a link in a run of text; www.x counts at the run's start. Without
// scheme there is no "://" in it.
func cutURL(b []byte, scheme bool) (pre, u, post []byte, ok bool) {
	start, i := -1, -1
	if scheme {
		i = bytes.Index(b, []byte("://"))
	}
	if i >= 0 {
		start = i
		for start > 0 && isAlpha(b[start-1]) {
			start--
		}
		if start == i {
			start = -1
		}
	} else if i := bytes.Index(b, []byte("www.")); i >= 0 {
		start = i
	}
	if start < 0 {
		return nil, nil, nil, false
	}
	end := start
	for end < len(b) && !bytes.ContainsRune([]byte(`<>"'(){}[]|`+"`"), rune(b[end])) {
		end++
	}
	for end > start && bytes.IndexByte([]byte(".,;:!?*_"), b[end-1]) >= 0 {
		end--
	}
	if end-start < 5 {
		return nil, nil, nil, false
	}
	return b[:start], b[start:end], b[end:], true
}

func isMail(b []byte) bool {
	at := bytes.IndexByte(b, '@')
	return at > 0 && at < len(b)-3 && len(b) <= 100 && bytes.IndexByte(b[at+1:], '.') > 0 && bytes.IndexByte(b[at+1:], '@') < 0
}

// class of an ASCII byte in UAX 29 terms.
const (
	other = iota
	letter
	digit
	midLetter // between letters: : . '
	midNum    // between digits: , ;
	midBoth   // . ' join either
	joiner    // _
)

var classOf = func() (t [128]uint8) {
	for c := range t {
		switch {
		case isAlpha(byte(c)):
			t[c] = letter
		case c >= '0' && c <= '9':
			t[c] = digit
		}
	}
	t['.'], t['\''] = midBoth, midBoth
	t[':'] = midLetter
	t[','], t[';'] = midNum, midNum
	t['_'] = joiner
	return t
}()

// splitASCII applies the rules of UAX 29 (WB5 to WB13b) to a run of ASCII, and
// keeps a hyphen or apostrophe inside a word as the mailer's users write them.
func splitASCII(b []byte, emit func(Kind, []byte, bool)) {
	for i := 0; i < len(b); {
		c := classOf[b[i]]
		j := i + 1
		if c != letter && c != digit && c != joiner {
			for j < len(b) && classOf[b[j]] != letter && classOf[b[j]] != digit && classOf[b[j]] != joiner {
				j++
			}
			emitSign(b[i:j], emit)
			i = j
			continue
		}
		for j < len(b) {
			n := classOf[b[j]]
			if n == letter || n == digit || n == joiner {
				j++
				continue
			}
			if j+1 < len(b) && joins(classOf[b[j-1]], n, classOf[b[j+1]]) {
				j += 2
				continue
			}
			break
		}
		emitWord(b[i:j], emit)
		i = j
	}
}

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

func emitWord(w []byte, emit func(Kind, []byte, bool)) {
	if len(w) > MaxWord {
		cut := w[:MaxWord]
		for len(cut) > 0 && !utf8.RuneStart(w[len(cut)]) {
			cut = cut[:len(cut)-1]
		}
		emit(Word, cut, true)
		return
	}
	emit(Word, w, false)
}

func emitSign(s []byte, emit func(Kind, []byte, bool)) {
	if len(s) > 8 {
		s = s[:8]
		for len(s) > 0 && !utf8.Valid(s) {
			s = s[:len(s)-1]
		}
	}
	if len(s) > 1 || (len(s) == 1 && bytes.IndexByte([]byte("!?$%#*+&=@"), s[0]) >= 0) {
		emit(Sign, s, false)
	}
}

// splitUnicode segments a run that holds other than ASCII.
func splitUnicode(b []byte, emit func(Kind, []byte, bool)) {
	var prev []byte // the last character of a script without spaces
	seg := words.FromBytes(b)
	for seg.Next() {
		w := seg.Value()
		r, size := utf8.DecodeRune(w)
		switch {
		case unspaced(r):
			for len(w) > 0 {
				_, size = utf8.DecodeRune(w)
				if prev != nil {
					emit(Pair, pairOf(b, prev, w[:size]), false)
				}
				prev = w[:size]
				w = w[size:]
			}
			continue
		case unicode.IsLetter(r) || unicode.IsNumber(r) || r == '_':
			emitWord(w, emit)
		case size == len(w) && (unicode.IsSymbol(r) || r < 0x80):
			emitSign(w, emit)
		}
		if prev != nil && !unspaced(r) {
			prev = nil
		}
	}
}

// pairOf returns the bytes from a to the end of c, which follows a in b.
func pairOf(b, a, c []byte) []byte {
	start := cap(b) - cap(a)
	end := cap(b) - cap(c) + len(c)
	return b[start:end]
}

// unspaced tells whether a character belongs to a script written without
// spaces between words, for which UAX 29 has no word rules of use.
func unspaced(r rune) bool {
	if r < 0x0e00 {
		return false
	}
	return r >= 0x3040 && r <= 0x30ff || r >= 0x3400 && r <= 0x9fff || r >= 0x0e00 && r <= 0x0eff ||
		r >= 0x1000 && r <= 0x109f || r >= 0x1780 && r <= 0x17ff || r >= 0xf900 && r <= 0xfaff ||
		r >= 0xff66 && r <= 0xff9d || r >= 0x20000 && r <= 0x3ffff
}

func isAlpha(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
