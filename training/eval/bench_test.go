package eval

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/training/eval/figures"
)

// Labels that come late: the score of a message is that of a model which knows
// all but the last ones before it, and the rest at the end is never learned.
func TestRunDelay(t *testing.T) {
	o := DefaultOptions(writeCorpus(t, 60))
	o.Delay = 7
	got := walk(t, o)
	r := mustLoad(t, o).reader()
	learner := newLearner(o.Rule)
	for i := range 60 {
		m := mustRead(t, r, i)
		if want := learner.verdict(m, learner.score(m)); got.places[i].Score != want {
			t.Fatalf("message %d: %+v, want %+v", i, got.places[i].Score, want)
		}
		if i >= 7 {
			m := mustRead(t, r, i-7)
			learner.learn(m, learner.score(m))
		}
	}
}

func TestRunSplit(t *testing.T) {
	o := DefaultOptions(writeCorpus(t, 60))
	o.Split = 0.5
	got := walk(t, o)
	r := mustLoad(t, o).reader()
	learner := newLearner(o.Rule)
	for i := range 30 {
		m := mustRead(t, r, i)
		learner.record(m)
	}
	learner.settle()
	if n := len(got.counted()); n != 30 {
		t.Fatalf("%d messages counted", n)
	}
	for i, x := range got.counted() {
		if want := learner.score(mustRead(t, r, 30+i)); x.Message != 30+i || x.Score != want {
			t.Fatalf("message %d: %+v, want %+v", 30+i, x, want)
		}
	}
}

// With all labels flipped the model believes the opposite, and is judged by the
// truth.
func TestRunFlipped(t *testing.T) {
	o := DefaultOptions(writeCorpus(t, 300))
	o.FlipHam, o.FlipSpam = 1, 1
	if r := mustRun(t, o); r.ROCA < 80 {
		t.Errorf("1-ROCA %v", r.ROCA)
	}
}

// Messages that memory has no room for are read anew: the figures are the same.
func TestRunWithoutMemory(t *testing.T) {
	o := DefaultOptions(writeCorpus(t, 80))
	want := walk(t, o).places
	index, err := ReadIndex(o.Index)
	if err != nil {
		t.Fatal(err)
	}
	c, err := load(t.Context(), o.Index, index, o.Classify, 20_000, new(progress))
	if err != nil {
		t.Fatal(err)
	}
	held := 0
	for _, m := range c.held {
		if m.features != nil {
			held++
		}
	}
	r := newRun(c, o.Config, o.Plan, 0)
	if err := r.passes[0].do(t.Context(), new(progress)); err != nil {
		t.Fatal(err)
	}
	if held == 0 || held == 80 || !slices.Equal(r.places, want) {
		t.Errorf("%d messages held; the results differ: %v", held, !slices.Equal(r.places, want))
	}
}

// bench is two indexes, two configurations and three orders.
func bench(t *testing.T) Bench {
	a := DefaultOptions(writeCorpus(t, 120))
	b := DefaultOptions(writeCorpus(t, 90))
	all := a.Config
	all.Name, all.Rule.All = "all.toml", true
	plans := make([]Plan, 3)
	for i := range plans {
		seed := uint64(i + 1)
		plans[i] = Plan{From: 1, Shuffle: &seed}
	}
	return Bench{
		Indexes: []string{a.Index, b.Index}, Configs: []Config{a.Config, all}, Plans: plans, Resamples: 100, Worst: 3,
	}
}

func mustBench(t *testing.T, b Bench) *Outcome {
	t.Helper()
	out, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range out.Series {
		out.Series[i].Seconds = 0
	}
	return out
}

func TestBench(t *testing.T) {
	b := bench(t)
	out := mustBench(t, b)
	if len(out.Series) != 6 || len(out.Comparisons) != 3 {
		t.Fatalf("%d series, %d comparisons", len(out.Series), len(out.Comparisons))
	}
	for i, s := range out.Series {
		index, n := append(b.Indexes, "all 2 indexes")[i/2], []int{120, 90, 210}[i/2]
		if s.Index != index || s.N != n || s.Report.Runs != 3 || len(s.Entries) != n || (s.Config == "all.toml") != (i%2 == 1) || s.Pooled != (i >= 4) {
			t.Errorf("series %d: %s of %d messages, %s", i, s.Index, s.N, s.Config)
		}
	}
	pooled := out.Series[0].Errors + out.Series[2].Errors
	if got := out.Series[4].Errors; math.Abs(got-pooled) > 1e-9 || out.Series[4].Curve != nil || out.Series[4].Fine != nil {
		t.Errorf("pooled %v errors, want %v", got, pooled)
	}
	c := out.Comparisons[1]
	if d := out.Series[3].ROCA - out.Series[2].ROCA; c.Index != b.Indexes[1] || math.Abs(d-c.Difference.ROCA) > 1e-9 {
		t.Errorf("difference %v, want %v", c.Difference.ROCA, d)
	}
	for _, x := range append(c.Changed, out.Comparisons[2].Changed...) {
		if x.File == "" {
			t.Errorf("a change without a file: %+v", x)
		}
	}
	// One configuration and one order alone give what they give among others.
	one := Options{Index: b.Indexes[1], Config: b.Configs[1], Plan: b.Plans[2]}
	if r := walk(t, one); !slices.Equal(r.counted(), out.Series[3].Results[2]) {
		t.Error("runs disturb each other")
	}
}

