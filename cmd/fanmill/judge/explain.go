package judge

import (
	"context"

	"fanmill/classify"
	"fanmill/control"
	"fanmill/milter"
	"fanmill/store/query"
)

// Pieces is how many of the linear part's words an explanation names, here and with a
// held message.
const Pieces = 8

// explain puts into an answer why the message in s has its score.
func (j *Judge) explain(ctx context.Context, q control.ScoreRequest, s *classify.Stream, m classify.Model, out *control.ScoreReply) (classify.Score, error) {
	x := s.Explain(m, q.Clues, Pieces)
	out.Explanation = milter.Explanation(x)
	features := make([]uint64, len(x.Clues))
	for i, c := range x.Clues {
		features[i] = c.Feature
		out.Clues = append(out.Clues, control.Clue{Text: c.Text, Place: c.Place, Prob: c.Prob, Strength: c.Strength, Ham: c.Ham, Spam: c.Spam})
	}
	if q.Sources == 0 {
		return x.Score, nil
	}
	found, err := j.scorer.db.Sources(ctx, q.Scope, features, q.Sources)
	for i, rows := range found {
		out.Clues[i].Sources = sources(rows)
	}
	return x.Score, err
}

func sources(rows []query.Described) (out []control.Source) {
	for _, r := range rows {
		out = append(out, control.Source{Digest: r.Digest.String(), Class: r.Class.String(), Scope: r.Scope, Time: r.Time, Subject: r.Subject})
	}
	return out
}
