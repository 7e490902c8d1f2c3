package training

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/training/corpus"

	"pgregory.net/rapid"
)

// reference is the model in its plainest form: it remembers every label with
// what it added, and adds all of it up when it is asked.
type reference struct {
	classify.Untrained
	labels map[int]reflabel
	scorer classify.Scorer
}

type reflabel struct {
	class  store.Class
	effect Effect
	msg    *classify.Message
}

func (r *reference) counts() map[uint64]classify.Count {
	sums := map[uint64]classify.Count{}
	for _, l := range r.labels {
		for _, f := range l.msg.Features {
			sums[f] = l.plus(sums[f])
		}
	}
	return sums
}

func (l reflabel) plus(c classify.Count) classify.Count {
	if l.class == store.Spam {
		c.Spam += uint32(l.effect.Adds)
	} else {
		c.Ham += uint32(l.effect.Adds)
	}
	return c
}

func (r *reference) Totals() (sum classify.Count) {
	for _, l := range r.labels {
		sum = l.plus(sum)
	}
	return sum
}

func (r *reference) Lookup(features []uint64, out []classify.Count) {
	sums := r.counts()
	for i, f := range features {
		out[i] = sums[f]
	}
}

func (r *reference) Weigh(grams []uint32) (sum int64) {
	weights := map[uint32]int64{}
	for _, l := range r.labels {
		for _, g := range l.msg.Grams {
			weights[g] += l.effect.Step
		}
	}
	for _, g := range grams {
		sum += weights[g]
	}
	return sum
}

func (r *reference) learn(i int, class store.Class, m *classify.Message, margin float64) Outcome {
	old, had := r.labels[i]
	if had && old.class == class {
		return Seen
	}
	delete(r.labels, i)
	score := r.scorer.Score(m.Features, m.Grams, r)
	l := reflabel{class: class, msg: m}
	l.effect = Rule{Margin: margin}.Judge(class == store.Spam, score, len(m.Grams), r, had)
	r.labels[i] = l
	switch {
	case had:
		return Flipped
	case l.effect.Nothing():
		return Sure
	}
	return Learned
}

// Any sequence of learning, flipping and forgetting leaves ledger and model as
// the plain rule says, and as a rebuild makes them.
func TestAnySequence(t *testing.T) {
	const kinds = 12
	raws := make([][]byte, kinds)
	msgs := make([]*classify.Message, kinds)
	for i := range raws {
		raws[i] = []byte(mail(i%2 == 0, i/2))
		msgs[i] = classify.Extract(classify.DefaultOptions(), raws[i])
	}
	dir := t.TempDir()
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		db, err := store.Open(context.Background(), store.Options{Dir: filepath.Join(dir, fmt.Sprint(runs))})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		o := train1
		o.Margin = rapid.SampledFrom([]float64{0.1, 2, 15}).Draw(t, "margin")
		tr := New(db, o)
		ref := reference{labels: map[int]reflabel{}}
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			i := rapid.IntRange(0, kinds-1).Draw(t, "message")
			class := store.Class(rapid.IntRange(0, 2).Draw(t, "class"))
			var got Result
			var want Outcome
			if class == store.None {
				got, err = tr.ForgetMessage(context.Background(), raws[i])
				want = NotFound
				if _, had := ref.labels[i]; had {
					want = Forgotten
					delete(ref.labels, i)
				}
			} else {
				got, err = tr.Learn(context.Background(), class, raws[i])
				want = ref.learn(i, class, msgs[i], o.Margin)
			}
			if err != nil || got.Outcome != want {
				t.Fatalf("message %d to %s: %s, want %s (%v)", i, class, got.Outcome, want, err)
			}
		}
		checkModel(t, db, &ref)
		if err := db.Rebuild(context.Background()); err != nil {
			t.Fatal(err)
		}
		checkModel(t, db, &ref)
	})
}

func checkModel(t *rapid.T, db *store.DB, ref *reference) {
	model, err := db.Model("")
	if err != nil {
		t.Fatal(err)
	}
	sums := ref.counts()
	counting := 0
	for f, want := range sums {
		var got [1]classify.Count
		model.Lookup([]uint64{f}, got[:])
		if got[0] != want {
			t.Fatalf("feature %x: %+v, want %+v", f, got[0], want)
		}
		if want != (classify.Count{}) {
			counting++
		}
	}
	for _, l := range ref.labels {
		if got, want := model.Weigh(l.msg.Grams), ref.Weigh(l.msg.Grams); got != want {
			t.Fatalf("weights add up to %d, want %d", got, want)
		}
	}
	if model.Totals() != ref.Totals() || model.Features() != counting {
		t.Fatalf("totals %+v of %d features, want %+v of %d", model.Totals(), model.Features(), ref.Totals(), counting)
	}
}

