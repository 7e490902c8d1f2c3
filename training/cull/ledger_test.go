package cull

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/store"
)

// labelled is a message as the ledger has it: text number text, sent to somebody.
func labelled(text int, to string, class store.Class) store.Row {
	words, r := make([]string, 60), rand.New(rand.NewPCG(1, uint64(text)))
	for i := range words {
		words[i] = "w" + strconv.FormatUint(r.Uint64N(1<<30), 36)
	}
	raw := fmt.Appendf(nil, "From: sender%d@example.org\nTo: %s\nSubject: number %d\n\n%s\n", text, to, text, strings.Join(words, " "))
	m := classify.Extract(classify.DefaultOptions(), raw)
	return store.Row{Digest: m.Digest, Class: class, Features: slices.Clone(m.Features), Grams: slices.Clone(m.Grams), Message: raw, Complete: true}
}

func ledger(t *testing.T, rows ...store.Row) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		for _, row := range rows {
			if err := tx.Learn(row, store.Origin{Source: "train"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// TestContradict: copies with the other label are found among other mail, as pairs of
// ham and spam, whichever came first.
func TestContradict(t *testing.T) {
	rows := []store.Row{labelled(1, "a@example.org", store.Ham), labelled(2, "a@example.org", store.Spam)}
	for n := 10; n < 40; n++ {
		rows = append(rows, labelled(n, "a@example.org", store.Ham+store.Class(n%2)))
	}
	rows = append(rows, labelled(1, "b@example.org", store.Spam), labelled(2, "b@example.org", store.Ham), labelled(1, "c@example.org", store.Ham))
	db, calls := ledger(t, rows...), 0
	c, err := Contradict(t.Context(), db, "", func(int) { calls++ })
	if err != nil || c.Looked != len(rows) || calls != len(rows) || len(c.Pairs) != 2 {
		t.Fatalf("%+v, %d calls, %v", c, calls, err)
	}
	for i, to := range []int{1, 2} {
		p := c.Pairs[i]
		ham, err := db.Load(t.Context(), p.Ham)
		if err != nil {
			t.Fatal(err)
		}
		spam, err := db.Load(t.Context(), p.Spam)
		if err != nil {
			t.Fatal(err)
		}
		subject := fmt.Sprintf("Subject: number %d\n", to)
		if ham.Class != store.Ham || spam.Class != store.Spam || !strings.Contains(string(ham.Message), subject) || !strings.Contains(string(spam.Message), subject) || p.Alike < LeastNear || p.Alike > 1 {
			t.Errorf("pair %+v: %q and %q", p, ham.Message, spam.Message)
		}
	}
}

// TestContradictNothing: pairs that are no contradiction, or cannot be told.
func TestContradictNothing(t *testing.T) {
	sure := func(row store.Row) store.Row { row.Sure = true; return row }
	anna := func(row store.Row) store.Row { row.Scope = "anna"; return row }
	short := func(to string, class store.Class) store.Row {
		row := labelled(1, to, class)
		row.Message = []byte("From: a@example.org\nTo: " + to + "\nSubject: hi\n\nhi\n")
		return row
	}
	for name, rows := range map[string][]store.Row{
		"nothing":      nil,
		"one label":    {labelled(1, "a@example.org", store.Ham), labelled(1, "b@example.org", store.Ham)},
		"sure of both": {sure(labelled(1, "a@example.org", store.Ham)), sure(labelled(1, "b@example.org", store.Spam))},
		"another's":    {anna(labelled(1, "a@example.org", store.Ham)), labelled(1, "b@example.org", store.Spam)},
		"short":        {short("a@example.org", store.Ham), short("b@example.org", store.Spam)},
	} {
		if c, err := Contradict(t.Context(), ledger(t, rows...), "", func(int) {}); err != nil || len(c.Pairs) != 0 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	one := ledger(t, sure(labelled(1, "a@example.org", store.Ham)), labelled(1, "b@example.org", store.Spam))
	if c, err := Contradict(t.Context(), one, "", func(int) {}); err != nil || len(c.Pairs) != 1 {
		t.Errorf("sure of one: %+v, %v", c, err)
	}
}

// TestContradictInScope: of a user no message is kept, and its features are compared.
func TestContradictInScope(t *testing.T) {
	ham, spam := labelled(1, "a@example.org", store.Ham), labelled(1, "b@example.org", store.Spam)
	ham.Scope, spam.Scope = "anna", "anna"
	c, err := Contradict(t.Context(), ledger(t, ham, spam), "anna", func(int) {})
	if err != nil || len(c.Pairs) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestContradictEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Contradict(ctx, ledger(t, labelled(1, "a@example.org", store.Ham)), "", func(int) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
