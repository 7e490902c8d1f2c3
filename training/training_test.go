package training

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/training/corpus"
)

// mail makes the i-th message of a class. Words overlap, so that some messages
// are near-errors and others are not.
func mail(spam bool, i int) string {
	class, seed := 0, uint64(1)
	if spam {
		class, seed = 20, 2
	}
	random := rand.New(rand.NewPCG(seed, uint64(i)))
	var b strings.Builder
	fmt.Fprintf(&b, "From: sender%d@example.org\nSubject: number %d\nMessage-ID: <%d.%d@example.org>\n\n", i%7+class, i, i, class)
	for range 30 {
		fmt.Fprintf(&b, "word%d", class+random.IntN(30))
		b.WriteString([]string{" ", "\n"}[random.IntN(2)])
	}
	b.WriteString("\n")
	return b.String()
}

func mails(spam bool, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = mail(spam, i)
	}
	return list
}

func mbox(messages []string) string {
	var b strings.Builder
	for _, m := range messages {
		b.WriteString("From x@example.org Thu Jan  1 00:00:00 2026\n" + m + "\n")
	}
	return b.String()
}

// failer is what tests and property tests have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func writeFile(t failer, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, dir string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func export(t failer, db *store.DB) string {
	t.Helper()
	var b bytes.Buffer
	if err := db.Export(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// checkRebuild compares the model with one built anew from the ledger.
func checkRebuild(t testing.TB, db *store.DB) {
	t.Helper()
	before := export(t, db)
	if err := db.Rebuild(context.Background()); err != nil {
		t.Fatal(err)
	}
	if export(t, db) != before {
		t.Fatal("the model is not what the ledger says")
	}
}

func train(t testing.TB, tr *Trainer, class store.Class, paths ...string) Summary {
	t.Helper()
	o := corpus.Options{Problem: func(p corpus.Problem) { t.Error(p) }}
	sum, err := tr.Train(context.Background(), class, paths, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func wantOutcome(t testing.TB, r Result, err error, want Outcome) Result {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if r.Outcome != want {
		t.Fatalf("%s, want %s", r.Outcome, want)
	}
	return r
}

var train1 = Options{Origin: store.Origin{Actor: "tester", Source: "train"}}

func TestTrainTwiceIsOnce(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	tr := New(db, train1)
	train(t, tr, store.Ham, writeFile(t, filepath.Join(dir, "ham"), mbox(mails(false, 100))))
	file := writeFile(t, filepath.Join(dir, "mail"), mbox(mails(true, 600)))
	sum := train(t, tr, store.Spam, file)
	if sum.Learned+sum.Sure != 700 || sum.Learned == 0 || sum.Earlier != 100 {
		t.Fatalf("got %+v", sum)
	}
	once, seq := export(t, db), db.Seq()
	if sum := train(t, tr, store.Spam, file); sum != (Summary{Seen: 600}) {
		t.Errorf("the second time: %+v", sum)
	}
	if export(t, db) != once || db.Seq() != seq {
		t.Error("training the same again changed the ledger")
	}
	checkRebuild(t, db)
}

// The same messages have the same digests in whatever form they are stored.
func TestTrainFormsAreEqual(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	tr := New(db, train1)
	list := mails(false, 5)
	list[3] += "From the start\n>From the middle\n\n\n" // quoted in an mbox, and ends in empty lines
	quoted := strings.NewReplacer("\nFrom the", "\n>From the", "\n>From the", "\n>>From the").Replace(list[3])
	file := writeFile(t, filepath.Join(dir, "mbox"), mbox([]string{list[0], list[1], list[2], quoted, list[4]}))
	for i, m := range list {
		writeFile(t, filepath.Join(dir, "single", fmt.Sprint("m", i)), m)
		writeFile(t, filepath.Join(dir, "mh", fmt.Sprint(i+1)), strings.ReplaceAll(m, "\n", "\r\n"))
		writeFile(t, filepath.Join(dir, "maildir/cur", fmt.Sprintf("%d.host:2,S", i)), "Return-Path: <a@example.org>\n"+m)
	}
	writeFile(t, filepath.Join(dir, "maildir/new/9.host"), list[0])
	if sum := train(t, tr, store.Ham, file); sum != (Summary{Waiting: 5}) {
		t.Fatalf("mbox: %+v", sum)
	}
	for form, want := range map[string]int{"single": 5, "mh": 5, "maildir": 6} {
		if sum := train(t, tr, store.Ham, filepath.Join(dir, form)); sum != (Summary{Seen: want}) {
			t.Errorf("%s: %+v, want %d seen before", form, sum, want)
		}
	}
}

// Near-errors only: once the counts are sure of a kind of message, more of it
// is recorded without counting, and --all counts it.
func TestTrainNearErrors(t *testing.T) {
	for _, all := range []bool{false, true} {
		o := train1
		o.All = all
		dir := t.TempDir()
		db := open(t, dir)
		tr := New(db, o)
		sum := train(t, tr, store.Ham, writeFile(t, filepath.Join(dir, "ham"), mbox(mails(false, 400))))
		more := train(t, tr, store.Spam, writeFile(t, filepath.Join(dir, "spam"), mbox(mails(true, 400))))
		labels, err := db.Labels("")
		if err != nil || labels.Ham != 400 || labels.Spam != 400 {
			t.Fatalf("labels %+v, %v", labels, err)
		}
		if sure := sum.Sure + more.Sure; all && sure > 0 || !all && sure < 100 {
			t.Errorf("all=%v: %+v and %+v", all, sum, more)
		}
		if n := labels.HamAdds + labels.SpamAdds; all != (n == 800) || !all && n < 2*classify.MinLabels {
			t.Errorf("all=%v: %+v for %+v and %+v", all, labels, sum, more)
		}
		checkRebuild(t, db)
	}
}

func TestForgetIsExact(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	tr := New(db, train1)
	keep := writeFile(t, filepath.Join(dir, "keep"), mbox(mails(false, 50)))
	gone := writeFile(t, filepath.Join(dir, "gone"), mbox(mails(true, 300)))
	train(t, tr, store.Ham, keep)
	train(t, tr, store.Spam, writeFile(t, filepath.Join(dir, "spam"), mbox(writers(true, 50))))
	before := export(t, db)
	train(t, tr, store.Spam, gone)
	if export(t, db) == before {
		t.Fatal("nothing was learned")
	}
	for _, want := range []Summary{{Forgotten: 300}, {NotFound: 300}} {
		sum, err := tr.Forget(t.Context(), []string{gone}, corpus.Options{}, nil)
		if err != nil || sum != want {
			t.Fatalf("forgot %+v, %v; want %+v", sum, err, want)
		}
		if export(t, db) != before {
			t.Fatal("the counts are not those from before")
		}
	}
	checkRebuild(t, db)
	if sum := train(t, tr, store.Spam, gone); sum.Learned+sum.Sure != 300 {
		t.Errorf("learned anew: %+v", sum)
	}
}

// A flip decides by the model without what the message added itself.
func TestFlip(t *testing.T) {
	db := open(t, t.TempDir())
	tr := New(db, train1)
	m := []byte(mail(true, 1))
	r, err := tr.Learn(t.Context(), store.Ham, m)
	wantOutcome(t, r, err, Learned)
	r, err = tr.Learn(t.Context(), store.Spam, m)
	wantOutcome(t, r, err, Flipped)
	empty := new(classify.Scorer).Score(classify.Extract(classify.DefaultOptions(), m).Features, nil, emptyModel{})
	if r.Before != empty || r.Adds != 1 {
		t.Errorf("decided by %+v, want %+v as of an empty model", r.Before, empty)
	}
	labels, err := db.Labels("")
	if want := (store.Labels{Spam: 1, SpamAdds: 1}); err != nil || labels != want {
		t.Errorf("labels %+v, %v", labels, err)
	}
	r, err = tr.Learn(t.Context(), store.Spam, m)
	wantOutcome(t, r, err, Seen)
	r, err = tr.ForgetMessage(t.Context(), m)
	wantOutcome(t, r, err, Forgotten)
	r, err = tr.ForgetDigest(t.Context(), r.Digest)
	wantOutcome(t, r, err, NotFound)
	if labels, _ := db.Labels(""); labels != (store.Labels{}) {
		t.Errorf("all forgotten, but %+v", labels)
	}
	checkRebuild(t, db)
}

type emptyModel struct{ classify.Untrained }

func (emptyModel) Totals() classify.Count                  { return classify.Count{} }
func (emptyModel) Lookup(_ []uint64, out []classify.Count) { clear(out) }

func TestPersonOutranksAutomatic(t *testing.T) {
	db := open(t, t.TempDir())
	person, auto, rule := train1, train1, train1
	auto.Origin.Source, rule.Origin.Source = "auto", "rule"
	m, forgotten := []byte(mail(true, 1)), []byte(mail(true, 2))
	r, err := New(db, person).Learn(t.Context(), store.Spam, m)
	wantOutcome(t, r, err, Learned)
	before := export(t, db)
	for _, o := range []Options{auto, rule} {
		r, err = New(db, o).Learn(t.Context(), store.Ham, m)
		wantOutcome(t, r, err, Outranked)
	}
	if export(t, db) != before {
		t.Error("an automatic label changed a person's")
	}
	r, err = New(db, auto).Learn(t.Context(), store.Spam, forgotten)
	wantOutcome(t, r, err, Learned)
	r, err = New(db, person).Learn(t.Context(), store.Ham, forgotten)
	wantOutcome(t, r, err, Flipped)
	r, err = New(db, person).ForgetMessage(t.Context(), forgotten)
	wantOutcome(t, r, err, Forgotten)
	r, err = New(db, auto).Learn(t.Context(), store.Spam, forgotten)
	wantOutcome(t, r, err, Outranked)
	r, err = New(db, auto).ForgetMessage(t.Context(), m)
	wantOutcome(t, r, err, Outranked)
}

// A person who says what was labelled automatically makes the label theirs; what is
// only automatic may be taken back and given again.
func TestConfirmedLabel(t *testing.T) {
	db := open(t, t.TempDir())
	person, auto := train1, train1
	auto.Origin.Source = "auto"
	m := []byte(mail(true, 1))
	for _, want := range []Outcome{Learned, Forgotten, Learned} {
		do := New(db, auto).ForgetMessage
		if want == Learned {
			do = func(ctx context.Context, raw []byte) (Result, error) {
				return New(db, auto).Learn(ctx, store.Spam, raw)
			}
		}
		r, err := do(t.Context(), m)
		wantOutcome(t, r, err, want)
	}
	r, err := New(db, person).Learn(t.Context(), store.Spam, m)
	wantOutcome(t, r, err, Seen)
	r, err = New(db, auto).ForgetMessage(t.Context(), m)
	wantOutcome(t, r, err, Outranked)
	seq := db.Seq()
	r, err = New(db, person).Learn(t.Context(), store.Spam, m)
	wantOutcome(t, r, err, Seen)
	if db.Seq() != seq {
		t.Error("the same label by a person again was not a no-op")
	}
}

func TestScopesAreApart(t *testing.T) {
	db := open(t, t.TempDir())
	site, user := train1, train1
	user.Scope = "user:ann"
	m := []byte(mail(true, 1))
	r, err := New(db, site).Learn(t.Context(), store.Ham, m)
	wantOutcome(t, r, err, Learned)
	r, err = New(db, user).Learn(t.Context(), store.Spam, m)
	wantOutcome(t, r, err, Learned)
	labels, err := db.Labels("user:ann")
	if want := (store.Labels{Spam: 1, SpamAdds: 1}); err != nil || labels != want {
		t.Errorf("%+v, %v", labels, err)
	}
	for scope, keeps := range map[string]bool{"": true, "user:ann": false} {
		row, found, err := db.Find(t.Context(), scope, r.Digest)
		if err != nil || !found {
			t.Fatalf("scope %q: %v, %v", scope, found, err)
		}
		row, err = db.Load(t.Context(), row.ID)
		if err != nil || len(row.Features) == 0 || (row.Message != nil) != keeps {
			t.Errorf("scope %q: %d features, message %q, %v", scope, len(row.Features), row.Message, err)
		}
	}
	checkRebuild(t, db)
}

func TestFeaturesOnly(t *testing.T) {
	db := open(t, t.TempDir())
	o := train1
	o.FeaturesOnly = true
	r, err := New(db, o).Learn(t.Context(), store.Ham, []byte(mail(false, 1)))
	wantOutcome(t, r, err, Learned)
	row, _, err := db.Find(t.Context(), "", r.Digest)
	if err != nil {
		t.Fatal(err)
	}
	if row, err = db.Load(t.Context(), row.ID); err != nil || row.Message != nil || len(row.Features) == 0 {
		t.Errorf("%d features, message %q, %v", len(row.Features), row.Message, err)
	}
}

// Any bytes can be learned and forgotten.
func TestLearnOddMessages(t *testing.T) {
	db := open(t, t.TempDir())
	tr := New(db, train1)
	odd := []string{"", "\n", "\x00\xff", "From x\n", ":", strings.Repeat("\n", 1000), strings.Repeat("a", 1<<20), "A: 1\n\nFrom "}
	for _, m := range odd {
		r, err := tr.Learn(t.Context(), store.Spam, []byte(m))
		if err != nil {
			t.Fatalf("%.20q: %v", m, err)
		}
		if r.Outcome != Learned && r.Outcome != Sure && r.Outcome != Seen {
			t.Errorf("%.20q: %s", m, r.Outcome)
		}
	}
	checkRebuild(t, db)
	for _, m := range odd {
		if _, err := tr.ForgetMessage(t.Context(), []byte(m)); err != nil {
			t.Errorf("%.20q: %v", m, err)
		}
	}
	if labels, err := db.Labels(""); err != nil || labels != (store.Labels{}) {
		t.Errorf("%+v, %v", labels, err)
	}
}

func TestClassIsChecked(t *testing.T) {
	tr := New(open(t, t.TempDir()), train1)
	for _, class := range []store.Class{store.None, 7} {
		if _, err := tr.Learn(t.Context(), class, nil); err == nil {
			t.Errorf("class %d was learned", class)
		}
		if _, err := tr.Train(t.Context(), class, nil, corpus.Options{}, nil); err == nil {
			t.Errorf("class %d was trained", class)
		}
	}
}

func TestTrainProblemsAndProgress(t *testing.T) {
	dir := t.TempDir()
	db := open(t, filepath.Join(dir, "data"))
	in := filepath.Join(dir, "in")
	writeFile(t, filepath.Join(in, "1-mbox"), mbox(mails(false, 1300)))
	writeFile(t, filepath.Join(in, "2-empty"), "")
	writeFile(t, filepath.Join(in, "3-text"), "no mail\n")
	writeFile(t, filepath.Join(in, "4-mail"), mail(false, 2000))
	writeFile(t, filepath.Join(in, "5-empty"), "")
	paths := []string{in, filepath.Join(dir, "missing")}
	var problems []string
	o := corpus.Options{Problem: func(p corpus.Problem) { problems = append(problems, filepath.Base(p.Source)) }}
	var last Progress
	calls := 0
	sum, err := New(db, train1).Train(t.Context(), store.Ham, paths, o, func(p Progress) {
		if p.Bytes < last.Bytes || p.Bytes > p.Total || p.Summary.Messages() < last.Summary.Messages() {
			t.Errorf("%+v comes after %+v", p, last)
		}
		last = p
		calls++
	})
	if err != nil {
		t.Fatal(err)
	}
	if sum.Messages() != 1301 || sum.Failed != 4 || last.Summary != sum || calls < 3 {
		t.Errorf("%+v, last progress %+v of %d", sum, last, calls)
	}
	if got := strings.Join(problems, " "); got != "2-empty 3-text 5-empty missing" {
		t.Errorf("problems %s", got)
	}
}

// stuck is a terminal where nobody types.
type stuck struct{ end chan struct{} }

func (s stuck) Read([]byte) (int, error) { <-s.end; return 0, io.EOF }

func TestTrainEndsWhileReading(t *testing.T) {
	stdin := stuck{make(chan struct{})}
	defer close(stdin.end)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tr := New(open(t, t.TempDir()), train1)
	if _, err := tr.Train(ctx, store.Ham, []string{"-"}, corpus.Options{Stdin: stdin}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// What was done when training ended early stays, and the same command again
// leads to the same counts as if it had run through.
func TestTrainCancelled(t *testing.T) {
	dir := t.TempDir()
	file := writeFile(t, filepath.Join(dir, "mail"), mbox(mails(true, 2000)))
	whole := open(t, filepath.Join(dir, "whole"))
	ham := writeFile(t, filepath.Join(dir, "ham"), mbox(mails(false, 100)))
	train(t, New(whole, train1), store.Ham, ham)
	train(t, New(whole, train1), store.Spam, file)

	db := open(t, filepath.Join(dir, "cut"))
	tr := New(db, train1)
	train(t, tr, store.Ham, ham)
	ctx, cancel := context.WithCancel(t.Context())
	sum, err := tr.Train(ctx, store.Spam, []string{file}, corpus.Options{}, func(p Progress) {
		if p.Summary.Messages() > 500 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || sum.Messages() <= 500 || sum.Messages() >= 2000 {
		t.Fatalf("%+v, %v", sum, err)
	}
	labels, err := db.Labels("")
	if err != nil || labels.Spam != sum.Messages() || labels.SpamAdds != 0 || labels.Waiting != 100+sum.Messages() {
		t.Errorf("%+v in the ledger, %+v in the summary, %v", labels, sum, err)
	}
	checkRebuild(t, db)
	rest := train(t, tr, store.Spam, file)
	if rest.Seen != sum.Messages() || rest.Messages() != 2000 {
		t.Errorf("the rest: %+v after %+v", rest, sum)
	}
	if export(t, db) != export(t, whole) {
		t.Error("training in two runs gives other counts than in one")
	}
}