// Two processes that train at once lose nothing and agree in the end.
func TestTwoTrainersAtOnce(t *testing.T) {
	dir := t.TempDir()
	files := map[store.Class]string{
		store.Ham:  writeFile(t, filepath.Join(dir, "ham"), mbox(mails(false, 1500))),
		store.Spam: writeFile(t, filepath.Join(dir, "spam"), mbox(mails(true, 1500))),
	}
	var dbs []*store.DB
	var all sync.WaitGroup
	for class, file := range files {
		db := open(t, filepath.Join(dir, "data"))
		dbs = append(dbs, db)
		all.Go(func() {
			if sum := train(t, New(db, train1), class, file); sum.Messages() != 1500 {
				t.Errorf("%s: %+v", class, sum)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	for _, db := range dbs {
		if _, err := db.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		labels, err := db.Labels("")
		if err != nil || labels.Ham != 1500 || labels.Spam != 1500 || labels.Waiting != 0 {
			t.Errorf("%+v, %v", labels, err)
		}
	}
	if export(t, dbs[0]) != export(t, dbs[1]) {
		t.Error("the two models differ")
	}
	checkRebuild(t, dbs[0])
}

const (
	victimDir  = "FANMILL_TEST_VICTIM_DIR"
	victimFile = "FANMILL_TEST_VICTIM_FILE"
)

// TestMain is the victim of TestTrainKilled when it is told so: it trains, and
// says how far it has come.
func TestMain(m *testing.M) {
	dir := os.Getenv(victimDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	db, err := store.Open(context.Background(), store.Options{Dir: dir})
	if err == nil {
		_, err = New(db, train1).Train(context.Background(), store.Spam, []string{os.Getenv(victimFile)}, corpus.Options{},
			func(p Progress) { fmt.Println(p.Summary.Messages()) })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// kill -9 at any moment leaves whole transactions; what was reported as done is
// there, and training again leads to the same model as if nothing had happened.
func TestTrainKilled(t *testing.T) {
	dir := t.TempDir()
	file := writeFile(t, filepath.Join(dir, "mail"), mbox(mails(true, 2500)))
	ham := writeFile(t, filepath.Join(dir, "ham"), mbox(mails(false, 100)))
	whole := open(t, filepath.Join(dir, "whole"))
	train(t, New(whole, train1), store.Ham, ham)
	train(t, New(whole, train1), store.Spam, file)
	want := export(t, whole)
	for reports := range 4 {
		data := filepath.Join(dir, fmt.Sprint("killed", reports))
		train(t, New(open(t, data), train1), store.Ham, ham)
		reported := killAfter(t, data, file, reports)
		db := open(t, data)
		if err := db.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkRebuild(t, db)
		labels, err := db.Labels("")
		if err != nil || labels.Spam < reported {
			t.Errorf("%d reported as done, %+v in the ledger, %v", reported, labels, err)
		}
		if sum := train(t, New(db, train1), store.Spam, file); sum.Seen != labels.Spam {
			t.Errorf("%+v after %+v", sum, labels)
		}
		if export(t, db) != want {
			t.Errorf("killed after %d reports: other counts", reports)
		}
	}
}

// kill -9 at random moments, while messages are recorded and while they are learned: ledger
// and model agree each time, and a rerun finishes the rest. FANMILL_KILL_ROUNDS sets the
// rounds (make stress).
func TestTrainKilledAtRandom(t *testing.T) {
	rounds := 3
	if v := os.Getenv("FANMILL_KILL_ROUNDS"); v != "" {
		if _, err := fmt.Sscan(v, &rounds); err != nil || rounds < 1 {
			t.Fatalf("FANMILL_KILL_ROUNDS=%q: want a number from 1", v)
		}
	}
	dir := t.TempDir()
	ham := writeFile(t, filepath.Join(dir, "ham"), mbox(mails(false, 400)))
	spam := writeFile(t, filepath.Join(dir, "mail"), mbox(mails(true, 400)))
	for round := range rounds {
		data := filepath.Join(dir, fmt.Sprint(round))
		db := open(t, data)
		train(t, New(db, train1), store.Ham, ham)
		for range 3 {
			victim := exec.Command(os.Args[0])
			victim.Env = append(os.Environ(), victimDir+"="+data, victimFile+"="+spam)
			if err := victim.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond)
			_ = victim.Process.Kill() // it may have ended
			_ = victim.Wait()
			if err := db.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := db.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			checkRebuild(t, db)
		}
		sum := train(t, New(db, train1), store.Spam, spam)
		if l := mustLabels(t, db); l.Ham != 400 || l.Spam != 400 || l.Waiting != 0 || sum.Messages() != 400 {
			t.Errorf("round %d: %+v after %+v", round, l, sum)
		}
		checkRebuild(t, db)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter kills a training process after so many reports of progress and
// returns the last one.
func killAfter(t *testing.T, data, file string, reports int) (reported int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimDir+"="+data, victimFile+"="+file)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range reports {
		if !lines.Scan() {
			t.Fatalf("the process ended by itself: %s", stderr.String())
		}
		if _, err := fmt.Sscan(lines.Text(), &reported); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // says that it was killed
	return reported
}
