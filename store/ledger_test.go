package store

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fanmill/classify"
	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/storetest"
)

// step is one step of a random history of training.
type step struct {
	do    string
	scope string
	n     int
	adds  int
	step  int64
	sure  bool
	waits bool
	fail  bool
}

var steps = rapid.Custom(func(t *rapid.T) step {
	return step{
		do:    rapid.SampledFrom([]string{"ham", "spam", "ham", "spam", "forget", "insist", "confirm", "catchup", "ask"}).Draw(t, "do"),
		scope: rapid.SampledFrom([]string{"", "", "anna", "ben"}).Draw(t, "scope"),
		n:     rapid.IntRange(1, 50).Draw(t, "message"),
		adds:  rapid.SampledFrom([]int{0, 1, 1, 1, 3}).Draw(t, "adds"),
		step:  rapid.SampledFrom([]int64{0, 0, 5, -70000, math.MaxInt32, math.MinInt32}).Draw(t, "step"),
		sure:  rapid.IntRange(0, 9).Draw(t, "sure") == 0,
		waits: rapid.IntRange(0, 5).Draw(t, "waits") == 0,
		fail:  rapid.IntRange(0, 12).Draw(t, "fail") == 0,
	}
})

var errOnPurpose = errors.New("on purpose")

// row is what a step learns.
func (s step) row(class Class) Row {
	row := message(s.n, class, s.adds)
	row.Scope, row.Step, row.Sure, row.Waits = s.scope, s.step, s.sure, s.waits
	if s.waits {
		row.Adds, row.Step = 0, 0
	}
	return row
}

func (s step) carryOut(tx *Tx) error {
	by := Origin{Source: "train"}
	switch s.do {
	case "forget":
		_, err := tx.Forget(s.scope, storetest.Digest(s.n), by)
		return err
	case "insist":
		return unlessNoRow(tx.Insist(s.scope, storetest.Digest(s.n), by))
	case "confirm":
		return unlessNoRow(tx.Confirm(s.scope, storetest.Digest(s.n), Origin{Source: "held"}))
	case "ask":
		tx.Model(s.scope).Fit()
		return nil
	case "ham":
		return tx.Learn(s.row(Ham), by)
	case "spam":
		return tx.Learn(s.row(Spam), by)
	}
	return nil
}

func unlessNoRow(err error) error {
	if errors.Is(err, ledger.ErrNoRow) {
		return nil
	}
	return err
}

// oracle is the model in its plainest form: for each scope the rows in the order in
// which they got label and scores, and nothing of how they came to be what they are.
type oracle map[string][]Row

func (o oracle) apply(s step) {
	rows := o[s.scope]
	i := slices.IndexFunc(rows, func(r Row) bool { return r.Digest == storetest.Digest(s.n) })
	var old Row
	if i >= 0 {
		old = rows[i]
	}
	row := old
	switch {
	case s.do == "ham":
		row = s.row(Ham)
	case s.do == "spam":
		row = s.row(Spam)
	case old.Class == None:
	case s.do == "forget":
		row.Class = None
	case s.do == "insist":
		row.Sure = true
	}
	switch {
	case row.Mark() == old.Mark():
	case row.Class == None:
		o[s.scope] = slices.Delete(rows, i, i+1)
	case i >= 0 && row.Class == old.Class && row.Waits == old.Waits && row.Label() == old.Label():
		rows[i] = row
	case i >= 0:
		o[s.scope] = append(slices.Delete(rows, i, i+1), row)
	default:
		o[s.scope] = append(rows, row)
	}
}

// learn labels the first n messages of a scope, classes in turn.
func (o oracle) learn(t testing.TB, db *DB, scope string, n int) {
	var rows []Row
	for i := 1; i <= n; i++ {
		row := message(i, Ham+Class(i%2), 1)
		row.Scope = scope
		rows = append(rows, row)
	}
	learn(t, db, rows...)
	o[scope] = rows
}

func (o oracle) export() string {
	var b bytes.Buffer
	for _, scope := range []string{"", "anna", "ben"} {
		sum := model.NewSum(0, 0, 0)
		var labels []classify.Label // the newest first
		for _, row := range o[scope] {
			sum.Change(&model.Change{After: row.Mark(), Features: row.Features, Grams: row.Grams, Same: true})
			if !row.Waits {
				labels = slices.Insert(labels, 0, row.Label())
			}
		}
		models := model.NewModels()
		m := models.Set(scope, sum)
		models.Refit(func(most int, each func(classify.Label)) error {
			for _, l := range labels[:most] {
				each(l)
			}
			return nil
		})
		models.Export(&b, m)
	}
	return b.String()
}

