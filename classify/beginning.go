package classify

import "slices"

// The beginning of a message is the first words of each header field, its markup and first
// links, and the first words of the text that a reader sees (extract/room.go). Whoever sends
// spam can put as many words and links of good mail behind it as he likes; what he wants to
// be read stands in front. So where the counts would call the beginning spam by itself, what
// follows takes little of that back, and good words that bury a short spam do not help it
// (figures in docs/accuracy.md).
//
// That is a matter of scoring. Training judges whole messages, for the ledger keeps their
// features in no order, and learns from what was put behind a spam too.

// Log-odds of a beginning. From beginningFull on (a score of 0.97) it is heard as it
// is, below with its doubt counted three times. It does not lift a score above
// beginningMost, so that by default mail is held for its beginning, never refused.
const (
	beginningFull = 3.5
	beginningMost = 5.0 // a score of 0.990
)

// heard is what the log-odds of a beginning count for.
func heard(z float64) float64 {
	return min(z, beginningFull-float64(3*(beginningFull-z)), beginningMost)
}

// ScoreMessage is Score for a message in hand, whose beginning is heard.
func (sc *Scorer) ScoreMessage(msg *Message, m Model) Score {
	return sc.Lift(sc.Score(msg.Features, msg.Grams, m), msg.Features, msg.Behind, m)
}

// Lift returns s, the score of a message with these features, after its beginning was
// heard: the features that do not stand behind it, see Message. Without behind nothing is
// known of that.
func (sc *Scorer) Lift(s Score, features []uint64, behind []uint8, m Model) Score {
	if len(behind) == 0 || s.LogOdds >= beginningMost || Thin(m) {
		return s
	}
	begin := sc.without(features, behind)
	if len(begin) == len(features) {
		return s
	}
	if z := heard(sc.join(begin, s.L, m).LogOdds); z > s.LogOdds {
		s.Beginning, s.LogOdds, s.P = z-s.LogOdds, z, report(z)
	}
	return s
}

// without returns the features that do not stand behind, valid until the next call.
func (sc *Scorer) without(features []uint64, behind []uint8) []uint64 {
	list, n := slices.Grow(sc.beginning[:0], len(features))[:len(features)], 0
	for i, h := range features { // no branch on where they stand, which cannot be predicted
		list[n] = h
		n += 1 - int(behind[i])
	}
	sc.beginning = list
	return list[:n]
}
