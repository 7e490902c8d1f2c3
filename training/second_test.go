package training

import (
	"fmt"
	"math/rand"
	"path/filepath"
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

// All ham and then all spam, as every postmaster trains: the ham that was judged
// before any spam was known is looked at again.
func TestOneClassAfterTheOther(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	tr := New(db, train1)
	ham, spam := writers(false, 900), writers(true, 901)
	first := train(t, tr, store.Ham, writeFile(t, filepath.Join(dir, "ham"), mbox(ham[:600])))
	if first.Second != 0 || first.Learned > 2*classify.MinLabels {
		t.Fatalf("ham alone: %+v", first)
	}
	second := train(t, tr, store.Spam, writeFile(t, filepath.Join(dir, "spam"), mbox(spam[:600])))
	if second.Second < 20 {
		t.Fatalf("no second look: %+v", second)
	}
	labels, err := db.Labels("")
	if err != nil || labels.HamAdds < 2*classify.MinLabels {
		t.Fatalf("labels %+v, %v", labels, err)
	}
	hamWrong, spamWrong := errorsOf(t, db, false, ham[600:]), errorsOf(t, db, true, spam[600:])
	if hamWrong+spamWrong > 45 {
		t.Errorf("%d of 300 ham and %d of 301 spam on the wrong side", hamWrong, spamWrong)
	}
	if again := train(t, tr, store.Ham, filepath.Join(dir, "ham")); again != (Summary{Seen: 600}) {
		t.Errorf("each message gets one second look: %+v", again)
	}
	checkRebuild(t, db)
}

// A moderator decides one message at a time: the second look comes once, when
// the other class has become known.
func TestSecondLookOfSingleMessages(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	tr := New(db, train1)
	train(t, tr, store.Ham, writeFile(t, filepath.Join(dir, "ham"), mbox(writers(false, 300))))
	before, err := db.Labels("")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range writers(true, classify.MinLabels) {
		if _, err := tr.Learn(t.Context(), store.Spam, []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	after, err := db.Labels("")
	if err != nil || after.HamAdds <= before.HamAdds {
		t.Errorf("ham that counts: %d before, %d after the twentieth spam (%v)", before.HamAdds, after.HamAdds, err)
	}
	checkRebuild(t, db)
}

// Automatic labels and --all end without a second look.
func TestNoSecondLook(t *testing.T) {
	for _, o := range []Options{{All: true}, {Origin: store.Origin{Source: "auto"}}} {
		dir := t.TempDir()
		db := open(t, dir)
		tr := New(db, o)
		train(t, tr, store.Ham, writeFile(t, filepath.Join(dir, "ham"), mbox(writers(false, 100))))
		if sum := train(t, tr, store.Spam, writeFile(t, filepath.Join(dir, "spam"), mbox(writers(true, 100)))); sum.Second != 0 {
			t.Errorf("%+v: %+v", o, sum)
		}
	}
}
