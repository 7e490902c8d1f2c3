package training

import (
	"fmt"
	"maps"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/store"
)

// writers makes n messages of which some are hard to tell: the words of ham and
// of spam overlap.
func writers(spam bool, n int) []string {
	r := rand.New(rand.NewSource(int64(n)))
	list := make([]string, n)
	for i := range list {
		first := 0
		if spam {
			first = 25
		}
		var text strings.Builder
		fmt.Fprintf(&text, "From: a%d@example.org\nSubject: %v %d\n\n", r.Intn(30), spam && r.Intn(3) > 0, i)
		for range 12 {
			fmt.Fprintf(&text, "word%d\n", first+r.Intn(40))
		}
		list[i] = text.String()
	}
	return list
}

// errorsOf counts how many of the messages the site's model puts on the wrong side.
func errorsOf(t *testing.T, db *store.DB, spam bool, list []string) (wrong int) {
	t.Helper()
	model, err := db.Model("")
	if err != nil {
		t.Fatal(err)
	}
	var scorer classify.Scorer
	for _, m := range list {
		msg := classify.Extract(classify.DefaultOptions(), []byte(m))
		if (scorer.Score(msg.Features, msg.Grams, model).P >= 0.5) != spam {
			wrong++
		}
	}
	return wrong
}

// All ham and then all spam, as every postmaster trains: the ham waits, and is
// learned together with the spam.
func TestOneClassAfterTheOther(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	tr := New(db, train1)
	ham, spam := writers(false, 900), writers(true, 901)
	first := train(t, tr, store.Ham, writeFile(t, filepath.Join(dir, "ham"), mbox(ham[:600])))
	if first != (Summary{Waiting: 600}) {
		t.Fatalf("ham alone: %+v", first)
	}
	second := train(t, tr, store.Spam, writeFile(t, filepath.Join(dir, "spam"), mbox(spam[:600])))
	if second.Earlier != 600 || second.Learned+second.Sure != 1200 || second.Waiting != 0 || second.Messages() != 600 {
		t.Fatalf("then spam: %+v", second)
	}
	labels, err := db.Labels("")
	if err != nil || labels.HamAdds < 2*classify.MinLabels || labels.SpamAdds < 2*classify.MinLabels {
		t.Fatalf("labels %+v, %v", labels, err)
	}
	hamWrong, spamWrong := errorsOf(t, db, false, ham[600:]), errorsOf(t, db, true, spam[600:])
	if hamWrong+spamWrong > 45 {
		t.Errorf("%d of 300 ham and %d of 301 spam on the wrong side", hamWrong, spamWrong)
	}
	if again := train(t, tr, store.Ham, filepath.Join(dir, "ham")); again != (Summary{Seen: 600}) {
		t.Errorf("once more: %+v", again)
	}
	checkRebuild(t, db)
}

