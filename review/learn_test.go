package review

import (
	"context"
	"testing"

	"fanmill/classify"
	"fanmill/spool"
	"fanmill/store"
	"fanmill/training"
)

// ledger learns into a real store, as the program does.
type ledger struct{ db *store.DB }

func (l ledger) Learn(ctx context.Context, c classify.Verdict, raw []byte, scope, actor string) (string, error) {
	class := store.Ham
	if c == classify.Spam {
		class = store.Spam
	}
	t := training.New(l.db, training.Options{Scope: scope, Origin: store.Origin{Actor: actor, Source: "held"}})
	r, err := t.Learn(ctx, class, raw)
	return r.Outcome.String(), err
}

// TestLearningTwiceIsOnce: the release fails after the learning, and the second
// decision finds the message learned.
func TestLearningTwiceIsOnce(t *testing.T) {
	b := setUp(t)
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	b.o.Learner = ledger{db}
	b.h.data = answer(451)
	m := b.hold(t, text, func(m *spool.Meta) { m.Scope = "" })
	for i, want := range []struct {
		learned string
		gone    bool
	}{{"learned", false}, {"seen before", true}} {
		d, err := b.Decide(t.Context(), m.ID, Ham, "anna")
		if d.Learned != want.learned || d.Gone != want.gone || (err == nil) != want.gone {
			t.Errorf("decision %d: %+v, %v", i, d, err)
		}
		b.h.data = nil
	}
	if l, err := db.Labels(""); err != nil || l.Ham != 1 || l.Spam != 0 {
		t.Errorf("the ledger has %+v, %v", l, err)
	}
}
