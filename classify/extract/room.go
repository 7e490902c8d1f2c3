package extract

import "fanmill/classify/words"

// beginningText is how many bytes of words belong to the beginning, of each field, and of
// the text that is seen, for plain text and HTML each.
const beginningText = 256

// textRoom is what a kind of text may still give.
type textRoom struct {
	words     int // bytes that give words
	beginning int // bytes of words that belong to the beginning
}

// textWord takes a word of the text in hand.
func (x *Extractor) textWord(k words.Kind, w []byte, cut bool) {
	x.room.beginning -= len(w) + 1
	x.set.SetBehind(x.room.beginning < 0 && k != words.URL && k != words.Mail)
	x.bodyWord(k, w, cut)
	x.set.SetBehind(false)
}
