package words

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// What fold does with a character.
const (
	keep       uint8 = iota
	compose          // keep it, and put the run into normal form NFC
	apostrophe       // ' instead
	hyphen           // - instead
	colon            // : instead
	drop             // it is not seen, and says nothing
	stretch          // it only makes a word wider
	invisible        // zero-width characters
	softHyphen       // seen at the end of a line only
	bidi             // marks of the writing direction
	override         // turns the direction of what follows
	strike           // a line through the letter before
	wide             // full-width ASCII other than punctuation
	plainForm        // another form of the same letters: ligatures, Arabic and kana forms
	decorative       // mathematical, enclosed, raised and small capital letters
)

// trickNames are what Trick says of them. Invisible characters and those of the
// writing direction are tricks only where the script has no use for them.
var trickNames = [...][]byte{
	invisible: []byte("zero-width"), softHyphen: []byte("soft hyphen"), bidi: []byte("bidi mark"), override: []byte("bidi override"),
	strike: []byte("struck through"), wide: []byte("full-width"), decorative: []byte("decorative letters"), stretch: []byte("stretched"),
}

var (
	trickMixed   = []byte("mixed scripts")
	trickApart   = []byte("letters apart")
	trickNothing = []byte("invisible text")
)

// nothingMin is how many runs without anything to be seen are a trick: mailers
// pad the preview of a message with them.
const nothingMin = 3

// smallCapitals are phonetic letters that look like capitals of small size, each
// followed by the letter meant.
var smallCapitals = pairs("ᴀaʙbᴄcᴅdᴇeꜰfɢgʜhɪiᴊjᴋkʟlᴍmɴnᴏoᴘpʀrꜱsᴛtᴜuᴠvᴡwʏyᴢz")

// pairs makes a map of a string in which every second character is the value of
// the one before it.
func pairs(text string) map[rune]rune {
	m := map[rune]rune{}
	r := []rune(text)
	for i := 0; i+1 < len(r); i += 2 {
		m[r[i]] = r[i+1]
	}
	return m
}

// foldKind says what to do with a character.
func foldKind(r rune) uint8 {
	switch {
	case r == 0xad:
		return softHyphen
	case r == 0x200e || r == 0x200f || r == 0x61c, r >= 0x202a && r <= 0x202c, r >= 0x2066 && r <= 0x2069:
		return bidi
	case r == 0x202d || r == 0x202e:
		return override
	case r == 0x34f || r == 0x115f || r == 0x1160 || r == 0x3164 || r == 0xffa0 || r == 0xfeff,
		r >= 0x180b && r <= 0x180e, r >= 0x200b && r <= 0x200d, r >= 0x2060 && r <= 0x2065, r >= 0xe0000 && r <= 0xe007f:
		return invisible
	case r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0100 && r <= 0xe01ef, r >= 0x206a && r <= 0x206f:
		return drop
	case r == 0x640:
		return stretch
	case r >= 0x334 && r <= 0x338, r >= 0x20d0 && r <= 0x20ff:
		return strike
	case r == 0x2018 || r == 0x2019 || r == 0x2bc:
		return apostrophe
	case r == 0x2010 || r == 0x2011:
		return hyphen
	case r == '：':
		return colon
	case r >= 0xff01 && r <= 0xff5e && !widePunctuation(r):
		return wide
	}
	if k := formKind(r); k != keep {
		return k
	}
	if composes(r) {
		return compose
	}
	return keep
}

// widePunctuation tells whether full-width is how East Asia writes a sign.
func widePunctuation(r rune) bool {
	switch r {
	case '！', '（', '）', '，', '；', '？', '～':
		return true
	}
	return false
}

// formKind finds forms of letters that Unicode has for other uses. Signs that
// stand for more than one letter (such as the trade mark) stay as they are.
func formKind(r rune) uint8 {
	switch {
	case r < 0x250, r >= 0x370 && r < 0x1d00: // no form among the common scripts
		return keep
	case r >= 0xfb00 && r <= 0xfb06, r >= 0xfb50 && r <= 0xfdff, r >= 0xfe70 && r <= 0xfefc, r >= 0xff61 && r <= 0xff9f:
		if norm.NFKC.PropertiesString(string(r)).Decomposition() != nil {
			return plainForm
		}
	case smallCapitals[r] != 0, r >= 0x1f150 && r <= 0x1f169, r >= 0x1f170 && r <= 0x1f189:
		return decorative
	case r >= 0x2b0 && r <= 0x2b8, r >= 0x2e0 && r <= 0x2e4, r >= 0x1d2c && r <= 0x1d6a, r >= 0x1d9b && r <= 0x1dbf, r == 0x2071, r == 0x207f,
		r >= 0x2090 && r <= 0x209c, r >= 0x2100 && r <= 0x214f, r >= 0x2160 && r <= 0x217f, r >= 0x2460 && r <= 0x24ff, r >= 0x1d400 && r <= 0x1d7ff,
		r >= 0x1f110 && r <= 0x1f14f:
		if _, ok := plainLetter(r, []byte(string(r))); ok {
			return decorative
		}
	}
	return keep
}

