// Package judge scores and learns single messages by a ledger that is open in this
// process: what stands behind the daemon's milter and its control socket, and what
// commands use where no daemon runs.
package judge

import (
	"context"
	"fmt"
	"io"

	"fanmill/classify"
	"fanmill/control"
	"fanmill/store"
	"fanmill/store/ledger"
	"fanmill/training"
)

// Judge answers what can be asked about single messages, and undoes what was decided
// about them. It is safe for concurrent use.
type Judge struct {
	scorer *Scorer
	recall Recall // for Learn by an id
}

var _ control.Judge = (*Judge)(nil)

// New returns a judge by the scorer's ledger and settings. The zero Recall knows
// no message by its id.
func New(s *Scorer, r Recall) *Judge { return &Judge{s, r} }

// Score scores the message, and says why when clues are asked for.
func (j *Judge) Score(ctx context.Context, q control.ScoreRequest, msg io.Reader) (control.ScoreReply, error) {
	set := j.scorer.set()
	var err error
	if q.Scope, err = set.Scope(q.Scope); err != nil {
		return control.ScoreReply{}, err
	}
	s := classify.NewStream(set.Classify)
	if q.Clues > 0 {
		s.EnableClues()
	}
	m, err := classify.Read(s, msg)
	if err != nil {
		return control.ScoreReply{}, err
	}
	model, err := j.scorer.db.Model(q.Scope)
	if err != nil {
		return control.ScoreReply{}, err
	}
	out := control.ScoreReply{Path: q.Path, Digest: m.Digest.String(), Size: m.Size, Scope: q.Scope}
	var score classify.Score
	if q.Clues == 0 {
		score = j.scorer.score(m, model)
	} else if score, err = j.explain(ctx, q, s, model, &out); err != nil {
		return control.ScoreReply{}, err
	}
	out.Verdict, out.Score, out.LogOdds = set.Policy.Cutoffs.Verdict(score.P).String(), score.P, score.LogOdds
	return out, nil
}

// Learn teaches the message. Only what the ledger keeps of it is kept in
// memory.
func (j *Judge) Learn(ctx context.Context, q control.LearnRequest, msg io.Reader) (control.LearnReply, error) {
	set := j.scorer.set()
	var err error
	if q.Scope, err = set.Scope(q.Scope); err != nil {
		return control.LearnReply{}, err
	}
	source := "learn"
	if q.Many {
		source = "train"
	}
	o := set.Trainer(q.Scope, store.Origin{Actor: q.Actor, Source: source}, j.scorer.log)
	co := set.Classify
	if q.Scope == "" && !o.FeaturesOnly {
		co.Keep = ledger.MaxMessage
	}
	stream := classify.NewStream(co)
	out := control.LearnReply{ID: q.ID}
	var m *classify.Message
	if q.ID != "" {
		m, out.Held, err = j.recall.message(ctx, q, stream)
	} else {
		m, err = classify.Read(stream, msg)
	}
	if err != nil {
		return control.LearnReply{}, err
	}
	r, err := teach(ctx, training.New(j.scorer.db, o), q, m)
	if err != nil {
		return control.LearnReply{}, err
	}
	out.Result, out.Digest = r.Outcome.String(), r.Digest.String()
	return out, nil
}

func teach(ctx context.Context, t *training.Trainer, q control.LearnRequest, m *classify.Message) (training.Result, error) {
	learn := t.LearnMessage
	if q.Many {
		learn = t.RecordMessage
	}
	switch q.Class {
	case "ham":
		return learn(ctx, store.Ham, m)
	case "spam":
		return learn(ctx, store.Spam, m)
	case "forget":
		return t.ForgetDigest(ctx, m.Digest)
	}
	return training.Result{}, fmt.Errorf("%w: class %q", control.ErrRequest, q.Class)
}

// Settle learns what was recorded.
func (j *Judge) Settle(ctx context.Context, scope, actor string) (training.Settled, error) {
	set := j.scorer.set()
	scope, err := set.Scope(scope)
	if err != nil {
		return training.Settled{}, err
	}
	o := set.Trainer(scope, store.Origin{Actor: actor, Source: "train"}, j.scorer.log)
	return training.New(j.scorer.db, o).Settle(ctx)
}

// Undo takes decisions back.
func (j *Judge) Undo(ctx context.Context, q control.UndoRequest) (control.UndoReply, error) {
	return TakeBack(ctx, j.scorer.db, q, nil)
}
