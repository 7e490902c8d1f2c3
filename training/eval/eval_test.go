package eval

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/training"
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

func mustRun(t *testing.T, o Options) Report {
	t.Helper()
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Seconds < 0 {
		t.Errorf("%v seconds", r.Seconds)
	}
	r.Seconds = 0
	return r
}

func TestRunOnline(t *testing.T) {
	o := DefaultOptions(writeCorpus(t, 300))
	o.Rule.Margin = 6 // these messages are short: few make the counts sure
	r := mustRun(t, o)
	if r.N != 300 || r.Ham+r.Spam != 300 || r.ROCA >= 20 {
		t.Errorf("nothing was learned: %+v", r)
	}
	if again := mustRun(t, o); again != r {
		t.Errorf("the same run twice: %+v and %+v", r, again)
	}
	o.Rule.All = true
	if all := mustRun(t, o); all == r {
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
	got := run{ctx: t.Context(), o: o, corpus: mustIndex(t, o)}
	if err := got.online(); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	model, err := db.Model("")
	if err != nil {
		t.Fatal(err)
	}
	trainer := training.New(db, training.Options{Margin: 3})
	var scorer classify.Scorer
	outcomes := map[training.Outcome]int{}
	for i, e := range got.corpus.index {
		raw, err := os.ReadFile(e.Path)
		if err != nil {
			t.Fatal(err)
		}
		if want := scorer.Score(classify.Extract(o.Classify, raw).Features, nil, model); got.results[i].Score != want {
			t.Fatalf("message %d: %+v, by the store %+v", i+1, got.results[i].Score, want)
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
	whole := run{ctx: t.Context(), o: o, corpus: mustIndex(t, o)}
	if err := whole.online(); err != nil {
		t.Fatal(err)
	}
	for _, from := range []int{1, 2, 150} {
		o.From = from
		want, err := Measure(whole.results[from-1:], o.Cutoffs)
		if err != nil {
			t.Fatal(err)
		}
		if got := mustRun(t, o); got != want || got.N != 200-from+1 {
			t.Errorf("from %d: got %+v, want %+v", from, got, want)
		}
	}
	o.From = 201
	if _, err := Run(t.Context(), o); !errors.Is(err, ErrOneClass) {
		t.Errorf("from behind the end: %v", err)
	}
}

func mustIndex(t *testing.T, o Options) *reader {
	t.Helper()
	index, err := ReadIndex(o.Index)
	if err != nil {
		t.Fatal(err)
	}
	return newReader(o.Classify, index)
}

func TestRunShuffled(t *testing.T) {
	o := DefaultOptions(writeCorpus(t, 200))
	plain := mustRun(t, o)
	one, two := uint64(1), uint64(2)
	o.Shuffle = &one
	first := mustRun(t, o)
	if again := mustRun(t, o); again != first {
		t.Error("the same seed gives another permutation")
	}
	o.Shuffle = &two
	if second := mustRun(t, o); second == first || first == plain {
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
	got := run{ctx: t.Context(), o: o, corpus: mustIndex(t, o), results: make([]Result, 0, 60)}
	if err := got.crossValidate(); err != nil {
		t.Fatal(err)
	}
	corpus := mustIndex(t, o)
	for out := range 60 {
		learner := newLearner(o.Rule)
		for i := range 60 {
			if m := mustRead(t, corpus, i); i != out {
				learner.learn(m, learner.score(m))
			}
		}
		if want := learner.score(mustRead(t, corpus, out)); got.results[out].Score != want {
			t.Fatalf("message %d: %+v, want %+v", out, got.results[out].Score, want)
		}
	}
	o.Folds, o.Seed = 5, 1
	first := mustRun(t, o)
	if again := mustRun(t, o); again != first || first.N != 60 {
		t.Errorf("the same seed gives %+v and %+v", first, again)
	}
	results := func(seed uint64) []Result {
		o.Seed = seed
		r := run{ctx: t.Context(), o: o, corpus: corpus, results: make([]Result, 0, 60)}
		if err := r.crossValidate(); err != nil {
			t.Fatal(err)
		}
		return r.results
	}
	if slices.Equal(results(1), results(2)) {
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
	if got := l.counts.Totals(); got != (classify.Count{Ham: 1}) {
		t.Errorf("seen twice: %+v", got)
	}
	l.learn(b, l.score(b))
	a.spam = true
	l.learn(a, l.score(a))
	var out [4]classify.Count
	l.counts.Lookup([]uint64{1, 3, 4, 5}, out[:])
	want := [4]classify.Count{{Spam: 1}, {Ham: 1, Spam: 1}, {Ham: 1}, {}}
	if out != want || l.counts.Totals() != (classify.Count{Ham: 1, Spam: 1}) {
		t.Errorf("after the flip: %+v, %+v", out, l.counts.Totals())
	}
	l.counts.add(a.features, true, -1)
	l.counts.add(b.features, false, -1)
	if len(l.counts.features) != 0 || l.counts.total != (classify.Count{}) {
		t.Errorf("all taken out, but %v are left", l.counts.features)
	}
}

func TestReadIndexErrors(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, want string }{
		"other word": {"spam a\nmaybe b\n", ":2: "},
		"no path":    {"ham\n", ":1: "},
		"empty":      {"\n\n", "names no messages"},
		"long line":  {strings.Repeat("x", 70_000), "too long"},
		"binary":     {"\x00\x01\x1b[31m\n", ":1: "},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			writeFile(t, file, c.text)
			_, err := ReadIndex(file)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\x00\x1b") {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
	if _, err := ReadIndex(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestReadIndexPaths(t *testing.T) {
	file := filepath.Join(t.TempDir(), "index")
	writeFile(t, file, "spam ../a b\n\n  ham   /abs/c  \r\nham d")
	got, err := ReadIndex(file)
	dir := filepath.Dir(file)
	want := []Entry{{true, filepath.Join(dir, "../a b")}, {false, "/abs/c"}, {false, filepath.Join(dir, "d")}}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestRunErrors(t *testing.T) {
	index := writeCorpus(t, 10)
	for name, change := range map[string]func(*Options){
		"one fold":       func(o *Options) { o.Folds = 1 },
		"many folds":     func(o *Options) { o.Folds = 11 },
		"from nought":    func(o *Options) { o.From = 0 },
		"no index":       func(o *Options) { o.Index += "x" },
		"classify":       func(o *Options) { o.Classify.MaxParts = 0 },
		"file went away": func(*Options) { os.Remove(filepath.Join(filepath.Dir(index), "../data/0007")) },
	} {
		o := DefaultOptions(index)
		change(&o)
		if r, err := Run(t.Context(), o); err == nil {
			t.Errorf("%s: no error but %+v", name, r)
		} else if name == "file went away" && !strings.Contains(err.Error(), "message 8 of the index") {
			t.Errorf("%s: %v", name, err)
		}
		writeFile(t, filepath.Join(filepath.Dir(index), "../data/0007"), "From: x\n\nagain\n")
	}
}

func TestRunEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := DefaultOptions(writeCorpus(t, 200))
	calls := 0
	o.Progress = func(done, total int) {
		if calls++; done > total || total != 200 {
			t.Errorf("progress %d of %d", done, total)
		}
		cancel()
	}
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}
