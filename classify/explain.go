package classify

import "slices"

// Clues returns the n strongest clues of the message in hand, strongest first,
// with the texts recorded since EnableClues. Call it after Finish and before
// Reset.
func (s *Stream) Clues(c Model, n int) []Clue {
	features := s.msg.Features
	sc := &s.why
	counts := sc.look(features, c)
	sc.collect(counts, c.Totals())
	sc.strongest(n)
	slices.SortFunc(sc.clues, stronger)
	out := make([]Clue, 0, len(sc.clues))
	for _, cl := range sc.clues {
		k := counts[cl.index]
		out = append(out, Clue{
			Text: s.textOf(features[cl.index]), Prob: cl.f, Ham: k.Ham, Spam: k.Spam, Strength: cl.strength(),
		})
	}
	return out
}

func (s *Stream) textOf(h uint64) string {
	if s.set.texts == nil {
		return ""
	}
	return s.set.texts.text(h)
}

// Explain scores a stored message and names its n strongest clues.
func Explain(o Options, raw []byte, c Model, n int) (Score, []Clue) {
	s := NewStream(o)
	s.EnableClues()
	m := s.Stored(raw)
	var sc Scorer
	return sc.Score(m.Features, m.Grams, c), s.Clues(c, n)
}
