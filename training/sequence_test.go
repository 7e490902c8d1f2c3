package training

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/training/corpus"

	"pgregory.net/rapid"
)

// site is a data directory with several processes on it, some of which read less
// of a message than others, so that one message has other features there.
type site struct {
	dir      string
	dbs      []*store.DB
	trainers []*Trainer
	lists    map[store.Class][]string
	waited   bool // messages have waited
	settled  bool // and were learned, or forgotten
	runs     int
}

func (s *site) open(t *rapid.T, i int) {
	db, err := store.Open(context.Background(), store.Options{Dir: s.dir})
	if err != nil {
		t.Fatal(err)
	}
	o := train1
	if o.Classify = classify.DefaultOptions(); i > 0 {
		o.Classify.TextHead, o.Classify.TextTail, o.Classify.TextTotal = 40, 0, 40
	}
	s.dbs[i], s.trainers[i] = db, New(db, o)
}

func (s *site) close(t *rapid.T, i int) {
	if err := s.dbs[i].Close(); err != nil {
		t.Fatal(err)
	}
}

// step does something at random in one of the processes.
func (s *site) step(t *rapid.T, folder string) {
	i := rapid.IntRange(0, len(s.dbs)-1).Draw(t, "process")
	class := rapid.SampledFrom([]store.Class{store.Ham, store.Spam}).Draw(t, "class")
	label := rapid.SampledFrom([]store.Class{class, class, class, 3 - class}).Draw(t, "label")
	list := s.lists[class]
	one := []byte(list[rapid.IntRange(0, len(list)-1).Draw(t, "message")])
	var err error
	switch rapid.SampledFrom([]string{"train", "train", "train", "learn", "forget", "snapshot", "follow", "restart"}).Draw(t, "action") {
	case "train":
		from := rapid.IntRange(0, 20).Draw(t, "from")
		to := rapid.IntRange(from, len(list)).Draw(t, "to")
		s.runs++
		path := writeFile(t, filepath.Join(folder, fmt.Sprint(s.runs)), mbox(list[from:to]))
		_, err = s.trainers[i].Train(context.Background(), label, []string{path}, corpus.Options{}, nil)
	case "learn":
		_, err = s.trainers[i].Learn(context.Background(), label, one)
	case "forget":
		_, err = s.trainers[i].ForgetMessage(context.Background(), one)
	case "snapshot":
		err = s.dbs[i].WriteSnapshot()
	case "follow":
		_, err = s.dbs[i].CatchUp(context.Background())
	case "restart":
		s.close(t, i)
		s.open(t, i)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// check compares the processes with each other and with the ledger.
func (s *site) check(t *rapid.T) {
	var want string
	for i, db := range s.dbs {
		if _, err := db.CatchUp(context.Background()); err != nil {
			t.Fatal(err)
		}
		got := export(t, db)
		if i > 0 && got != want {
			t.Fatal("two processes differ")
		}
		want = got
	}
	if err := s.dbs[0].Rebuild(context.Background()); err != nil {
		t.Fatal(err)
	}
	if export(t, s.dbs[0]) != want {
		t.Fatal("the model is not what the ledger says")
	}
	if waiting(t, s.dbs[0]) > 0 {
		s.waited = true
	} else if s.waited {
		s.settled = true
	}
}

func waiting(t failer, db *store.DB) int {
	labels, err := db.Labels("")
	if err != nil {
		t.Fatal(err)
	}
	return labels.Waiting
}

// Any sequence of training and forgetting by several processes, of messages that
// wait and of such that do not, leaves all of them with what the ledger says, however they follow it:
// by its log, from a snapshot, or from the rows. In the end all can be forgotten.
func TestTrainingInAnySequence(t *testing.T) {
	dir, runs, settled := t.TempDir(), 0, 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		folder := filepath.Join(dir, fmt.Sprint(runs))
		s := site{
			dir: filepath.Join(folder, "data"), dbs: make([]*store.DB, 2), trainers: make([]*Trainer, 2),
			lists: map[store.Class][]string{store.Ham: writers(false, 60), store.Spam: writers(true, 61)},
		}
		for i := range s.dbs {
			s.open(t, i)
			defer func() { s.close(t, i) }()
		}
		for range rapid.IntRange(6, 18).Draw(t, "steps") {
			s.step(t, folder)
			s.check(t)
		}
		if s.settled {
			settled++
		}
		all := writeFile(t, filepath.Join(folder, "all"), mbox(append(s.lists[store.Ham], s.lists[store.Spam]...)))
		if _, err := s.trainers[1].Forget(context.Background(), []string{all}, corpus.Options{}, nil); err != nil {
			t.Fatal(err)
		}
		s.check(t)
		if left := export(t, s.dbs[1]); left != "" {
			t.Fatalf("left after all is forgotten: %s", left)
		}
	})
	if settled < runs/10 {
		t.Errorf("messages waited and were learned in %d of %d runs: the test does not test", settled, runs)
	}
}

// Learning that is interrupted goes on with the next training.
func TestSettlingInterrupted(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	tr := New(db, train1)
	train(t, tr, store.Ham, writeFile(t, filepath.Join(dir, "ham"), mbox(writers(false, 300))))
	spam := writeFile(t, filepath.Join(dir, "spam"), mbox(writers(true, 301)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sum, err := tr.Train(ctx, store.Spam, []string{spam}, corpus.Options{}, func(p Progress) {
		if p.Summary.Messages() == 301 { // all of them: now they are learned
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || sum != (Summary{Waiting: 301}) {
		t.Fatalf("%+v, %v", sum, err)
	}
	if again := train(t, tr, store.Spam, spam); again.Seen != 301 || again.Earlier != 601 || again.Messages() != 301 {
		t.Errorf("the next training: %+v", again)
	}
	if n := waiting(t, db); n != 0 {
		t.Errorf("%d still wait", n)
	}
	checkRebuild(t, db)
}

// Features of a message that was recorded alone are kept while it waits, and no longer
// than it needs them.
func TestFeaturesKeptWhileWaiting(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	tr := New(db, train1)
	ham := writers(false, 200)
	for _, m := range ham {
		if _, err := tr.RecordMessage(t.Context(), store.Ham, classify.Extract(tr.o.Classify, []byte(m))); err != nil {
			t.Fatal(err)
		}
	}
	kept := func() (idle int) {
		for _, m := range ham {
			d := classify.Extract(classify.DefaultOptions(), []byte(m)).Digest
			row, _, err := db.Find(t.Context(), "", d)
			if err == nil {
				row, err = db.Load(t.Context(), row.ID)
			}
			if err != nil {
				t.Fatal(err)
			}
			if row.Adds == 0 && row.Step == 0 && row.Features != nil {
				idle++
			}
		}
		return idle
	}
	if n := kept(); n != 200 {
		t.Fatalf("%d of 200 wait with their features", n)
	}
	train(t, tr, store.Spam, writeFile(t, filepath.Join(dir, "spam"), mbox(writers(true, 201))))
	if n := kept(); n != 0 {
		t.Errorf("%d that add nothing keep their features", n)
	}
}
