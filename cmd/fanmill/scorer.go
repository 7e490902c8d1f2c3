package main

import (
	"sync"

	"fanmill/classify"
	"fanmill/milter"
	"fanmill/store"
)

// heldClues is how many clues are kept with a held message.
const heldClues = 15

// scorer scores what the milter has read, by the model in memory. It is safe
// for concurrent use.
type scorer struct {
	db   *store.DB
	set  func() *settings // in force now
	pool sync.Pool        // of *classify.Scorer, which keep their buffers
}

var (
	_ milter.Scorer    = (*scorer)(nil)
	_ milter.Explainer = (*scorer)(nil)
	_ milter.Trainee   = (*scorer)(nil)
)

// Score is milter.Scorer.
func (s *scorer) Score(m *classify.Message, scope string) (classify.Score, bool, error) {
	model, err := s.db.Model(scope)
	if err != nil {
		return classify.Score{}, false, err
	}
	labels := model.Known()
	return s.score(m, model), s.set().rules.Trained(labels.Ham, labels.Spam), nil
}

// Trained is milter.Trainee.
func (s *scorer) Trained() bool {
	labels, err := s.db.Labels("")
	return err == nil && s.set().rules.Trained(labels.Ham, labels.Spam)
}

// Counts is milter.Explainer.
func (s *scorer) Counts(scope string) (classify.Model, error) { return s.db.Model(scope) }

func (s *scorer) score(msg *classify.Message, m classify.Model) classify.Score {
	sc, _ := s.pool.Get().(*classify.Scorer)
	if sc == nil {
		sc = new(classify.Scorer)
	}
	defer s.pool.Put(sc)
	return sc.Score(msg.Features, msg.Grams, m)
}

// preload reads the scopes that have training, so that no message waits for it.
func (s *scorer) preload() error {
	names, err := s.db.Scopes()
	if err != nil {
		return err
	}
	for _, n := range names {
		if _, err := s.db.Model(n); err != nil {
			return err
		}
	}
	return nil
}
