package milter

import (
	"fanmill/classify"
	"fanmill/spool"
)

// model returns what a scope was taught, nil when explanations are not wanted or
// cannot be had.
func (m *message) model(scope string) classify.Model {
	x, ok := m.Scorer.(Explainer)
	if !ok || m.rules.Clues == 0 {
		return nil
	}
	model, err := x.Counts(scope)
	if err != nil {
		m.Logger.Warn("no clues for the message", "id", m.id, "scope", scope, "err", err)
		return nil
	}
	return model
}

// clues names the clues that decided the score in a scope.
func (m *message) clues(scope string, s classify.Score) []classify.Clue {
	model := m.model(scope)
	if model == nil {
		return nil
	}
	return m.stream.Clues(model, s, m.rules.Clues)
}

// explain puts down for a moderator why the message is held: its score in the scope
// it is held for, and what that added up from. Later the model will have learned, and
// would name other reasons.
func (m *message) explain(meta *spool.Meta, s classify.Score) {
	meta.Score, meta.LogOdds = s.P, s.LogOdds
	model := m.model(meta.Scope)
	if model == nil {
		return
	}
	x := m.stream.Explain(model, m.rules.Clues, m.rules.Pieces)
	meta.Clues = keptClues(x.Clues)
	if x.Score == s { // else something was learned meanwhile, and it is another score's sum
		meta.Explanation = Explanation(x)
	}
}

func keptClues(clues []classify.Clue) (out []spool.Clue) {
	for _, c := range clues {
		out = append(out, spool.Clue{Text: c.Text, Place: c.Place, Prob: c.Prob, Ham: c.Ham, Spam: c.Spam})
	}
	return out
}

// Explanation is an explanation in the form in which it is kept and shown.
func Explanation(x classify.Explanation) *spool.Explanation {
	e := &spool.Explanation{
		Counts: x.Counts, Second: x.Second, Linear: x.Linear, Bias: x.Bias, Own: x.Own, Thin: x.Thin, Beginning: x.Beginning, BeforeFloor: x.P,
		HamCounted: x.Totals.Ham, SpamCounted: x.Totals.Spam, Needed: classify.MinLabels, Borrowed: x.Borrowed,
		CountsOpinion: x.Score.C, ClueCount: x.Score.Clues, HamTail: x.HamTail, SpamTail: x.SpamTail,
		SecondOpinion: x.Score.E, LinearOpinion: x.Score.L,
		Pieces: make([]spool.Piece, len(x.Pieces)), Rest: spool.Piece(x.Rest), Others: x.Others,
	}
	for i, p := range x.Pieces {
		e.Pieces[i] = spool.Piece(p)
	}
	return e
}
