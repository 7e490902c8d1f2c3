package training

import (
	"bytes"
	"io"
	"testing"
	"time"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/store/dump"
	"fanmill/store/query"
)

// entriesOf returns the rows of a ledger as a merge reads them.
func entriesOf(t testing.TB, db *store.DB) Entries {
	t.Helper()
	var b bytes.Buffer
	if _, err := db.Dump(t.Context(), &b, true, nil); err != nil {
		t.Fatal(err)
	}
	d, err := dump.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	return d.Next
}

func merge(t testing.TB, db *store.DB, next Entries, dryRun bool) Merged {
	t.Helper()
	sum, err := Merge(t.Context(), db, next, store.Origin{Actor: "test", Source: "import"}, dryRun, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// TestMergeRule: which of two labels holds.
func TestMergeRule(t *testing.T) {
	none, ham, spam := store.None, store.Ham, store.Spam
	type label struct {
		class  store.Class
		source string
		minute int
	}
	for name, c := range map[string]struct {
		ours, theirs label // a class of none without source: no row
		want         store.Class
		source       string
		sum          Merged
	}{
		"new here":                {label{}, label{ham, "train", 1}, ham, "train", Merged{Added: 1}},
		"not there":               {label{ham, "train", 1}, label{}, ham, "train", Merged{}},
		"the same":                {label{ham, "train", 1}, label{ham, "held", 2}, ham, "train", Merged{Same: 1}},
		"newer":                   {label{ham, "train", 1}, label{spam, "held", 2}, spam, "held", Merged{Changed: 1}},
		"older":                   {label{ham, "train", 2}, label{spam, "held", 1}, ham, "train", Merged{Kept: 1}},
		"newer, but automatic":    {label{ham, "train", 1}, label{spam, "auto", 2}, ham, "train", Merged{Kept: 1}},
		"older, but a person's":   {label{ham, "rule", 2}, label{spam, "train", 1}, spam, "train", Merged{Changed: 1}},
		"both automatic":          {label{ham, "rule", 1}, label{spam, "auto", 2}, spam, "auto", Merged{Changed: 1}},
		"a person says so too":    {label{ham, "auto", 2}, label{ham, "train", 1}, ham, "train", Merged{Confirmed: 1}},
		"automatic says so too":   {label{ham, "train", 1}, label{ham, "auto", 2}, ham, "train", Merged{Same: 1}},
		"forgotten there":         {label{ham, "train", 1}, label{none, "train", 2}, none, "train", Merged{Forgotten: 1}},
		"forgotten there earlier": {label{ham, "train", 2}, label{none, "train", 1}, ham, "train", Merged{Kept: 1}},
		"forgotten here":          {label{none, "train", 2}, label{spam, "train", 1}, none, "train", Merged{Kept: 1}},
		"forgotten here earlier":  {label{none, "train", 1}, label{spam, "train", 2}, spam, "train", Merged{Changed: 1}},
		"forgotten in both":       {label{none, "train", 1}, label{none, "held", 2}, none, "train", Merged{Same: 1}},
		"expired there":           {label{ham, "train", 1}, label{none, "expire", 2}, ham, "train", Merged{Skipped: 1}},
		"forgotten, not known":    {label{}, label{none, "train", 2}, none, "", Merged{Skipped: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			m := classify.Extract(classify.DefaultOptions(), []byte("Subject: x\n\nsome text\n"))
			ledger := func(l label) *store.DB {
				db := open(t, t.TempDir())
				if l.source == "" {
					return db
				}
				row := store.Row{
					Digest: m.Digest, Class: l.class, Adds: 1, Step: 5, Features: m.Features, Grams: m.Grams,
					Message: []byte("Subject: x\n\nsome text\n"), Complete: true, Time: time.Unix(60*int64(l.minute), 0),
				}
				err := db.Update(t.Context(), func(tx *store.Tx) error {
					by := store.Origin{Source: l.source}
					if l.class != none {
						return tx.Learn(row, by)
					}
					row.Class = ham
					if err := tx.Learn(row, by); err != nil {
						return err
					}
					if _, err := tx.Forget("", row.Digest, by); err != nil {
						return err
					}
					return tx.Attribute(&row, l.source, row.Time)
				})
				if err != nil {
					t.Fatal(err)
				}
				return db
			}
			db, theirs := ledger(c.ours), ledger(c.theirs)
			was := export(t, db)
			if sum := merge(t, db, entriesOf(t, theirs), true); sum != c.sum {
				t.Errorf("would be %+v, want %+v", sum, c.sum)
			}
			if export(t, db) != was {
				t.Error("that has changed the model")
			}
			if sum := merge(t, db, entriesOf(t, theirs), false); sum != c.sum {
				t.Errorf("%+v, want %+v", sum, c.sum)
			}
			row, _, err := db.Find(t.Context(), "", m.Digest)
			if err != nil || row.Class != c.want || row.Source != c.source {
				t.Errorf("%v by %q, %v; want %v by %q", row.Class, row.Source, err, c.want, c.source)
			}
			again := merge(t, db, entriesOf(t, theirs), false)
			if again.Added+again.Changed+again.Forgotten+again.Confirmed > 0 {
				t.Errorf("merged again: %+v", again)
			}
			list, err := db.Undoables(t.Context(), query.Selection{Source: "import"}, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Undo(t.Context(), db, list, store.Origin{Actor: "test"}, nil); err != nil {
				t.Fatal(err)
			}
			if got := export(t, db); got != was {
				t.Errorf("taken back:\n%s\nwant\n%s", got, was)
			}
		})
	}
}

// TestMergeOfLedgers: what two hosts learned adds up, whichever takes the other in.
func TestMergeOfLedgers(t *testing.T) {
	var ledgers [2]*store.DB
	for i := range ledgers {
		ledgers[i] = open(t, t.TempDir())
		tr := New(ledgers[i], Options{Origin: store.Origin{Source: "train"}})
		for n := range 120 {
			class := store.Ham + store.Class(n%2)
			if _, err := tr.Learn(t.Context(), class, []byte(mail(class == store.Spam, 1000*i+n))); err != nil {
				t.Fatal(err)
			}
		}
	}
	labels := func(db *store.DB) store.Labels {
		l, err := db.Labels("")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	a, b := labels(ledgers[0]), labels(ledgers[1])
	if sum := merge(t, ledgers[0], entriesOf(t, ledgers[1]), false); sum.Added != 120 {
		t.Errorf("%+v", sum)
	}
	want := store.Labels{Ham: a.Ham + b.Ham, Spam: a.Spam + b.Spam, HamAdds: a.HamAdds + b.HamAdds, SpamAdds: a.SpamAdds + b.SpamAdds}
	if got := labels(ledgers[0]); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	was := export(t, ledgers[0])
	if err := ledgers[0].Rebuild(t.Context()); err != nil || export(t, ledgers[0]) != was {
		t.Errorf("a rebuild makes another model, %v", err)
	}
}

// TestMergeStopsAtAnError: what was read before it stays.
func TestMergeStopsAtAnError(t *testing.T) {
	db := open(t, t.TempDir())
	if _, err := Merge(t.Context(), db, func() (*dump.Entry, error) { return nil, io.ErrUnexpectedEOF }, store.Origin{}, false, nil); err != io.ErrUnexpectedEOF {
		t.Error(err)
	}
}
