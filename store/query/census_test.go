package query_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/query"
	"fanmill/store/storetest"
)

// TestCensus: labels of every scope, with how many count, wait, and are kept in part.
func TestCensus(t *testing.T) {
	db := open(t)
	if list, err := db.Census(t.Context()); err != nil || len(list) != 0 {
		t.Fatalf("an empty ledger: %v, %v", list, err)
	}
	cut, waits, anna := storetest.Message(4, store.Spam, 1), storetest.Message(5, store.Ham, 0), storetest.Message(6, store.Ham, 1)
	cut.Complete = false
	waits.Waits, waits.Step = true, 0
	anna.Scope = "anna"
	storetest.Learn(t, db.Update, storetest.Message(1, store.Ham, 1), storetest.Message(2, store.Ham, 0), storetest.Message(3, store.Spam, 2), cut, waits, anna, storetest.Message(7, store.Spam, 1))
	storetest.Forget(t, db.Update, "", storetest.Digest(7))
	counts := storetest.Message(8, model.SpamCounts, 12) // of another filter: no label
	counts.Step = 0
	storetest.Learn(t, db.Update, counts)
	list, err := db.Census(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	for i, want := range []query.Census{
		{Labels: store.Labels{Ham: 3, Spam: 2, HamAdds: 1, SpamAdds: 15, Waiting: 1, Imported: 12}, Partial: 1},
		{Scope: "anna", Labels: store.Labels{Ham: 1, HamAdds: 1}, Partial: 1}, // a user's messages are not kept
	} {
		got := list[i]
		if time.Since(got.Last) > time.Hour {
			t.Errorf("%q: last changed %v", got.Scope, got.Last)
		}
		got.Last = time.Time{}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestLastTraining(t *testing.T) {
	db := open(t)
	if _, err := db.LastTraining(t.Context(), ""); !errors.Is(err, ledger.ErrNoRow) {
		t.Errorf("nothing was trained: %v", err)
	}
	storetest.Learn(t, db.Update, storetest.Message(1, store.Ham, 1), storetest.Message(2, store.Spam, 1))
	storetest.Forget(t, db.Update, "", storetest.Digest(1)) // is no training
	op, err := db.LastTraining(t.Context(), "")
	if err != nil || op.Seq != 2 || op.After.Class != store.Spam {
		t.Errorf("%+v, %v", op, err)
	}
	if _, err := db.LastTraining(t.Context(), "anna"); !errors.Is(err, ledger.ErrNoRow) {
		t.Errorf("the site's training is not a user's: %v", err)
	}
}

func TestGrowth(t *testing.T) {
	db := open(t)
	storetest.Learn(t, db.Update, storetest.Message(1, store.Ham, 1), storetest.Message(2, store.Spam, 1))
	between := time.Now()
	storetest.Learn(t, db.Update, storetest.Message(3, store.Ham, 1), storetest.Message(2, store.Ham, 1)) // one new, one flipped
	for _, c := range []struct {
		since  time.Time
		recent int64
	}{{time.Time{}, 3}, {between, 1}, {time.Now().Add(time.Hour), 0}} {
		all, recent, err := db.Growth(t.Context(), c.since)
		if err != nil || all != 3 || recent != c.recent {
			t.Errorf("since %v: %d of %d, %v", c.since, recent, all, err)
		}
	}
}

// TestCheckEnds: a check can be broken off.
func TestCheckEnds(t *testing.T) {
	db := open(t)
	storetest.Learn(t, db.Update, storetest.Message(1, store.Ham, 1))
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Errorf("after a check that was broken off: %v", err)
	}
}

// TestLabelledNewest: of labelled messages those recorded last, in the order of
// recording.
func TestLabelledNewest(t *testing.T) {
	db := open(t)
	storetest.Learn(t, db.Update, storetest.Message(1, store.Ham, 1), storetest.Message(2, store.Spam, 1), storetest.Message(3, store.Ham, 1), storetest.Message(4, store.Spam, 0))
	storetest.Forget(t, db.Update, "", storetest.Digest(3))
	for limit, want := range map[int][]int{1: {4}, 2: {2, 4}, 3: {1, 2, 4}, 10: {1, 2, 4}} {
		var got []classify.Digest
		err := db.LabelledNewest(t.Context(), "", limit, func(row *store.Row) error {
			got = append(got, row.Digest)
			return nil
		})
		wanted := make([]classify.Digest, len(want))
		for i, n := range want {
			wanted[i] = storetest.Digest(n)
		}
		if err != nil || !slices.Equal(got, wanted) {
			t.Errorf("limit %d: %v, %v, want %v", limit, got, err, want)
		}
	}
}
