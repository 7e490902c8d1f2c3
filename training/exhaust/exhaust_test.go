package exhaust

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
	"fanmill/store/model"
	"fanmill/store/query"
	"fanmill/training"
	"fanmill/training/corpus"
)

// letter makes the i-th message of a class: words of its class and of both.
func letter(class store.Class, i int) string {
	r := rand.New(rand.NewPCG(uint64(class), uint64(i)))
	var b strings.Builder
	fmt.Fprintf(&b, "From: %s%d@example.org\nSubject: number %d\nMessage-ID: <%d.%s@example.org>\n\n", class, i%9, i, i, class)
	for range 40 {
		fmt.Fprintf(&b, "word%d\n", int(class)*30+r.IntN(40))
	}
	return b.String()
}

func mbox(class store.Class, from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteString("From x@example.org Thu Jan  1 00:00:00 2026\n" + letter(class, i) + "\n")
	}
	return b.String()
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func open(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// inputs are two mailboxes of n messages each.
func inputs(t *testing.T, n int) []*Input {
	t.Helper()
	dir := t.TempDir()
	return []*Input{
		{Path: write(t, filepath.Join(dir, "ham"), mbox(store.Ham, 0, n)), Class: store.Ham},
		{Path: write(t, filepath.Join(dir, "spam"), mbox(store.Spam, 0, n)), Class: store.Spam},
	}
}

func gather(t *testing.T, db *store.DB, src Sources) *Collection {
	t.Helper()
	src.Classify = classify.DefaultOptions()
	src.Corpus.Problem = func(p corpus.Problem) { t.Errorf("problem: %v", p) }
	c, err := Gather(t.Context(), db, src)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

var options = Options{Cutoffs: classify.DefaultCutoffs()}

// run trains a collection and returns the model and the last round.
func run(t *testing.T, db *store.DB, c *Collection) (*model.Draft, Round) {
	t.Helper()
	model, err := Model(db, c.src.Scope)
	if err != nil {
		t.Fatal(err)
	}
	last, err := Run(t.Context(), model, c.Messages, options, func(Round) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return model, last
}

func keepAll(*Message) bool { return false }

func save(t *testing.T, db *store.DB, c *Collection) Saved {
	t.Helper()
	s, err := c.Save(t.Context(), db, store.Origin{Actor: "test", Source: store.Exhaust}, keepAll)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func export(t *testing.T, db *store.DB) string {
	t.Helper()
	var b strings.Builder
	if err := db.Export(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestArrange(t *testing.T) {
	list := func(classes string) (out []*Message) {
		for i, c := range classes {
			m := &Message{Class: store.Ham}
			if c == 's' {
				m.Class = store.Spam
			}
			m.Digest[0] = byte(i)
			out = append(out, m)
		}
		return out
	}
	order := func(list []*Message) (s string) {
		for _, m := range list {
			s += m.Class.String()[:1]
		}
		return s
	}
	for _, c := range []struct {
		classes   string
		ham, spam int
		want      string
	}{
		{"hhhhhhss", 0, 0, "hhshhhsh"},
		{"hhhhss", 1, 1, "hshshh"},
		{"hhhhss", 2, 1, "hhshhs"},
		{"sssshh", 1, 2, "hsshss"},
		{"hhh", 0, 0, "hhh"},
		{"", 2, 3, ""},
	} {
		l := list(c.classes)
		rand.Shuffle(len(l), func(i, j int) { l[i], l[j] = l[j], l[i] })
		arrange(l, c.ham, c.spam)
		if got := order(l); got != c.want {
			t.Errorf("%s in groups of %d and %d: %s, want %s", c.classes, c.ham, c.spam, got, c.want)
		}
	}
}

// All messages are known in the end, few of them count, none often, and in whatever order
// they come it is the same.
func TestRun(t *testing.T) {
	db := open(t)
	c := gather(t, db, Sources{Inputs: inputs(t, 300)})
	model, last := run(t, db, c)
	if last.Misses() != 0 || last.N < 2 || last.N >= 10 || last.Messages != 600 {
		t.Errorf("last round %+v", last)
	}
	type state struct {
		adds int
		step int64
	}
	first := map[classify.Digest]state{}
	for _, m := range c.Messages {
		first[m.Digest] = state{m.Adds, m.Step}
		if m.Adds > training.Rounds || m.Missed || m.Suspect() {
			t.Errorf("%s counts %d times, missed %v, slip %v", m.ID, m.Adds, m.Missed, m.Slip)
		}
	}
	l := model.Labels()
	if l.Ham != 300 || l.Spam != 300 || l.HamAdds < 20 || l.SpamAdds < 20 {
		t.Errorf("labels %+v", l)
	}
	again := gather(t, db, Sources{Inputs: inputs(t, 300)})
	rand.Shuffle(len(again.Messages), func(i, j int) {
		again.Messages[i], again.Messages[j] = again.Messages[j], again.Messages[i]
	})
	run(t, db, again)
	for _, m := range again.Messages {
		if s := first[m.Digest]; s != (state{m.Adds, m.Step}) {
			t.Fatalf("in another order %s has %d, %d; was %+v", m.ID, m.Adds, m.Step, s)
		}
	}
}

// Wrong labels are named and not hammered in: they add at most what the first round gave.
func TestWrongLabels(t *testing.T) {
	db, dir := open(t), t.TempDir()
	in := inputs(t, 300)
	in = append(in, &Input{Path: write(t, filepath.Join(dir, "wrong"), mbox(store.Spam, 1000, 1015)), Class: store.Ham})
	c := gather(t, db, Sources{Inputs: in})
	_, last := run(t, db, c)
	misses := Misses(c.Messages, Compared{})
	if last.HamMisses < 10 || last.SpamMisses > 2 || len(misses) != last.Misses() {
		t.Errorf("last round %+v, %d misses", last, len(misses))
	}
	for _, m := range misses {
		if m.Message.Class == store.Ham && (m.Message.Adds > 1 || m.Reason != "looks like spam") {
			t.Errorf("%s counts %d times: %s", m.Message.ID, m.Message.Adds, m.Reason)
		}
	}
	// What a person insists on is believed.
	for _, m := range c.Messages {
		m.Adds, m.Step, m.Sure = 0, 0, true
	}
	if _, last := run(t, db, c); last.HamMisses > 5 {
		t.Errorf("insisted on, last round %+v", last)
	}
}

// The ledger then scores as the run's own model did, with the same calibrator, and so does
// a rebuild; a second run changes nothing.
func TestSave(t *testing.T) {
	db := open(t)
	tr := training.New(db, training.Options{Origin: store.Origin{Actor: "test", Source: "train"}})
	for _, in := range inputs(t, 200) {
		if _, err := tr.Train(t.Context(), in.Class, []string{in.Path}, corpus.Options{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	trained := export(t, db)
	c := gather(t, db, Sources{Inputs: inputs(t, 250)}) // 200 of each are in the ledger
	if len(c.Messages) != 500 || export(t, db) != trained {
		t.Fatalf("%d messages", len(c.Messages))
	}
	draft, _ := run(t, db, c)
	s := save(t, db, c)
	if s.Needed+s.Spare != 500 || s.Needed == 0 || s.Needed > 250 || s.Changed != 0 {
		t.Errorf("saved %+v", s)
	}
	model, err := db.Model("")
	if err != nil {
		t.Fatal(err)
	}
	if model.Fit() != draft.Fit() || model.Labels() != draft.Labels() {
		t.Errorf("fit %+v, labels %+v; the run had %+v, %+v", model.Fit(), model.Labels(), draft.Fit(), draft.Labels())
	}
	for i := range 50 {
		m := classify.Extract(classify.DefaultOptions(), []byte(letter(store.Ham+store.Class(i%2), 5000+i)))
		var sc classify.Scorer
		if a, b := sc.Score(m.Features, m.Grams, model), sc.Score(m.Features, m.Grams, draft); a != b {
			t.Fatalf("message %d: %+v, by the run's model %+v", i, a, b)
		}
	}
	was := export(t, db)
	if err := db.Rebuild(t.Context()); err != nil || export(t, db) != was {
		t.Errorf("rebuilt it is another model (%v)", err)
	}
	seq := db.Seq()
	c = gather(t, db, Sources{})
	run(t, db, c)
	if save(t, db, c); db.Seq() != seq || export(t, db) != was {
		t.Errorf("a second run wrote %d ops", db.Seq()-seq)
	}
	list, err := db.Undoables(t.Context(), query.Selection{Source: store.Exhaust}, 0)
	if err != nil || len(list) < 100 {
		t.Fatalf("%d changes (%v), want the 100 new labels and what the others add", len(list), err)
	}
	if n, err := training.Undo(t.Context(), db, list, store.Origin{}, nil); n != len(list) || err != nil || export(t, db) != trained {
		t.Errorf("%d of %d taken back, %v; the model is not what it was", n, len(list), err)
	}
}

// Only what is given is trained; other labels stay and count no more.
func TestOnly(t *testing.T) {
	db := open(t)
	tr := training.New(db, training.Options{Origin: store.Origin{Source: "train"}})
	for _, in := range inputs(t, 100) {
		if _, err := tr.Train(t.Context(), in.Class, []string{in.Path}, corpus.Options{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	in := inputs(t, 50)
	c := gather(t, db, Sources{Only: true, Inputs: in})
	draft, _ := run(t, db, c)
	save(t, db, c)
	l, err := db.Labels("")
	if err != nil || l.Ham != 100 || l.Spam != 100 || l.HamAdds != draft.Labels().HamAdds || l.SpamAdds != draft.Labels().SpamAdds {
		t.Errorf("labels %+v (%v), the run had %+v", l, err, draft.Labels())
	}
	if err := db.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// What somebody decides while a run goes on stands.
func TestDecidedMeanwhile(t *testing.T) {
	db := open(t)
	tr := training.New(db, training.Options{Origin: store.Origin{Source: "learn"}})
	c := gather(t, db, Sources{Inputs: inputs(t, 60)})
	run(t, db, c)
	raw := []byte(letter(store.Ham, 7))
	if _, err := tr.Learn(t.Context(), store.Spam, raw); err != nil {
		t.Fatal(err)
	}
	if s := save(t, db, c); s.Changed != 1 || s.Needed+s.Spare != 119 {
		t.Errorf("saved %+v", s)
	}
	d := classify.Extract(classify.DefaultOptions(), raw).Digest
	if row, found, err := db.Find(t.Context(), "", d); err != nil || !found || row.Class != store.Spam {
		t.Errorf("%+v, %v", row, err)
	}
	dropped := 0
	c = gather(t, db, Sources{})
	run(t, db, c)
	_, err := c.Save(t.Context(), db, store.Origin{Source: store.Exhaust}, func(m *Message) bool {
		if m.Class == store.Spam && dropped < 3 {
			dropped++
			return true
		}
		return false
	})
	if l, _ := db.Labels(""); err != nil || l.Spam != 58 {
		t.Errorf("labels %+v, %v", l, err)
	}
}

// A run that is cut short has changed nothing; a label given both ways is named, and
// an input's outranks the ledger's.
func TestGather(t *testing.T) {
	db := open(t)
	in := inputs(t, 30)
	c := gather(t, db, Sources{Inputs: in})
	ctx, cancel := context.WithCancel(t.Context())
	model, err := Model(db, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(ctx, model, c.Messages, options, func(Round) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cut short: %v", err)
	}
	if l, err := db.Labels(""); l != (store.Labels{}) || err != nil {
		t.Errorf("labels %+v, %v", l, err)
	}
	run(t, db, c)
	save(t, db, c)
	var problems []string
	src := Sources{Classify: classify.DefaultOptions(), Inputs: []*Input{
		{Path: in[0].Path, Class: store.Spam}, {Path: in[0].Path, Class: store.Ham}, {Path: "nowhere", Class: store.Ham},
	}}
	src.Corpus.Problem = func(p corpus.Problem) { problems = append(problems, p.Error()) }
	c, err = Gather(t.Context(), db, src)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	spam := 0
	for _, m := range c.Messages {
		if m.Class == store.Spam {
			spam++
		}
	}
	if len(c.Messages) != 60 || spam != 60 || len(problems) != 31 || !strings.Contains(problems[0], ErrBoth.Error()) || !strings.Contains(problems[30], "nowhere") {
		t.Errorf("%d messages, %d spam, problems %q", len(c.Messages), spam, problems)
	}
}

func TestCull(t *testing.T) {
	db := open(t)
	in := inputs(t, 200)
	before, err := os.ReadFile(in[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	c := gather(t, db, Sources{Only: true, Inputs: in})
	run(t, db, c)
	needed := map[string]bool{}
	for _, m := range c.Messages {
		if m.Needed() && m.Class == store.Ham {
			needed[m.ID] = true
		}
	}
	k, err := NewCulled(t.Context(), in[0], false)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Fill(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := k.Commit(); err != nil {
		t.Fatal(err)
	}
	var got []string
	err = corpus.Walk(t.Context(), []string{in[0].Path + ".cull"}, corpus.Options{}, func(i corpus.Item) error {
		got = append(got, classify.Extract(classify.DefaultOptions(), i.Raw).MessageID)
		return nil
	})
	if err != nil || len(got) != len(needed) || k.Kept != len(got) || k.Total != 200 || slices.ContainsFunc(got, func(id string) bool { return !needed[id] }) {
		t.Errorf("culled %d of %d to %d messages, %d are needed (%v)", k.Kept, k.Total, len(got), len(needed), err)
	}
	if after, err := os.ReadFile(in[0].Path); err != nil || string(after) != string(before) {
		t.Errorf("the input was changed (%v)", err)
	}
	if _, err := NewCulled(t.Context(), in[0], false); err == nil {
		t.Error("what is there was replaced without force")
	}
	// An input that has changed since is not culled.
	write(t, in[1].Path, mbox(store.Spam, 1, 200))
	if k, err = NewCulled(t.Context(), in[1], false); err != nil {
		t.Fatal(err)
	}
	if err := k.Fill(t.Context(), c); !errors.Is(err, ErrMoved) {
		t.Errorf("changed input: %v", err)
	}
	k.Discard()
	if left, _ := filepath.Glob(filepath.Dir(in[1].Path) + "/*spam*"); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestReasons(t *testing.T) {
	list := []*Message{
		{Class: store.Ham, ID: "<a>", Features: []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, Missed: true, Last: classify.Score{Clues: 50}},
		{Class: store.Spam, ID: "<b>", Features: []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 11}},
		{Class: store.Spam, Features: []uint64{20}, Missed: true, Slip: 0.5, Last: classify.Score{Clues: 50}},
		{Class: store.Spam, Features: []uint64{30}, Missed: true, Last: classify.Score{Clues: 9}},
		{Class: store.Ham, Features: nil, Missed: true, Last: classify.Score{Clues: 10}},
	}
	want := []string{"nearly the same as <b> labelled spam", "looks like ham", "too few clues", "not known well enough yet"}
	var got []string
	seen := Compared{}
	for _, m := range Misses(list, seen) {
		got = append(got, m.Reason)
	}
	if !slices.Equal(got, want) || len(seen) != 4 {
		t.Errorf("%q, want %q", got, want)
	}
	if n := list[2].Name(); len(n) != 16 || list[0].Name() != "<a>" {
		t.Errorf("name %q", n)
	}
}