// The same bench gives the same bytes, however many goroutines do it.
func TestBenchIsRepeatable(t *testing.T) {
	b := bench(t)
	b.Plans = append(b.Plans, b.Plans...)
	for i := range b.Plans {
		b.Plans[i].Folds = 3
	}
	var outs []*Outcome
	for _, cpus := range []int{1, 4} {
		old := runtime.GOMAXPROCS(cpus)
		outs = append(outs, mustBench(t, b))
		runtime.GOMAXPROCS(old)
	}
	first, errA := json.Marshal(outs[0])
	second, errB := json.Marshal(outs[1])
	if err := errors.Join(errA, errB); err != nil || string(first) != string(second) || !reflect.DeepEqual(outs[0], outs[1]) {
		t.Errorf("%v\n%s\n%s", err, first, second)
	}
}

// Other features need the files to be read for each configuration.
func TestBenchOtherFeatures(t *testing.T) {
	b := bench(t)
	b.Configs[1].Classify.MaxFeatures = 100
	b.Configs[1].Classify.MaxHeaders = 10
	o := Options{Index: b.Indexes[0], Config: b.Configs[1], Plan: b.Plans[0]}
	if want := walk(t, o).counted(); !slices.Equal(mustBench(t, b).Series[1].Results[0], want) {
		t.Error("the second configuration was given the first one's features")
	}
}

func TestMistakes(t *testing.T) {
	o := DefaultOptions(writeCorpus(t, 200))
	second := uint64(2)
	shuffled := o.Plan
	shuffled.Shuffle = &second
	b := Bench{Indexes: []string{o.Index}, Configs: []Config{o.Config}, Plans: []Plan{o.Plan, shuffled}, Worst: 4, Resamples: 10}
	s := mustBench(t, b).Series[0]
	if len(s.Mistakes) != 4 {
		t.Fatalf("%d mistakes", len(s.Mistakes))
	}
	surest := map[int]float64{}
	times := map[int]int{}
	for _, run := range s.Results {
		for _, r := range run {
			if r.Wrong() {
				surest[r.Message] = max(surest[r.Message], math.Abs(r.Score.LogOdds))
				times[r.Message]++
			}
		}
	}
	for i, m := range s.Mistakes {
		if i > 0 && math.Abs(s.Mistakes[i-1].LogOdds) < math.Abs(m.LogOdds) {
			t.Errorf("mistake %d is surer than the one before", i)
		}
		if math.Abs(m.LogOdds) != surest[m.Message] || m.Runs != times[m.Message] || m.File != s.Entries[m.Message].Path || m.Spam != s.Entries[m.Message].Spam {
			t.Errorf("mistake %+v: surest %v, %d times", m, surest[m.Message], times[m.Message])
		}
		if !strings.HasPrefix(m.Subject, "message ") || !strings.HasPrefix(m.From, "sender") || len(m.Clues) == 0 {
			t.Errorf("mistake %+v is not explained", m)
		}
		delete(surest, m.Message)
	}
	for message, odds := range surest {
		if odds > math.Abs(s.Mistakes[3].LogOdds) {
			t.Errorf("message %d at %v is left out", message, odds)
		}
	}
}

func TestAdvice(t *testing.T) {
	o := DefaultOptions(writeCorpus(t, 300))
	b := Bench{Indexes: []string{o.Index}, Configs: []Config{o.Config}, Resamples: 10, OneIn: 50}
	b.Plans = []Plan{{From: FromAuto, FlipHam: 1, FlipSpam: 1}} // so that ham scores high
	out := mustBench(t, b)
	a, s := out.Advice, out.Series[0]
	if a == nil || a.Ham != s.Ham || a.RejectCutoff != a.Cutoffs.Reject || len(a.Highest) == 0 {
		t.Fatalf("advice %+v", a)
	}
	r, err := figures.Measure(s.Results, classify.Cutoffs{Ham: a.HamCutoff, Spam: a.SpamCutoff, Reject: a.RejectCutoff}, 10, nil)
	if err != nil || int(r.HamRejected) != a.Above || int(r.SpamRejected) != a.Then.Spam[figures.Reject] {
		t.Errorf("%v: with the advised cut-offs %+v, said %+v", err, r.Figures, a.Then)
	}
	for _, h := range a.Highest {
		if h.File == "" || h.Score > a.RejectCutoff {
			t.Errorf("%+v", h)
		}
	}
}

func TestBenchErrors(t *testing.T) {
	good := bench(t)
	good.Indexes, good.Configs, good.Plans = good.Indexes[:1], good.Configs[:1], good.Plans[:1]
	for name, change := range map[string]func(*Bench){
		"no index":             func(b *Bench) { b.Indexes = nil },
		"no run":               func(b *Bench) { b.Plans = nil },
		"no configuration":     func(b *Bench) { b.Configs = nil },
		"three configurations": func(b *Bench) { b.Configs = []Config{b.Configs[0], b.Configs[0], b.Configs[0]} },
		"advice on two":        func(b *Bench) { b.Indexes, b.OneIn = append(b.Indexes, b.Indexes...), 100 },
		"advice 1 in 1":        func(b *Bench) { b.OneIn = 1 },
		"one class counted":    func(b *Bench) { b.Plans = []Plan{{From: 120}} },
	} {
		b := good
		change(&b)
		if out, err := b.Run(t.Context()); err == nil {
			t.Errorf("%s: no error but %+v", name, out)
		}
	}
}

// The first message that cannot be read is named, whoever came upon it.
func TestInParallelErrors(t *testing.T) {
	for range 100 {
		err := inParallel(t.Context(), 50, 4, func() func(int) error {
			return func(i int) error {
				if i >= 7 {
					return taskError(i)
				}
				return nil
			}
		})
		if err != taskError(7) {
			t.Fatalf("got %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := inParallel(ctx, 5, 2, func() func(int) error { return func(int) error { return nil } }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

type taskError int

func (taskError) Error() string { return "task failed" }