// plainLetter returns the one letter or digit that a decorative one, in UTF-8 raw,
// stands for.
func plainLetter(r rune, raw []byte) (rune, bool) {
	switch {
	case r >= 0x1f150 && r <= 0x1f169:
		return r - 0x1f150 + 'A', true
	case r >= 0x1f170 && r <= 0x1f189:
		return r - 0x1f170 + 'A', true
	}
	if c := smallCapitals[r]; c != 0 {
		return c, true
	}
	var found rune
	for _, d := range string(norm.NFKC.Properties(raw).Decomposition()) {
		switch {
		case d == '(' || d == ')' || d == '.':
		case found == 0 && kindOf(d) <= digit:
			found = d
		default:
			return 0, false
		}
	}
	return found, found != 0 && found != r
}

// fold returns a run with what is described above undone, and tells of tricks.
// The result may hold blanks, and is valid until the next call.
func (s *Splitter) fold(b []byte, emit Emit) []byte {
	i := foldAt(b, 0)
	if i == len(b) {
		return b
	}
	f := folder{out: append(s.folded[:0], b[:i]...)}
	for i < len(b) {
		_, n := utf8.DecodeRune(b[i:])
		f.char(b[i:i+n], b[i+n:])
		i += n
		end := foldAt(b, i)
		f.out = append(f.out, b[i:end]...)
		i = end
	}
	s.folded = f.out
	for k, name := range trickNames {
		if name != nil && f.tricks&(1<<k) != 0 {
			emit(Trick, name, false)
		}
	}
	if len(f.out) == 0 {
		if s.nothing++; s.nothing == nothingMin {
			emit(Trick, trickNothing, false)
		}
	}
	if f.compose && !norm.NFC.IsNormal(f.out) {
		s.normal = norm.NFC.Append(s.normal[:0], f.out...)
		return s.normal
	}
	return f.out
}

// foldAt finds the next character from i on that is to be folded.
func foldAt(b []byte, i int) int {
	for i < len(b) {
		c, n := flagsAt(b[i:])
		if c&toFold != 0 {
			break
		}
		i += n
	}
	return i
}

// folder is the work of one fold.
type folder struct {
	out     []byte
	tricks  uint32 // bits by what was done
	compose bool
}

// char folds one character; rest follows it.
func (f *folder) char(raw, rest []byte) {
	r, _ := utf8.DecodeRune(raw)
	k := foldOf(r)
	switch k {
	case compose:
		f.out = append(f.out, raw...)
		f.compose = true
	case apostrophe:
		f.out = append(f.out, '\'')
	case hyphen:
		f.out = append(f.out, '-')
	case colon:
		f.out = append(f.out, ':')
	case wide:
		f.out = append(f.out, byte(r-0xff01+'!'))
	case decorative:
		plain, _ := plainLetter(r, raw)
		f.out = utf8.AppendRune(f.out, plain)
	case plainForm:
		f.out = append(f.out, norm.NFKC.Properties(raw).Decomposition()...)
		f.compose = true // a kana and its voiced mark are two half-width ones
	case invisible, softHyphen, bidi:
		if !insideWord(f.out, rest) {
			return
		}
	}
	f.tricks |= 1 << k
}

// insideWord tells whether both sides are letters of Latin or a script like it,
// which have no use for marks that are not seen.
func insideWord(before, after []byte) bool {
	a, _ := utf8.DecodeLastRune(before)
	b, _ := utf8.DecodeRune(after)
	return european(a) && european(b)
}

func european(r rune) bool {
	k := kindOf(r)
	return (r < 0x590 || r >= 0x1e00 && r < 0x2000) && (k <= digit || k == mark)
}