// The lists of what waits are put by, and learned from there as from the messages.
func TestListsArePutBy(t *testing.T) {
	ham, spam := writers(false, 200), writers(true, 201)
	count := func(db *store.DB) int {
		all := map[classify.Digest]store.Lists{}
		if err := db.Update(t.Context(), func(tx *store.Tx) error {
			tx.Unstash(func(d classify.Digest, l store.Lists) bool { all[d] = l; return true })
			tx.Stash(maps.All(all))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	var models [2]string
	for i, what := range []string{"put by", "gone"} {
		dir := t.TempDir()
		db := open(t, dir)
		tr := New(db, train1)
		train(t, tr, store.Ham, writeFile(t, filepath.Join(dir, "ham"), mbox(ham)))
		if n := count(db); n != len(ham) {
			t.Errorf("lists of %d messages are put by, want %d", n, len(ham))
		}
		if what == "gone" {
			if err := os.Remove(filepath.Join(dir, "waiting.lists")); err != nil {
				t.Fatal(err)
			}
		}
		train(t, tr, store.Spam, writeFile(t, filepath.Join(dir, "spam"), mbox(spam)))
		if n := count(db); n != 0 {
			t.Errorf("%d are left", n)
		}
		checkRebuild(t, db)
		models[i] = export(t, db)
	}
	if models[0] != models[1] {
		t.Errorf("another model was learned from lists that were put by:\n%.200s\nwant\n%.200s", models[0], models[1])
	}
}

// TestListsAreKeptApart: what is remembered of a message stays when its memory is used again,
// as that of a batch is, and keeps nothing else of the batch.
func TestListsAreKeptApart(t *testing.T) {
	db := open(t, t.TempDir())
	batch := classify.Message{Canonical: []byte("Subject: x\n\nx\n"), Complete: true, Features: make([]uint64, 3, 1000), Grams: make([]uint32, 2, 1000)}
	copy(batch.Features, []uint64{1, 2, 3})
	copy(batch.Grams, []uint32{4, 5})
	var known memory
	do := New(db, train1).recorder(store.Ham, &known)
	if err := db.Update(t.Context(), func(tx *store.Tx) error { _, err := do(tx, &batch); return err }); err != nil {
		t.Fatal(err)
	}
	clear(batch.Features)
	clear(batch.Grams)
	l := known.lists[batch.Digest]
	if !slices.Equal(l.Features, []uint64{1, 2, 3}) || !slices.Equal(l.Grams, []uint32{4, 5}) || cap(l.Features)+cap(l.Grams) > 100 {
		t.Errorf("%v with room for %d, %v for %d", l.Features, cap(l.Features), l.Grams, cap(l.Grams))
	}
}

// The order in which mailboxes are trained is of no importance.
func TestOrderOfTrainingIsOfNoImportance(t *testing.T) {
	dir := t.TempDir()
	files := map[store.Class]string{
		store.Ham:  writeFile(t, filepath.Join(dir, "ham"), mbox(writers(false, 300))),
		store.Spam: writeFile(t, filepath.Join(dir, "spam"), mbox(writers(true, 301))),
	}
	var exports []string
	for _, order := range [][]store.Class{{store.Ham, store.Spam}, {store.Spam, store.Ham}} {
		db := open(t, filepath.Join(dir, order[0].String()+"-first"))
		for _, class := range order {
			train(t, New(db, train1), class, files[class])
		}
		exports = append(exports, export(t, db))
	}
	if exports[0] != exports[1] {
		t.Error("ham first and spam first give different models")
	}
}

// A moderator decides one message at a time: what waits is learned by the
// decision that completes the other class.
func TestWaitingIsLearnedBySingleMessages(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	tr := New(db, train1)
	train(t, tr, store.Ham, writeFile(t, filepath.Join(dir, "ham"), mbox(writers(false, 300))))
	for i, m := range writers(true, classify.MinLabels) {
		if labels := mustLabels(t, db); labels.Waiting != 300 || labels.HamAdds != 0 || labels.SpamAdds != i {
			t.Fatalf("before spam %d: %+v", i+1, labels)
		}
		if _, err := tr.Learn(t.Context(), store.Spam, []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	if labels := mustLabels(t, db); labels.Waiting != 0 || labels.HamAdds < classify.MinLabels {
		t.Errorf("after the twentieth spam: %+v", labels)
	}
	checkRebuild(t, db)
}

func mustLabels(t *testing.T, db *store.DB) store.Labels {
	t.Helper()
	labels, err := db.Labels("")
	if err != nil {
		t.Fatal(err)
	}
	return labels
}

// Where every message counts, nothing waits.
func TestTrainAllWaitsForNothing(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	tr := New(db, Options{All: true})
	if sum := train(t, tr, store.Ham, writeFile(t, filepath.Join(dir, "ham"), mbox(writers(false, 100)))); sum != (Summary{Learned: 100}) {
		t.Errorf("%+v", sum)
	}
	if labels := mustLabels(t, db); labels.HamAdds != 100 || labels.Waiting != 0 {
		t.Errorf("%+v", labels)
	}
}

// What a mailbox says against an earlier label is a correction: it is learned at
// once, and taken at its word.
func TestCorrectionWaitsForNothing(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	tr := New(db, train1)
	list := writers(true, 30)
	train(t, tr, store.Spam, writeFile(t, filepath.Join(dir, "spam"), mbox(list)))
	sum := train(t, tr, store.Ham, writeFile(t, filepath.Join(dir, "ham"), mbox(list[:1])))
	if sum != (Summary{Flipped: 1}) {
		t.Errorf("%+v", sum)
	}
	row, found, err := db.Find(t.Context(), "", classify.Extract(classify.DefaultOptions(), []byte(list[0])).Digest)
	if err != nil || !found || row.Class != store.Ham || row.Waits || !row.Sure || row.Adds != 1 {
		t.Errorf("%+v, %v, %v", row, found, err)
	}
}

// Repeating a label insists on it where a person does so for the single message,
// and does not where a folder is trained again.
func TestRepeatedLabels(t *testing.T) {
	for source, want := range map[string]bool{"train": false, "learn": true, "held": true, "auto": false} {
		db := open(t, t.TempDir())
		m := []byte(mail(true, 1))
		for _, s := range []string{"train", source} {
			o := train1
			o.Origin.Source = s
			if _, err := New(db, o).Learn(t.Context(), store.Spam, m); err != nil {
				t.Fatal(err)
			}
		}
		row, _, err := db.Find(t.Context(), "", classify.Extract(classify.DefaultOptions(), m).Digest)
		if err != nil || row.Sure != want {
			t.Errorf("%s: sure %v, %v", source, row.Sure, err)
		}
	}
}

// With one label in ten wrong, rounds do not hammer the wrong ones in: the
// messages are recognised for what they are.
func TestWrongLabelsAreNotHammeredIn(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	tr := New(db, train1)
	ham, spam := writers(false, 700), writers(true, 701)
	train(t, tr, store.Ham, writeFile(t, filepath.Join(dir, "ham"), mbox(append(ham[60:600:600], spam[:60]...))))
	train(t, tr, store.Spam, writeFile(t, filepath.Join(dir, "spam"), mbox(append(spam[60:600:600], ham[:60]...))))
	if n := errorsOf(t, db, false, ham[:60]) + errorsOf(t, db, true, spam[:60]); n > 30 {
		t.Errorf("%d of the 120 messages with wrong labels are scored as labelled", n)
	}
	if n := errorsOf(t, db, false, ham[600:]) + errorsOf(t, db, true, spam[600:]); n > 20 {
		t.Errorf("%d of 201 others on the wrong side", n)
	}
}

// Where the ledger keeps features only, what waits has nothing else to be learned from.
func TestWaitingWithFeaturesOnly(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	o := train1
	o.FeaturesOnly = true
	tr := New(db, o)
	train(t, tr, store.Ham, writeFile(t, filepath.Join(dir, "ham"), mbox(writers(false, 60))))
	if sum := train(t, tr, store.Spam, writeFile(t, filepath.Join(dir, "spam"), mbox(writers(true, 61)))); sum.Learned+sum.Sure != 121 {
		t.Errorf("%+v", sum)
	}
	checkRebuild(t, db)
}
