package words

import "unicode/utf8"

// Letters of other scripts that look like a Latin one (a selection from the
// confusables of Unicode Technical Standard 39), each followed by it.
const twinText = "аaеeоoрpсcуyхxіiјjѕsԁdһhԛqԝwѵvӏlүyһhАAВBЕEЅSІIЈJКKМMНHОOРPСCТTХXҮYԌGԚQԜWҺH" + // Cyrillic
	"αaοoνvρpιiκkτtυuχxγyεeΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧX" + // Greek
	"օoոnսuհhզqցgյjՕOՍUԼL" + // Armenian
	"ᎪAᏴBᏟCᎠDᎬEᏀGᎻHᎥIᎫJᏦKᏞLᎷMᏢPᎡRᏚSᎢTᏙVᎳWᏃZ" + // Cherokee
	"ɑaɡgɩiɪi" // phonetic

var (
	toLatin   = pairs(twinText)
	fromLatin = func() map[rune]rune {
		m := map[rune]rune{}
		for _, r := range "АВЕЅІЈКМНОРСТХУаеорсухіјѕ" { // Cyrillic only: others are not written with Latin letters in them
			if l, ok := toLatin[r]; ok {
				m[l] = r
			}
		}
		return m
	}()
)

// unmix gives the letters of a word of two scripts to one of them, if all of
// them look like letters of it: to Latin, else to Cyrillic ("крeдит" with a
// Latin e). The result is valid until the next call.
func (s *Splitter) unmix(w []byte, emit Emit) []byte {
	for _, twins := range [...]map[rune]rune{toLatin, fromLatin} {
		if out, ok := replaceTwins(s.word[:0], w, twins); ok {
			s.word = out
			emit(Trick, trickMixed, false)
			return out
		}
	}
	return w
}

// replaceTwins replaces letters that have a twin; ok: no letter is left of the
// script that is replaced.
func replaceTwins(dst, w []byte, twins map[rune]rune) (out []byte, ok bool) {
	toASCII := twins['a'] == 0
	for len(w) > 0 {
		r, n := utf8.DecodeRune(w)
		if t, found := twins[r]; found {
			dst = utf8.AppendRune(dst, t)
		} else {
			if toASCII && classOf(r)&hasTwins != 0 || !toASCII && isAlpha(w[0]) {
				return dst, false
			}
			dst = append(dst, w[:n]...)
		}
		w = w[n:]
	}
	return dst, true
}