// TestModelEqualsLedger: over random training in several scopes by two handles, with
// transactions that fail, each model (counts, weights and Fit) equals the oracle, a
// rebuild, and the other.
func TestModelEqualsLedger(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		handles := []*DB{openAt(t, dir), openAt(t, dir)}
		want := oracle{}
		for _, scope := range []string{"", "anna"} { // close to what makes a Fit, and another one
			want.learn(t, handles[0], scope, rapid.IntRange(30, 45).Draw(rt, "labels"))
		}
		for _, batch := range rapid.SliceOfN(rapid.SliceOfN(steps, 1, 30), 1, 4).Draw(rt, "batches") {
			db := handles[rapid.IntRange(0, 1).Draw(rt, "handle")]
			fails := slices.ContainsFunc(batch, func(s step) bool { return s.fail })
			err := db.Update(t.Context(), func(tx *Tx) error {
				for _, s := range batch {
					if err := s.carryOut(tx); err != nil {
						return err
					}
				}
				if fails {
					return errOnPurpose
				}
				return nil
			})
			switch {
			case fails && !errors.Is(err, errOnPurpose), !fails && err != nil:
				rt.Fatalf("update: %v", err)
			case !fails:
				for _, s := range batch {
					want.apply(s)
				}
			}
			if got, want := export(t, db), want.export(); got != want {
				rt.Fatalf("after %v the model is\n%s\nwant\n%s", batch, head(got), head(want))
			}
			if slices.ContainsFunc(batch, func(s step) bool { return s.do == "catchup" }) {
				catchUp(t, handles[0])
			}
		}
		end := want.export()
		for i, db := range handles {
			catchUp(t, db)
			if got := export(t, db); got != end {
				rt.Fatalf("handle %d has\n%s\nwant\n%s", i, head(got), head(end))
			}
			if err := db.Rebuild(t.Context()); err != nil {
				rt.Fatal(err)
			}
			if got := export(t, db); got != end {
				rt.Fatalf("handle %d, rebuilt:\n%s\nwant\n%s", i, head(got), head(end))
			}
		}
		for i, db := range handles {
			if err := db.Close(); err != nil {
				rt.Fatalf("close handle %d: %v", i, err)
			}
		}
		if got := export(t, openAt(t, dir)); got != end {
			rt.Fatalf("opened again:\n%s\nwant\n%s", head(got), head(end))
		}
	})
}

func TestLearnThenForgetIsNothing(t *testing.T) {
	db := openAt(t, t.TempDir())
	learn(t, db, message(1, Ham, 1), message(2, Spam, 1), message(3, Spam, 0))
	was := export(t, db)
	var extra []Row
	for n := 100; n < 140; n++ {
		row := message(n, Ham+Class(n%2), n%3)
		row.Scope = []string{"", "anna"}[n%4/2]
		extra = append(extra, row)
	}
	learn(t, db, extra...)
	if export(t, db) == was {
		t.Fatal("learning changed nothing")
	}
	for _, row := range extra {
		if !forget(t, db, row.Scope, row.Digest) {
			t.Fatalf("%s was not there to forget", row.Digest)
		}
		if forget(t, db, row.Scope, row.Digest) {
			t.Fatalf("%s was forgotten twice", row.Digest)
		}
	}
	if now := export(t, db); now != was {
		t.Fatalf("before:\n%s\nafter learning and forgetting:\n%s", head(was), head(now))
	}
	sameAsRebuilt(t, db)
	if forget(t, db, "", storetest.Digest(99)) || forget(t, db, "nobody", storetest.Digest(1)) {
		t.Error("what was never learned was forgotten")
	}
}

