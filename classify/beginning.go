package classify

import (
	"slices"

	"fanmill/classify/words"
)

// The beginning of a message is its header, its markup and links, and the first words
// that a reader sees. Whoever sends spam can put as many words of good mail behind it as
// he likes; what he wants to be read stands in front. So where the counts would call the
// beginning spam by itself, what follows takes little of that back, and the good words
// that bury a short spam do not help it (figures in docs/accuracy.md).
//
// That is a matter of scoring. Training judges whole messages, for the ledger keeps their
// features in no order, and learns from what was put behind a spam too.

// beginningText is how many bytes of the words that are seen belong to the beginning,
// for plain text and HTML each.
const beginningText = 256

// Log-odds of a beginning. From beginningFull on (a score of 0.95) it is heard as it
// is, below with its doubt counted three times. It does not lift a score above
// beginningMost, so that by default mail is held for its beginning, never refused.
const (
	beginningFull = 3.0
	beginningMost = 5.0 // a score of 0.990
)

// heard is what the log-odds of a beginning count for.
func heard(z float64) float64 {
	return min(z, beginningFull-float64(3*(beginningFull-z)), beginningMost)
}

// textRoom is what a kind of text may still give.
type textRoom struct {
	words     int // bytes that give words
	beginning int // bytes of words that belong to the beginning
}

// textWord takes a word of the text in hand, and notes it if it is new and stands behind
// the beginning.
func (s *Stream) textWord(k words.Kind, w []byte, cut bool) {
	if s.room.beginning -= len(w) + 1; s.room.beginning >= 0 || k == words.URL || k == words.Mail {
		s.bodyWord(k, w, cut)
		return
	}
	if k == words.Word && !cut || k == words.Piece {
		s.script(w) // of its own, and first: what bodyWord adds is then the word, if anything
	}
	before, n := s.set.n, len(s.msg.Behind)
	s.bodyWord(k, w, cut)
	s.msg.Behind = append(s.msg.Behind, s.set.last)[:n+s.set.n-before] // whether it is new cannot be predicted: no branch
}

// ScoreMessage is Score for a message in hand, whose beginning is heard.
func (sc *Scorer) ScoreMessage(msg *Message, m Model) Score {
	return sc.Lift(sc.Score(msg.Features, msg.Grams, m), msg.Features, msg.Behind, m)
}

// Lift returns s, the score of a message with these features, after its beginning was
// heard: all features but those behind it, see Message.
func (sc *Scorer) Lift(s Score, features, behind []uint64, m Model) Score {
	if len(behind) == 0 || s.LogOdds >= beginningMost || Thin(m) {
		return s
	}
	z := heard(sc.join(sc.without(features, behind), s.L, m).LogOdds)
	if z > s.LogOdds {
		s.Beginning, s.LogOdds, s.P = z-s.LogOdds, z, report(z)
	}
	return s
}

// without returns the features that are not behind, of which each is among them; valid
// until the next call.
func (sc *Scorer) without(features, behind []uint64) []uint64 {
	sc.behind.reset(len(behind))
	for _, h := range behind {
		sc.behind.add(h)
	}
	behind = append(sc.behind.drain(), 0) // ascending, as the features are; none is behind the last
	sc.behind.list = behind
	list := slices.Grow(sc.beginning[:0], len(features))[:len(features)]
	n := 0
	for _, h := range features {
		list[n] = h
		here := 0
		if h != behind[0] { // no branch in machine code: which of them stand behind cannot be predicted
			here = 1
		}
		n += here
		behind = behind[1-here:]
	}
	sc.beginning = list
	return list[:n]
}
