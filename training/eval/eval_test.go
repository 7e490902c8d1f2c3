package eval

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/training"
	mailfiles "fanmill/training/corpus"
	"fanmill/training/eval/figures"
)

// write makes a corpus of n messages, as index with lines in the order made,
// and returns the path of the index. Words overlap, so some are hard to tell.
func writeCorpus(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(7, 7))
	var index strings.Builder
	for i := range n {
		class, first := "ham", 0
		if random.IntN(3) == 0 {
			class, first = "spam", 12
		}
		var text strings.Builder
		fmt.Fprintf(&text, "From: sender%d@example.org\nSubject: message %d\n\n", random.IntN(50), i)
		for range 20 {
			fmt.Fprintf(&text, "word%d\n", first+random.IntN(35))
		}
		name := fmt.Sprintf("data/%04d", i)
		writeFile(t, filepath.Join(dir, name), text.String())
		fmt.Fprintf(&index, "%s ../%s\n", class, name)
	}
	writeFile(t, filepath.Join(dir, "full/index"), index.String())
	return filepath.Join(dir, "full/index")
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func mustRun(t *testing.T, o Options) figures.Report {
	t.Helper()
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Seconds <= 0 {
		t.Errorf("%v seconds", r.Seconds)
	}
	return r
}

// walk does one run and keeps all of it.
func walk(t *testing.T, o Options) *run {
	t.Helper()
	r := newRun(mustLoad(t, o), o.Config, o.Plan, 5)
	for _, p := range r.passes {
		if err := p.do(t.Context(), new(progress)); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func mustLoad(t *testing.T, o Options) *corpus {
	t.Helper()
	index, err := ReadIndex(o.Index)
	if err != nil {
		t.Fatal(err)
	}
	c, err := load(t.Context(), o.Index, index, o.Classify, featureMemory, new(progress))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRunOnline(t *testing.T) {
	o := DefaultOptions(writeCorpus(t, 300))
	o.Rule.Margin = 6 // these messages are short: few make the counts sure
	r := mustRun(t, o)
	if r.N != 300 || r.Ham+r.Spam != 300 || r.ROCA >= 20 {
		t.Errorf("nothing was learned: %+v", r)
	}
	if again := mustRun(t, o); again.Figures != r.Figures {
		t.Errorf("the same run twice: %+v and %+v", r, again)
	}
	o.Rule.All = true
	if all := mustRun(t, o); all.Figures == r.Figures {
		t.Errorf("counting every message changes nothing: %+v and %+v", r, all)
	}
}

// The model in memory does what a ledger does: the same scores, bit for bit, as
// those of a store that is trained message by message.
func TestRunIsAsTheStoreDoes(t *testing.T) {
	index := writeCorpus(t, 150)
	for i, text := range []string{"again", "again", "again"} { // seen before, then flipped
		writeFile(t, filepath.Join(filepath.Dir(index), fmt.Sprintf("../data/00%d0", i+3)), "Subject: "+text+"\n\n"+text+"\n")
	}
	o := DefaultOptions(index)
	o.Rule.Margin = 3
	got := walk(t, o)
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	model, err := db.Model("")
	if err != nil {
		t.Fatal(err)
	}
	trainer := training.New(db, training.Options{Margin: 3, Origin: store.Origin{Source: "train"}})
	var scorer classify.Scorer
	outcomes := map[training.Outcome]int{}
	for i, e := range got.corpus.entries {
		raw, err := os.ReadFile(e.Path)
		if err != nil {
			t.Fatal(err)
		}
		m := classify.Extract(o.Classify, raw)
		if want := scorer.Score(m.Features, m.Grams, model); got.places[i].Score != want {
			t.Fatalf("message %d: %+v, by the store %+v", i+1, got.places[i].Score, want)
		}
		class := store.Ham
		if e.Spam {
			class = store.Spam
		}
		r, err := trainer.Learn(t.Context(), class, raw)
		if err != nil {
			t.Fatal(err)
		}
		outcomes[r.Outcome]++
	}
	for _, o := range []training.Outcome{training.Learned, training.Sure, training.Seen, training.Flipped} {
		if outcomes[o] == 0 {
			t.Errorf("no message was %s: %v", o, outcomes)
		}
	}
}

// What is counted from message N is the end of the whole run, no other run.
func TestRunFrom(t *testing.T) {
	o := DefaultOptions(writeCorpus(t, 200))
	whole := walk(t, o)
	for _, from := range []int{1, 2, 150} {
		o.From = from
		want, err := figures.Measure([]figures.Run{figures.NewRun(whole.places[from-1:])}, o.Cutoffs, 10, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := mustRun(t, o); got.Figures != want.Figures || got.N != 200-from+1 {
			t.Errorf("from %d: got %+v, want %+v", from, got, want)
		}
	}
	o.From = 201
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "counting from message 201: it names 200") {
		t.Errorf("from behind the end: %v", err)
	}
}

func TestRunShuffled(t *testing.T) {
	o := DefaultOptions(writeCorpus(t, 200))
	plain := mustRun(t, o)
	one, two := uint64(1), uint64(2)
	o.Shuffle = &one
	first := mustRun(t, o)
	if again := mustRun(t, o); again.Figures != first.Figures {
		t.Error("the same seed gives another permutation")
	}
	o.Shuffle = &two
	if second := mustRun(t, o); second.Figures == first.Figures || first.Figures == plain.Figures {
		t.Error("the order does not change")
	}
	if first.Ham != plain.Ham || first.Spam != plain.Spam {
		t.Errorf("a permutation loses messages: %+v, %+v", first, plain)
	}
}

// Each message is scored once, by a model that knows all others but those of
// its own part: with as many parts as messages that is all others.
func TestRunFolds(t *testing.T) {
	o := DefaultOptions(writeCorpus(t, 60))
	o.Rule.All = true
	o.Folds = 60
	got := walk(t, o)
	r := mustLoad(t, o).reader()
	for out := range 60 {
		learner := newLearner(o.Rule)
		for i := range 60 {
			if m := mustRead(t, r, i); i != out {
				learner.record(m)
			}
		}
		learner.settle()
		if want := learner.score(mustRead(t, r, out)); got.places[out].Score != want {
			t.Fatalf("message %d: %+v, want %+v", out, got.places[out].Score, want)
		}
	}
	o.Folds, o.Seed = 5, 1
	first := mustRun(t, o)
	if again := mustRun(t, o); again.Figures != first.Figures || first.N != 60 {
		t.Errorf("the same seed gives %+v and %+v", first, again)
	}
	results := walk(t, o).places
	if o.Seed = 2; slices.Equal(results, walk(t, o).places) {
		t.Error("the seed changes nothing")
	}
}

func mustRead(t *testing.T, r *reader, i int) message {
	t.Helper()
	m, err := r.read(i)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A message seen before changes nothing; with the other label it changes
// sides, and whether it counts is decided without what it had added.
func TestLearnerSeenAndFlipped(t *testing.T) {
	features := func(n ...uint64) message { return message{digest: classify.Digest{byte(n[0])}, features: n} }
	a, b := features(1, 2, 3), features(3, 4)
	l := newLearner(training.Rule{Margin: training.DefaultMargin})
	l.learn(a, l.score(a))
	l.learn(a, l.score(a))
	if got := l.model.Totals(); got != (classify.Count{Ham: 1}) {
		t.Errorf("seen twice: %+v", got)
	}
	l.learn(b, l.score(b))
	a.spam = true
	l.learn(a, l.score(a))
	var out [4]classify.Count
	l.model.Lookup([]uint64{1, 3, 4, 5}, out[:])
	want := [4]classify.Count{{Spam: 1}, {Ham: 1, Spam: 1}, {Ham: 1}, {}}
	if out != want || l.model.Totals() != (classify.Count{Ham: 1, Spam: 1}) {
		t.Errorf("after the flip: %+v, %+v", out, l.model.Totals())
	}
	l.model.count(a.features, true, -1)
	l.model.count(b.features, false, -1)
	if len(l.model.features) != 0 || l.model.total != (classify.Count{}) {
		t.Errorf("all taken out, but %v are left", l.model.features)
	}
}

// A verdict hears the beginning of a message, what training goes by does not.
func TestVerdictHearsTheBeginning(t *testing.T) {
	span := func(from, to uint64) (list []uint64) {
		for f := from; f < to; f++ {
			list = append(list, f)
		}
		return list
	}
	l := newLearner(training.Rule{All: true})
	for i := range 2 * classify.MinLabels {
		m := message{spam: i%2 == 0, digest: classify.Digest{byte(i)}, features: span(100, 200)}
		if m.spam {
			m.features = span(1, 40)
		}
		l.learn(m, l.score(m))
	}
	m := message{features: slices.Concat(span(1, 40), span(100, 200)), behind: slices.Repeat([]uint8{0}, 39)}
	m.behind = append(m.behind, slices.Repeat([]uint8{1}, 100)...)
	before := l.score(m)
	verdict := l.verdict(m, before)
	if before.Beginning != 0 || verdict.Beginning == 0 || verdict.P <= before.P || before.C >= 0 {
		t.Errorf("spam before more ham: verdict %+v, training goes by %+v", verdict, before)
	}
}

// What is trained as a batch gives the scores that two mailboxes trained one after
// the other give.
func TestSplitIsAsTheStoreDoes(t *testing.T) {
	o := DefaultOptions(writeCorpus(t, 200))
	o.Split = 0.5
	got := walk(t, o)
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, spam := range []bool{false, true} {
		class, folder := store.Ham, filepath.Join(dir, "ham")
		if spam {
			class, folder = store.Spam, filepath.Join(dir, "spam")
		}
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		for i, e := range got.corpus.entries[:100] {
			if e.Spam != spam {
				continue
			}
			if err := os.Link(e.Path, filepath.Join(folder, fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := training.New(db, training.Options{}).Train(t.Context(), class, []string{folder}, mailfiles.Options{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	model, err := db.Model("")
	if err != nil {
		t.Fatal(err)
	}
	var scorer classify.Scorer
	for i := 100; i < 200; i++ {
		raw, err := os.ReadFile(got.corpus.entries[i].Path)
		if err != nil {
			t.Fatal(err)
		}
		m := classify.Extract(o.Classify, raw)
		if want := scorer.Score(m.Features, m.Grams, model); got.places[i].Score != want {
			t.Fatalf("message %d: %+v, by the store %+v", i+1, got.places[i].Score, want)
		}
	}
}

func TestRunErrors(t *testing.T) {
	index := writeCorpus(t, 10)
	for name, change := range map[string]func(*Options){
		"one fold":       func(o *Options) { o.Folds = 1 },
		"many folds":     func(o *Options) { o.Folds = 11 },
		"from below":     func(o *Options) { o.From = -1 },
		"auto of few":    func(o *Options) { o.From = FromAuto },
		"all late":       func(o *Options) { o.Delay = 10 },
		"two modes":      func(o *Options) { o.Delay, o.Split = 1, 0.5 },
		"whole split":    func(o *Options) { o.Split = 1 },
		"flips":          func(o *Options) { o.FlipHam = 1.5 },
		"no index":       func(o *Options) { o.Index += "x" },
		"classify":       func(o *Options) { o.Classify.MaxParts = 0 },
		"file went away": func(*Options) { os.Remove(filepath.Join(filepath.Dir(index), "../data/0007")) },
	} {
		o := DefaultOptions(index)
		change(&o)
		if r, err := Run(t.Context(), o); err == nil {
			t.Errorf("%s: no error but %+v", name, r)
		} else if name == "file went away" && !strings.Contains(err.Error(), "read message: "+index+":8: ") {
			t.Errorf("%s: %v", name, err)
		}
		writeFile(t, filepath.Join(filepath.Dir(index), "../data/0007"), "From: x\n\nagain\n")
	}
}

func TestRunEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := DefaultOptions(writeCorpus(t, 200))
	calls := 0
	o.Progress = func(p Phase, done, total int) {
		if calls++; p != Measuring || done > total || total != 400 {
			t.Errorf("progress %d: %d of %d", p, done, total)
		}
		cancel()
	}
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

// The resamples of all series are told one by one, up to the last, and end with the
// context.
func TestResamplingIsTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a, b := DefaultOptions(writeCorpus(t, 120)), DefaultOptions(writeCorpus(t, 100))
	bench := Bench{Indexes: []string{a.Index, b.Index}, Configs: []Config{a.Config}, Plans: []Plan{a.Plan}, Resamples: 40}
	last, stop := 0, 0
	bench.Progress = func(p Phase, done, total int) {
		if p != Resampling {
			return
		}
		if done != last+1 || total != 3*40 { // both indexes, and together
			t.Errorf("resample %d of %d after %d", done, total, last)
		}
		if last = done; done == stop {
			cancel()
		}
	}
	if _, err := bench.Run(ctx); err != nil || last != 120 {
		t.Errorf("%v after %d resamples", err, last)
	}
	last, stop = 0, 50
	if _, err := bench.Run(ctx); !errors.Is(err, context.Canceled) || last != stop {
		t.Errorf("%v after %d resamples, want an end after %d", err, last, stop)
	}
}