func TestLearnWritesOps(t *testing.T) {
	db := openAt(t, t.TempDir())
	learn(t, db, message(1, Ham, 1))
	learn(t, db, message(1, Ham, 1)) // again: nothing
	learn(t, db, message(1, Spam, 0))
	forget(t, db, "", storetest.Digest(1))
	row := message(1, Spam, 2)
	row.Features, row.Message = nil, nil // the ledger has them
	learn(t, db, row)
	ops, err := db.Ops(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, op := range ops {
		got = append(got, fmt.Sprintf("%d %s %s %d -> %s %d", op.Seq, op.Kind, op.Before.Class, op.Before.Adds, op.After.Class, op.After.Adds))
	}
	want := []string{"1 learn none 0 -> ham 1", "2 flip ham 1 -> spam 0", "3 forget spam 0 -> none 0", "4 learn none 0 -> spam 2"}
	if !slices.Equal(got, want) {
		t.Errorf("ops %q, want %q", got, want)
	}
	if o := ops[0]; o.Origin != (Origin{Actor: "test", Source: "train"}) || o.Row != 1 || o.Time.IsZero() {
		t.Errorf("first op is %+v", o)
	}
	if ops, err = db.Ops(t.Context(), 2, 1); err != nil || len(ops) != 1 || ops[0].Seq != 3 {
		t.Errorf("one op after 2: %+v, %v", ops, err)
	}
	if db.Seq() != 4 {
		t.Errorf("seq %d, want 4", db.Seq())
	}
	sameAsRebuilt(t, db)
}

func TestRowsComeBackAsLearned(t *testing.T) {
	db := openAt(t, t.TempDir())
	long := bytes.Repeat([]byte("0123456789abcdef"), ledger.MaxMessage/8)
	cases := map[string]struct {
		change          func(*Row)
		features, grams bool
		message         int
		complete        bool
	}{
		"counting":        {func(r *Row) { r.Adds = 1 }, true, false, 3, true},
		"with a step":     {func(r *Row) { r.Step = -77 }, false, true, 3, true},
		"recorded only":   {func(*Row) {}, false, false, 3, true},
		"waiting":         {func(r *Row) { r.Waits = true }, true, true, 3, true},
		"waiting, bare":   {func(r *Row) { r.Waits, r.Features, r.Grams = true, nil, nil }, false, false, 3, true},
		"cut message":     {func(r *Row) { r.Complete = false }, true, true, 3, false},
		"no message":      {func(r *Row) { r.Message = nil }, true, true, -1, false},
		"user scope":      {func(r *Row) { r.Scope = "anna" }, true, true, -1, false},
		"over long":       {func(r *Row) { r.Message = long }, true, true, ledger.MaxMessage, false},
		"empty lists":     {func(r *Row) { r.Adds, r.Step, r.Features, r.Grams = 1, 1, []uint64{}, []uint32{} }, true, true, 3, true},
		"far out scores":  {func(r *Row) { r.LogOdds, r.ScoreC = ledger.MaxScore, -ledger.MaxScore }, false, false, 3, true},
		"sure, far steps": {func(r *Row) { r.Sure, r.Step = true, math.MinInt32 }, false, true, 3, true},
	}
	n := 0
	for name, c := range cases {
		n++
		in := message(n, Spam, 0)
		in.Message, in.Step, in.ScoreE, in.ScoreL = []byte("a\nb"), 0, 0.25, -9
		c.change(&in)
		learn(t, db, in)
		found, ok, err := db.Find(t.Context(), in.Scope, in.Digest)
		if err != nil || !ok {
			t.Fatalf("%s: find: %v %v", name, ok, err)
		}
		if found.Features != nil || found.Grams != nil || found.Message != nil {
			t.Errorf("%s: find returns blobs", name)
		}
		got, err := db.Load(t.Context(), found.ID)
		if err != nil {
			t.Fatalf("%s: load: %v", name, err)
		}
		if (got.Features != nil) != c.features || c.features && !slices.Equal(got.Features, in.Features) {
			t.Errorf("%s: features %v", name, got.Features)
		}
		if (got.Grams != nil) != c.grams || c.grams && !slices.Equal(got.Grams, slices.Sorted(slices.Values(in.Grams))) {
			t.Errorf("%s: grams %v", name, got.Grams)
		}
		if c.message < 0 && got.Message != nil || c.message >= 0 && !bytes.Equal(got.Message, in.Message[:c.message]) {
			t.Errorf("%s: message of %d bytes", name, len(got.Message))
		}
		if got.Complete != c.complete || got.Mark() != in.Mark() || got.Label() != in.Label() || got.LogOdds != in.LogOdds || got.Time.IsZero() {
			t.Errorf("%s: got %+v", name, found)
		}
	}
	sameAsRebuilt(t, db)
	if _, err := db.Load(t.Context(), 999); !errors.Is(err, ledger.ErrNoRow) {
		t.Errorf("load of no row: %v", err)
	}
	if _, found, err := db.Find(t.Context(), "", storetest.Digest(999)); found || err != nil {
		t.Errorf("find of no row: %v %v", found, err)
	}
}

func TestRecentAndScopes(t *testing.T) {
	db := openAt(t, t.TempDir())
	if names, err := db.Scopes(); err != nil || len(names) != 0 {
		t.Errorf("scopes of an empty ledger: %q, %v", names, err)
	}
	for n := 1; n <= 6; n++ {
		row := message(n, Ham, n%2)
		row.Scope = []string{"", "zoe", "anna"}[n%3]
		learn(t, db, row)
	}
	names, err := db.Scopes()
	if err != nil || !slices.Equal(names, []string{"", "anna", "zoe"}) {
		t.Errorf("scopes %q, %v", names, err)
	}
	for scope, want := range map[string][]classify.Digest{"": {storetest.Digest(6), storetest.Digest(3)}, "zoe": {storetest.Digest(4), storetest.Digest(1)}, "none": nil} {
		rows, err := db.Recent(t.Context(), scope, 10)
		var got []classify.Digest
		for _, r := range rows {
			got = append(got, r.Digest)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("recent of %q: %v, %v", scope, got, err)
		}
	}
	if rows, err := db.Recent(t.Context(), "", 1); err != nil || len(rows) != 1 {
		t.Errorf("recent with limit 1: %d rows, %v", len(rows), err)
	}
	for scope, want := range map[string]Labels{"": {Ham: 2, HamAdds: 1}, "zoe": {Ham: 2, HamAdds: 1}, "none": {}} {
		if got, err := db.Labels(scope); err != nil || got != want {
			t.Errorf("labels of %q: %+v, %v", scope, got, err)
		}
	}
	if size, err := db.Size(); err != nil || size < 4096 {
		t.Errorf("size %d, %v", size, err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestScopeModelIsSitePlusOwn(t *testing.T) {
	db := openAt(t, t.TempDir())
	site, own := message(1, Ham, 1), message(1, Spam, 2)
	own.Scope = "anna"
	learn(t, db, site, own)
	for scope, want := range map[string]classify.Count{"": {Ham: 1}, "anna": {Ham: 1, Spam: 2}, "ben": {Ham: 1}} {
		m := mustModel(t, db, scope)
		out := make([]classify.Count, len(site.Features))
		m.Lookup(site.Features, out)
		if m.Totals() != want || out[3] != want {
			t.Errorf("scope %q: totals %v, feature %v, want %v", scope, m.Totals(), out[3], want)
		}
	}
	if f := mustModel(t, db, "ben").Features(); f != 0 {
		t.Errorf("ben has %d features", f)
	}
}

func TestLearnRefuses(t *testing.T) {
	db := openAt(t, t.TempDir())
	for name, change := range map[string]func(*Row){
		"no class":            func(r *Row) { r.Class = None },
		"unknown class":       func(r *Row) { r.Class = 9 },
		"negative adds":       func(r *Row) { r.Adds = -1 },
		"huge adds":           func(r *Row) { r.Adds = ledger.MaxAdds + 1 },
		"not a number":        func(r *Row) { r.ScoreL = math.NaN() },
		"infinite score":      func(r *Row) { r.ScoreC = math.Inf(-1) },
		"double feature":      func(r *Row) { r.Features = []uint64{4, 4} },
		"unsorted features":   func(r *Row) { r.Features = []uint64{5, 4} },
		"double gram":         func(r *Row) { r.Step, r.Grams = 1, []uint32{4, 5, 4} },
		"gram too large":      func(r *Row) { r.Step, r.Grams = 1, []uint32{4, classify.Buckets} },
		"step too large":      func(r *Row) { r.Step = 1 << 31 },
		"step too small":      func(r *Row) { r.Step = -1<<31 - 1 },
		"waits, but counts":   func(r *Row) { r.Waits, r.Step = true, 0 },
		"waits, but steps":    func(r *Row) { r.Waits, r.Adds = true, 0 },
		"no grams":            func(r *Row) { r.Step, r.Grams = 1, nil },
		"cut, no grams":       func(r *Row) { r.Step, r.Grams, r.Complete = 0, nil, false },
		"line break in scope": func(r *Row) { r.Scope = "a\nb" },
		"broken UTF-8 scope":  func(r *Row) { r.Scope = "a\xff" },
		"long scope":          func(r *Row) { r.Scope = strings.Repeat("x", 256) },
		"no features":         func(r *Row) { r.Features = nil },
		"no message either":   func(r *Row) { r.Adds, r.Features, r.Message = 0, nil, nil },
		"cut, no features":    func(r *Row) { r.Adds, r.Features, r.Complete = 0, nil, false },
	} {
		err := db.Update(t.Context(), func(tx *Tx) error {
			row := message(1, Ham, 1)
			change(&row)
			if err := tx.Learn(row, Origin{}); err == nil {
				t.Errorf("%s: learned", name)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: the transaction cannot go on: %v", name, err)
		}
	}
	if db.Seq() != 0 || export(t, db) != "" {
		t.Errorf("seq %d, model %q", db.Seq(), export(t, db))
	}
}
