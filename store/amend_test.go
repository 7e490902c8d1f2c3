package store

import (
	"bytes"
	"slices"
	"testing"

	"fanmill/store/ledger"
)

// TestComplete: a row gains the message that it lacks, once, and nothing else changes.
func TestComplete(t *testing.T) {
	db := openAt(t, t.TempDir())
	row := message(1, Spam, 1)
	text := row.Message
	row.Message, row.Complete = nil, false
	cut := message(2, Ham, 1)
	cut.Complete = false
	user := message(3, Ham, 1)
	user.Scope, user.Message, user.Complete = "anna", nil, false
	learn(t, db, row, cut, user)
	was := export(t, db)
	load := func(r Row) (got Row) {
		t.Helper()
		if err := db.Update(t.Context(), func(tx *Tx) error {
			found, _, err := tx.Find(r.Scope, r.Digest)
			if err == nil {
				got, err = tx.Load(found.ID)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	complete := func(r Row, text []byte) {
		t.Helper()
		if err := db.Update(t.Context(), func(tx *Tx) error {
			found, _, err := tx.Find(r.Scope, r.Digest)
			if err != nil {
				return err
			}
			if err := tx.Complete(found, text); err != nil {
				return err
			}
			again, _, err := tx.Find(r.Scope, r.Digest)
			if now := load1(t, tx, again.ID); again.Complete != now.Complete {
				t.Errorf("Find says complete %v, the row %v", again.Complete, now.Complete)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	complete(row, make([]byte, ledger.MaxMessage+1))
	if got := load(row); got.Complete || got.Message != nil {
		t.Errorf("a message too large was kept: %d bytes", len(got.Message))
	}
	complete(row, text)
	complete(row, []byte("another"))
	got := load(row)
	slices.Sort(row.Grams) // as they are kept
	if !got.Complete || !bytes.Equal(got.Message, text) || !slices.Equal(got.Features, row.Features) || !slices.Equal(got.Grams, row.Grams) {
		t.Errorf("row %+v", got)
	}
	for _, r := range []Row{cut, user} {
		complete(r, []byte("text"))
		if got := load(r); got.Complete || !bytes.Equal(got.Message, r.Message) {
			t.Errorf("scope %q: complete %v, message %q", r.Scope, got.Complete, got.Message)
		}
	}
	if now := export(t, db); now != was {
		t.Errorf("the model changed")
	}
	sameAsRebuilt(t, db)
}

func load1(t *testing.T, tx *Tx, id int64) Row {
	t.Helper()
	row, err := tx.Load(id)
	if err != nil {
		t.Fatal(err)
	}
	return row
}
