package extract

import (
	"fanmill/classify/feature"
	"fanmill/classify/words"
)

// beginningText is how many bytes of words belong to the beginning, of each field, and of
// the text that is seen, for plain text and HTML each.
const beginningText = 256

// beginningLinks is how many bytes of links and addresses in the body belong to the
// beginning, wherever they stand: spam often has its link at the end, but a hundred links
// of good mail hide it as a hundred words would.
const beginningLinks = 512

// textRoom is what a kind of text may still give.
type textRoom struct {
	words     int // bytes that give words
	beginning int // bytes of words that belong to the beginning
}

// textWord takes a word of the text in hand.
func (x *Extractor) textWord(k words.Kind, w []byte, cut bool) {
	switch k {
	case words.URL, words.Mail: // have room of their own
		x.bodyWord(k, w, cut)
		return
	case words.Piece: // of text without blanks: the next one begins with half of it
		x.room.beginning -= len(w) / 2
	default:
		x.room.beginning -= len(w) + 1
	}
	x.set.At(x.textPlace | behindIf(x.room.beginning < 0))
	x.bodyWord(k, w, cut)
	x.set.At(feature.Beginning)
}

// nextLink takes a link or an address of n bytes: what is added until endLink stands behind
// the beginning if the body has had many. Those of header fields stand where their words do.
func (x *Extractor) nextLink(n int) {
	if x.inBody {
		x.linkRoom -= n + 1
		x.set.At(behindIf(x.linkRoom < 0))
	}
}

func (x *Extractor) endLink() { x.set.At(feature.Beginning) }

func behindIf(is bool) feature.Place {
	if is {
		return feature.Behind
	}
	return feature.Beginning
}
