package training

import (
	"path/filepath"
	"slices"
	"testing"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/store/ledger"
)

// remembered is what the history keeps of a message: no text.
func remembered(raw string) *classify.Message {
	m := classify.Extract(classify.DefaultOptions(), []byte(raw))
	return &classify.Message{Digest: m.Digest, Features: m.Features, Grams: m.Grams}
}

// only returns the one row of the ledger, with all that is kept of it.
func only(t *testing.T, db *store.DB) store.Row {
	t.Helper()
	rows, err := db.Recent(t.Context(), "", 10)
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d rows, %v; want one", len(rows), err)
	}
	var row store.Row
	err = db.Update(t.Context(), func(tx *store.Tx) (err error) {
		row, err = tx.Load(rows[0].ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// TestLearnedWithoutTheMail: a message that is learned from its features alone and
// trained from a mailbox later is one row, which gains the message and keeps
// the features it counts with; and the other way round.
func TestLearnedWithoutTheMail(t *testing.T) {
	for _, after := range []string{"learned", "forgotten"} {
		dir := t.TempDir()
		db := open(t, dir)
		raw := mail(true, 1)
		path := writeFile(t, filepath.Join(dir, "mbox"), mbox([]string{raw}))
		person := New(db, Options{Origin: store.Origin{Actor: "anna", Source: "learn"}})
		r, err := person.LearnMessage(t.Context(), store.Spam, remembered(raw))
		wantOutcome(t, r, err, Learned)
		was := only(t, db)
		if was.Complete || was.Message != nil || was.Features == nil || was.Grams == nil {
			t.Fatalf("after learning without the mail: %+v", was)
		}
		if after == "forgotten" {
			if r, err = person.ForgetDigest(t.Context(), r.Digest); err != nil || r.Outcome != Forgotten {
				t.Fatalf("forget: %v, %v", r.Outcome, err)
			}
		}

		sum := train(t, New(db, Options{Origin: store.Origin{Source: "train"}}), store.Spam, path)
		if want := map[string]int{"learned": 1, "forgotten": 0}[after]; sum.Seen != want || sum.Messages() != 1 {
			t.Errorf("%s, then trained: %+v", after, sum)
		}
		is := only(t, db)
		if !is.Complete || !slices.Equal(is.Message, canonical(raw)) {
			t.Errorf("%s: complete %v, message %q", after, is.Complete, is.Message)
		}
		if !slices.Equal(is.Features, was.Features) || !slices.Equal(is.Grams, was.Grams) || is.ID != was.ID {
			t.Errorf("%s: features or grams are other than before", after)
		}
		checkRebuild(t, db)

		// Without the mail again: the row has more than that and stands.
		r, err = person.LearnMessage(t.Context(), store.Ham, remembered(raw))
		wantOutcome(t, r, err, Flipped)
		if again := only(t, db); !again.Complete || again.Class != store.Ham || !again.Sure {
			t.Errorf("corrected without the mail: %+v", again)
		}
		checkRebuild(t, db)
	}
}

func canonical(raw string) []byte {
	o := classify.DefaultOptions()
	o.Keep = ledger.MaxMessage
	return classify.Extract(o, []byte(raw)).Canonical
}

// TestUserScopeStaysWithoutTheMail: a user's scope keeps no message, whatever comes.
func TestUserScopeStaysWithoutTheMail(t *testing.T) {
	db := open(t, t.TempDir())
	tr := New(db, Options{Scope: "anna", Origin: store.Origin{Actor: "anna", Source: "learn"}})
	raw := mail(false, 1)
	for _, m := range []*classify.Message{remembered(raw), classify.Extract(tr.o.Classify, []byte(raw))} {
		if _, err := tr.LearnMessage(t.Context(), store.Ham, m); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := db.Recent(t.Context(), "anna", 10)
	if err != nil || len(rows) != 1 || rows[0].Complete || !rows[0].Sure {
		t.Errorf("rows %+v, %v", rows, err)
	}
	checkRebuild(t, db)
}
