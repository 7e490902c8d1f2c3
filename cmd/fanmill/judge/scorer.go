package judge

import (
	"log/slog"
	"sync"
	"time"

	"fanmill/classify"
	"fanmill/cmd/fanmill/settings"
	"fanmill/milter"
	"fanmill/store"
)

// Scorer scores what the milter has read, by the model in memory; scopes are read there
// while a message comes in. It is safe for concurrent use.
type Scorer struct {
	db   *store.DB
	set  func() *settings.Settings // in force now
	log  *slog.Logger
	pool sync.Pool // of *classify.Scorer, which keep their buffers

	mu      sync.Mutex
	loading map[string]chan struct{} // by scope; closed when it is there, or cannot be had
}

// maxLoading bounds how many scopes are read at once: the recipients of one message.
const maxLoading = 1000

var (
	_ milter.Scorer    = (*Scorer)(nil)
	_ milter.Explainer = (*Scorer)(nil)
	_ milter.Trainee   = (*Scorer)(nil)
	_ milter.Loader    = (*Scorer)(nil)
)

// NewScorer returns a scorer by the ledger. set gives the settings in force.
func NewScorer(db *store.DB, set func() *settings.Settings, log *slog.Logger) *Scorer {
	return &Scorer{db: db, set: set, log: log}
}

// Score is milter.Scorer.
func (s *Scorer) Score(m *classify.Message, scope string) (classify.Score, store.Labels, error) {
	model, err := s.model(scope)
	if err != nil {
		return classify.Score{}, store.Labels{}, err
	}
	return s.score(m, model), model.Known(), nil
}

// Taught is milter.Trainee.
func (s *Scorer) Taught() store.Labels {
	labels, err := s.db.Labels("")
	if err != nil {
		return store.Labels{}
	}
	return labels
}

// Counts is milter.Explainer.
func (s *Scorer) Counts(scope string) (classify.Model, error) { return s.model(scope) }

// model returns the model of a scope as far as it is in memory, else the site's.
func (s *Scorer) model(scope string) (*store.Model, error) {
	if m, ok := s.db.Loaded(scope); ok {
		return m, nil
	}
	s.log.Warn("a scope was not read in time, judging by the site's training", "scope", scope)
	return s.db.Model("")
}

// Load is milter.Loader.
func (s *Scorer) Load(scope string) {
	if _, ok := s.db.Loaded(scope); ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loading[scope] != nil || len(s.loading) >= maxLoading {
		return
	}
	if s.loading == nil {
		s.loading = make(map[string]chan struct{})
	}
	done := make(chan struct{})
	s.loading[scope] = done
	go func() {
		if _, err := s.db.Model(scope); err != nil {
			s.log.Error("cannot read a scope", "scope", scope, "error", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.loading, scope)
		close(done)
	}()
}

// Await is milter.Loader.
func (s *Scorer) Await(scopes []string, most time.Duration) {
	timeout := time.NewTimer(most)
	defer timeout.Stop()
	for _, scope := range scopes {
		s.mu.Lock()
		done := s.loading[scope]
		s.mu.Unlock()
		if done == nil {
			continue
		}
		select {
		case <-done:
		case <-timeout.C:
			return
		}
	}
}

func (s *Scorer) score(msg *classify.Message, m classify.Model) classify.Score {
	sc, _ := s.pool.Get().(*classify.Scorer)
	if sc == nil {
		sc = new(classify.Scorer)
	}
	defer s.pool.Put(sc)
	return sc.ScoreMessage(msg, m)
}
