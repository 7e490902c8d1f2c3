package training

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/store/history"
	"fanmill/store/query"
)

func TestAutoRuleClass(t *testing.T) {
	r := AutoRule{HamBelow: 0.02, SpamAbove: 0.98}
	for score, want := range map[float64]store.Class{
		0: store.Ham, 0.019: store.Ham, 0.02: store.None, 0.5: store.None, 0.98: store.None, 0.981: store.Spam, 1: store.Spam,
	} {
		if got := r.Class(classify.Score{P: score}); got != want {
			t.Errorf("score %v: got %v, want %v", score, got, want)
		}
		if got := r.Class(classify.Score{P: score, Beginning: 1}); got != store.None {
			t.Errorf("score %v, lifted for the beginning: got %v", score, got)
		}
	}
}

func TestAutoRuleAllows(t *testing.T) {
	r := AutoRule{Share: 0.5, Lead: 10, MinLabels: 50}
	labels := func(ham, spam int) store.Labels { return store.Labels{Ham: ham, Spam: spam} }
	for name, c := range map[string]struct {
		class       store.Class
		people, own store.Labels
		want        bool
	}{
		"first":                 {store.Ham, labels(100, 50), labels(0, 0), true},
		"too few ham":           {store.Spam, labels(49, 500), labels(0, 0), false},
		"too few spam":          {store.Ham, labels(500, 49), labels(0, 0), false},
		"lead not used up":      {store.Ham, labels(100, 50), labels(9, 0), true},
		"lead used up":          {store.Ham, labels(100, 50), labels(10, 0), false},
		"lead in proportion":    {store.Ham, labels(100, 50), labels(29, 10), true},
		"lead in proportion up": {store.Ham, labels(100, 50), labels(30, 10), false},
		"share not used up":     {store.Spam, labels(100, 50), labels(49, 24), true},
		"share used up":         {store.Spam, labels(100, 50), labels(49, 25), false},
		"share of ham":          {store.Ham, labels(100, 50), labels(50, 25), false},
	} {
		if got := r.Allows(c.class, c.people, c.own); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestAutoRuleValidate(t *testing.T) {
	if err := DefaultAutoRule().Validate(); err != nil {
		t.Error(err)
	}
	for _, change := range []func(*AutoRule){
		func(r *AutoRule) { r.HamBelow = r.SpamAbove },
		func(r *AutoRule) { r.HamBelow = -0.1 },
		func(r *AutoRule) { r.SpamAbove = 1.1 },
		func(r *AutoRule) { r.Share = -1 },
		func(r *AutoRule) { r.Lead = 0 },
		func(r *AutoRule) { r.MinLabels = -1 },
	} {
		r := DefaultAutoRule()
		if change(&r); r.Validate() == nil {
			t.Errorf("%+v is accepted", r)
		}
	}
}

// learnAll lets every message be judged sure enough, whatever its score, and count.
func learnAll() AutoOptions {
	return AutoOptions{
		Enabled: true, AutoRule: AutoRule{HamBelow: 0.5, SpamAbove: 0.5, Share: 1, Lead: 1000, MinLabels: 1}, Trainer: Options{All: true},
	}
}

// offer has a learn what m scores now, and waits for it.
func offer(t failer, a *Auto, raw string) {
	t.Helper()
	m := classify.Extract(classify.DefaultOptions(), []byte(raw))
	model, err := a.db.Model("")
	if err != nil {
		t.Fatal(err)
	}
	a.Learn(m, new(classify.Scorer).Score(m.Features, m.Grams, model))
	for len(a.queue) > 0 {
		if err := a.one(context.Background(), <-a.queue); err != nil {
			t.Fatal(err)
		}
	}
}

// taught returns an Auto over a ledger that people have taught.
func taught(t testing.TB, o func() AutoOptions) *Auto {
	t.Helper()
	db := open(t, t.TempDir())
	tr := New(db, train1)
	for i := range 30 {
		for _, class := range []store.Class{store.Ham, store.Spam} {
			if _, err := tr.Learn(t.Context(), class, []byte(mail(class == store.Spam, i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	return NewAuto(db, nil, o, slog.New(slog.DiscardHandler))
}

func own(t failer, a *Auto) store.Labels {
	t.Helper()
	labels, _, err := a.db.LabelsBy(context.Background(), "", autoSource)
	if err != nil {
		t.Fatal(err)
	}
	return labels
}

func TestAutoLearnsOnce(t *testing.T) {
	a := taught(t, learnAll)
	message := mail(true, 100)
	offer(t, a, message)
	if got := own(t, a); got != (store.Labels{Spam: 1}) {
		t.Fatalf("got %+v", got)
	}
	seq := a.db.Seq()
	offer(t, a, message) // a retry
	offer(t, a, strings.Replace(message, "\n\n", "\nList-Id: <l.example.org>\n\n", 1)+"\n-- \nfooter of a list\n")
	if a.db.Seq() != seq {
		t.Errorf("a message seen again wrote to the ledger: %+v", own(t, a))
	}
	ops, err := a.db.Ops(t.Context(), seq-1, 1)
	if err != nil || len(ops) != 1 || ops[0].Origin != (store.Origin{Source: "auto"}) {
		t.Errorf("the op is %+v, %v", ops, err)
	}
	checkRebuild(t, a.db)
}

// After a restart too: the history has the Message-IDs of what the ledger knows as learned.
func TestAutoLearnsOnceAcrossRestart(t *testing.T) {
	a := taught(t, learnAll)
	dir := t.TempDir()
	h, err := history.Open(t.Context(), history.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for i, raw := range []string{mail(true, 100), mail(true, 101)} { // the latter is recorded, but not learned
		m := classify.Extract(classify.DefaultOptions(), []byte(raw))
		h.Add(history.Record{ID: fmt.Sprint(i), Digest: m.Digest, MessageID: m.MessageID})
	}
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	offer(t, a, mail(true, 100))
	again := NewAuto(a.db, h, learnAll, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() { again.Run(ctx); close(stopped) }()
	model, err := a.db.Model("")
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{100, 101} { // as a list sends them
		m := classify.Extract(classify.DefaultOptions(), []byte(strings.Replace(mail(true, i), "\n\n", "\nList-Id: <l.example.org>\n\n", 1)+"\n-- \nfooter\n"))
		again.Learn(m, new(classify.Scorer).Score(m.Features, m.Grams, model))
	}
	for range 1000 {
		if own(t, a).Spam > 1 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	<-stopped
	if got := own(t, a); got != (store.Labels{Spam: 2}) { // 100, and the list's form of 101
		t.Errorf("got %+v", got)
	}
}

// What a person has decided about a message, to take its label away included, stands.
func TestAutoLeavesPeoplesDecisions(t *testing.T) {
	a := taught(t, learnAll)
	person := New(a.db, train1)
	if _, err := person.Learn(t.Context(), store.Ham, []byte(mail(true, 100))); err != nil {
		t.Fatal(err)
	}
	if _, err := person.ForgetMessage(t.Context(), []byte(mail(true, 3))); err != nil {
		t.Fatal(err)
	}
	offer(t, a, mail(true, 101))
	if own(t, a).Spam != 1 {
		t.Fatal("nothing was learned")
	}
	undoAuto(t, a.db)
	a.recent = recent{} // as after a restart
	seq := a.db.Seq()
	for _, i := range []int{100, 3, 101} {
		offer(t, a, mail(true, i))
	}
	if a.db.Seq() != seq {
		t.Errorf("what people had decided about was learned: %+v", own(t, a))
	}
}

func TestAutoIsOffOrUnsure(t *testing.T) {
	o := learnAll()
	a := taught(t, func() AutoOptions { return o })
	for name, change := range map[string]func(*AutoOptions){
		"off":         func(o *AutoOptions) { o.Enabled = false },
		"not far out": func(o *AutoOptions) { o.HamBelow, o.SpamAbove = 0, 1 },
		"few labels":  func(o *AutoOptions) { o.MinLabels = 31 },
		"no share":    func(o *AutoOptions) { o.Share = 0.01 },
	} {
		o = learnAll()
		change(&o)
		seq := a.db.Seq()
		offer(t, a, mail(true, 200))
		if a.db.Seq() != seq {
			t.Errorf("%s: learned", name)
		}
	}
	o = learnAll()
	o.Trainer.All = false
	a.Learn(classify.Extract(classify.DefaultOptions(), []byte(mail(true, 200))), classify.Score{P: 1, C: 100, L: 5})
	if len(a.queue) > 0 {
		t.Error("a message that adds nothing is to be learned")
	}
}

// Learn never waits: what the queue has no room for is counted.
func TestAutoDropsWhatItCannotKeepUpWith(t *testing.T) {
	a := taught(t, learnAll)
	m := classify.Extract(classify.DefaultOptions(), []byte(mail(true, 100)))
	for range autoQueue + 7 {
		a.Learn(m, classify.Score{P: 1})
	}
	if n := a.dropped.Load(); n != 7 || len(a.queue) != autoQueue {
		t.Errorf("%d dropped, %d waiting", n, len(a.queue))
	}
}

func TestRecent(t *testing.T) {
	var r recent
	r.add("")
	for i := range autoRecent + 10 {
		r.add(fmt.Sprint(i))
		r.add(fmt.Sprint(i))
	}
	for id, want := range map[string]bool{"": false, "0": false, "9": false, "10": true, fmt.Sprint(autoRecent + 9): true} {
		if r.has(id) != want {
			t.Errorf("%q: got %v", id, !want)
		}
	}
	if len(r.ids) != autoRecent || len(r.ring) != autoRecent {
		t.Errorf("%d ids, %d places", len(r.ids), len(r.ring))
	}
}

func undoAuto(t failer, db *store.DB) {
	t.Helper()
	list, err := db.Undoables(context.Background(), query.Selection{Source: autoSource}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Undo(context.Background(), db, list, store.Origin{Actor: "anna"}, nil); err != nil {
		t.Fatal(err)
	}
}

// Undoing what was learned automatically leaves the model as it was before, bit for bit,
// and what people have decided about such messages since.
func TestUndoOfAutoIsExact(t *testing.T) {
	dir, runs := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		db, err := store.Open(context.Background(), store.Options{Dir: filepath.Join(dir, fmt.Sprint(runs))})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		person := New(db, train1)
		messages := rapid.SliceOfN(rapid.IntRange(0, 12), 1, 30)
		for _, i := range messages.Draw(t, "people's") {
			class := store.Class(rapid.IntRange(1, 2).Draw(t, "class"))
			if _, err := person.Learn(context.Background(), class, []byte(mail(i%2 == 0, i))); err != nil {
				t.Fatal(err)
			}
		}
		before := export(t, db)
		a := NewAuto(db, nil, learnAll, slog.New(slog.DiscardHandler))
		for _, i := range messages.Draw(t, "automatic") {
			offer(t, a, mail(i%2 == 0, i))
		}
		flipped := own(t, a).Spam > 0 && rapid.Bool().Draw(t, "flip one")
		if flipped {
			flipAuto(t, db, person)
		}
		undoAuto(t, db)
		if got := own(t, a); got != (store.Labels{}) {
			t.Fatalf("%+v are left", got)
		}
		after := export(t, db)
		if (after == before) == flipped {
			t.Fatalf("undone: the model is as before: %v, although a person decided since: %v", !flipped, flipped)
		}
		if err := db.Rebuild(context.Background()); err != nil {
			t.Fatal(err)
		}
		if export(t, db) != after {
			t.Fatal("the model is not what the ledger says")
		}
	})
}

// flipAuto has a person call the newest automatic spam ham.
func flipAuto(t failer, db *store.DB, person *Trainer) {
	t.Helper()
	rows, err := db.Recent(context.Background(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Class != store.Spam || row.Source != autoSource {
			continue
		}
		if row, err = db.Load(context.Background(), row.ID); err != nil {
			t.Fatal(err)
		}
		m := &classify.Message{Digest: row.Digest, Features: row.Features, Grams: row.Grams}
		if r, err := person.LearnMessage(context.Background(), store.Ham, m); err != nil || r.Outcome != Flipped {
			t.Fatal(r.Outcome, err)
		}
		return
	}
}
