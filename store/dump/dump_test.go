package dump_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/store/dump"
	"fanmill/store/ledger"
	"fanmill/store/sqlite"
	"fanmill/store/storetest"
)

func open(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func dumped(t testing.TB, db *store.DB, log bool) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := db.Dump(t.Context(), &b, log, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// load fills the ledger in dir, or says why not.
func load(t testing.TB, db *store.DB, text string) error {
	t.Helper()
	d, err := dump.NewReader(strings.NewReader(text))
	if err != nil {
		return err
	}
	return db.LoadDump(t.Context(), d, nil)
}

// TestKeepsWhatIsKept: messages, lists that are empty and lists that are not kept.
func TestKeepsWhatIsKept(t *testing.T) {
	db := open(t)
	rows := []store.Row{storetest.Message(1, store.Ham, 0), storetest.Message(2, store.Spam, 1), storetest.Message(3, store.Ham, 0), storetest.Message(4, store.Ham, 0)}
	rows[1].Features, rows[1].Grams, rows[1].Message, rows[1].Complete = []uint64{}, []uint32{}, nil, false
	rows[2].Message = []byte{}
	rows[3].Message = bytes.Repeat([]byte("long "), ledger.MaxMessage/5+1)
	storetest.Learn(t, db.Update, rows...)
	moved := open(t)
	if err := load(t, moved, dumped(t, db, true)); err != nil {
		t.Fatal(err)
	}
	for id := range int64(4) {
		want, err := db.Load(t.Context(), id+1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := moved.Load(t.Context(), id+1)
		if err != nil || fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
			t.Errorf("row %d is\n%#v, %v\nwant\n%#v", id+1, got, err, want)
		}
	}
}

// TestOfWhatWaits: an older fanmill reads what waits, with its lists kept or not.
func TestOfWhatWaits(t *testing.T) {
	db := open(t)
	listed, bare := storetest.Message(1, store.Ham, 0), storetest.Message(2, store.Ham, 0)
	listed.Step, listed.Waits, bare.Step, bare.Waits = 0, true, 0, true
	bare.Features, bare.Grams = nil, nil
	storetest.Learn(t, db.Update, listed, bare)
	text := dumped(t, db, true)
	if n := strings.Count(text, `"waits":1`); n != 2 {
		t.Errorf("%d rows wait as in format 1:\n%s", n, text)
	}
	moved := open(t)
	if err := load(t, moved, text); err != nil {
		t.Fatal(err)
	}
	listed.Waits, bare.Waits = false, false // and add nothing: their lists go
	storetest.Learn(t, moved.Update, listed, bare)
	for id := range int64(2) {
		if row, err := moved.Load(t.Context(), id+1); err != nil || row.Features != nil || row.Grams != nil {
			t.Errorf("row %d has its lists still, %v", id+1, err)
		}
	}
}

func TestLoadOnlyIntoEmpty(t *testing.T) {
	db := open(t)
	storetest.Learn(t, db.Update, storetest.Message(1, store.Ham, 1))
	text, was := dumped(t, db, true), storetest.Export(t, db)
	if err := load(t, db, text); !errors.Is(err, dump.ErrNotEmpty) {
		t.Errorf("into itself: %v", err)
	}
	storetest.Forget(t, db.Update, "", storetest.Digest(1))
	if err := load(t, db, text); !errors.Is(err, dump.ErrNotEmpty) {
		t.Errorf("into one that has forgotten all: %v", err)
	}
	storetest.Learn(t, db.Update, storetest.Message(1, store.Ham, 1))
	if got := storetest.Export(t, db); got != was {
		t.Errorf("model is now\n%s", got)
	}
}

// TestBadDumps: each is refused with its line, and where there is one its column, and
// nothing is changed.
func TestBadDumps(t *testing.T) {
	db := open(t)
	scoped := storetest.Message(3, store.Spam, 1)
	scoped.Scope = "anna"
	storetest.Learn(t, db.Update, storetest.Message(1, store.Ham, 1), storetest.Message(2, store.Spam, 1), scoped)
	storetest.Learn(t, db.Update, storetest.Message(1, store.Spam, 1))
	good := dumped(t, db, true)
	lines := strings.SplitAfter(good, "\n")
	long := strings.Repeat("x", 300)
	for name, c := range map[string]struct {
		text string
		want string
	}{
		"empty":             {"", "it is empty"},
		"mail":              {"From anna@example.org\n", "line 1: not a sound export of a ledger: column 1: invalid character 'F'"},
		"other JSON":        {`{"row":{}}` + "\n", `line 1: not a sound export of a ledger: column 11: json: unknown field "row"`},
		"array":             {"[1]\n", "line 1: not a sound export of a ledger: column 1: json: cannot unmarshal array"},
		"format":            {strings.Replace(good, `"format":1`, `"format":2`, 1), "line 1: not a sound export of a ledger: it has format 2"},
		"features":          {strings.Replace(good, fmt.Sprintf(`"features":%d`, classify.FeatureVersion), `"features":99`, 1), "it has version 99"},
		"cut":               {strings.Join(lines[:3], ""), "line 4: not a sound export of a ledger: it is cut short: 2 of 3 rows and 0 of 4 ops"},
		"cut in a line":     {good[:len(good)-40], "line 8: not a sound export of a ledger: column"},
		"log missing":       {strings.Join(lines[:4], ""), "it is cut short: 3 of 3 rows and 0 of 4 ops"},
		"more than said":    {good + lines[7], "line 9: not a sound export of a ledger: neither a row nor an op"},
		"ops first":         {lines[0] + lines[4] + lines[1], "line 2: not a sound export of a ledger: neither"},
		"empty line":        {lines[0] + "\n" + lines[1], "line 2: not a sound export of a ledger: column"},
		"two values":        {lines[0] + strings.TrimSpace(lines[1]) + lines[2], "something stands behind the value"},
		"deep":              {lines[0] + strings.Repeat("[", 100_000) + "\n", "line 2: not a sound export of a ledger: column"},
		"long line":         {lines[0] + strings.Repeat(" ", dump.MaxLine+1), "line 2: not a sound export of a ledger: it is longer than"},
		"twice":             {strings.Replace(good, storetest.Digest(2).String(), storetest.Digest(1).String(), 1), "line 3: not a sound export of a ledger: message " + storetest.Digest(1).String() + " stands there twice"},
		"id":                {strings.Replace(good, `{"id":2,`, `{"id":1,`, 1), "line 3: not a sound export of a ledger: id 1 does not follow 1"},
		"digest":            {strings.Replace(good, storetest.Digest(1).String(), "12", 1), `line 2: not a sound export of a ledger: digest "12"`},
		"class":             {strings.Replace(good, `"class":"spam"`, `"class":"junk"`, 1), `class "junk" is not known`},
		"adds":              {strings.Replace(good, `"adds":1`, `"adds":70000`, 1), "adds 70000 is not in"},
		"adds not whole":    {strings.Replace(good, `"adds":1`, `"adds":1.5`, 1), "column"},
		"adds of another":   {strings.Replace(good, `"adds":1`, `"adds":2`, 1), "rows and log do not fit together at op 4"},
		"step":              {strings.Replace(good, `"step":-1024`, `"step":-9999999999`, 1), "step -9999999999 does not fit"},
		"score":             {strings.Replace(good, `"score_c":`, `"score_c":1e12,"score_c":1e13, "score_e":`, 1), "score 1e+13 is not in"},
		"score not finite":  {strings.Replace(good, `"score_c":`, `"score_c":1e999,"score_e":`, 1), "column"},
		"time":              {strings.Replace(good, `"time":"2`, `"time":"1`, 1), "want one from 1970 on"},
		"judged":            {strings.Replace(good, `"judged":`, `"judged":9`, 1), "is not an op up to 4"},
		"waits":             {strings.Replace(good, `"waits":0`, `"waits":1`, 1), "what waits adds nothing"},
		"features cut":      {strings.Replace(good, `"features":"`, `"features":"AAAA`, 1), "feature list of"},
		"features missing":  {cutOut(lines, 2, `"features":"`), "its features or grams are missing"},
		"grams cut":         {strings.Replace(good, `"grams":"`, `"grams":"`+strings.Repeat("/", 4000), 1), "gram"},
		"not base64":        {strings.Replace(good, `"features":"`, `"features":"*`, 1), "illegal base64 data"},
		"message missing":   {cutOut(lines, 1, `"message":"`), "a message is missing"},
		"message in scope":  {strings.Replace(good, `"message":null`, `"message":"AAAA"`, 1), "one is there that cannot be"},
		"scope":             {strings.Replace(good, `"scope":"anna"`, `"scope":"a\nb"`, 1), "has a character that is not allowed"},
		"source":            {strings.Replace(good, `"source":"train"`, `"source":"`+long+`"`, 1), "source of 300 bytes"},
		"actor":             {strings.Replace(good, `"actor":"test"`, `"actor":"`+long+`"`, 1), "actor of 300 bytes"},
		"unknown field":     {strings.Replace(good, `"adds":1`, `"add":1`, 1), `unknown field "add"`},
		"kind":              {strings.Replace(good, `"kind":"learn"`, `"kind":"x"`, 1), `kind "x" is not known`},
		"gap in the log":    {strings.Join(append(append([]string{strings.Replace(lines[0], `"ops":4`, `"ops":3`, 1)}, lines[1:5]...), lines[6:]...), ""), "op 3 does not follow op 1"},
		"log too short":     {strings.Replace(strings.Join(lines[:7], ""), `"ops":4`, `"ops":3`, 1), "op 3, and the last one is 4"},
		"op of other marks": {strings.Replace(good, `"before":{"class":"ham"`, `"before":{"class":"spam"`, 1), "rows and log do not fit together at op 4"},
		"op of itself":      {strings.Replace(good, `"was":`, `"undoes":4,"was":`, 1), "op 4 cannot take back op 4"},
		"row without op":    {strings.Replace(good, `"row":2,`, `"row":7,`, 1), "rows and log do not fit together"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.text == good {
				t.Fatal("nothing was changed")
			}
			fresh := open(t)
			err := load(t, fresh, c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, dump.ErrUnsound) && !errors.Is(err, sqlite.ErrFeatureVersion) {
				t.Fatalf("error %v, want %q", err, c.want)
			}
			if empty, err := fresh.Empty(t.Context()); !empty || err != nil || storetest.Export(t, fresh) != "" {
				t.Errorf("something was loaded: %v", err)
			}
			if err := load(t, fresh, good); err != nil {
				t.Errorf("the good one after it: %v", err)
			}
		})
	}
}

// cutOut makes a base64 field of a line null.
func cutOut(lines []string, line int, field string) string {
	lines = append([]string(nil), lines...)
	before, after, _ := strings.Cut(lines[line], field)
	_, after, _ = strings.Cut(after, `"`)
	lines[line] = before + strings.TrimSuffix(field, `"`) + "null" + after
	return strings.Join(lines, "")
}

// TestLoadEndsWithContext: nothing is changed.
func TestLoadEndsWithContext(t *testing.T) {
	db := open(t)
	storetest.Learn(t, db.Update, storetest.Message(1, store.Ham, 1), storetest.Message(2, store.Spam, 1))
	d, err := dump.NewReader(strings.NewReader(dumped(t, db, true)))
	if err != nil {
		t.Fatal(err)
	}
	fresh := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	if err := fresh.LoadDump(ctx, d, func(done, _ int64) {
		if done == 2 {
			cancel()
		}
	}); err == nil {
		t.Error("it went on")
	}
	if empty, err := fresh.Empty(t.Context()); !empty || err != nil {
		t.Error("something was loaded", err)
	}
}

// FuzzReader begins with rows that have a feature or two: a line is then one that the
// fuzzer changes in a place that means something. Inputs are bounded to twice the seeds: without
// -fuzzminimizetime 10x, as in make fuzz, it spends a minute on each that is of
// interest to find out what of it is not needed.
func FuzzReader(f *testing.F) {
	db := open(f)
	short := func(n int, class store.Class) store.Row {
		row := storetest.Message(n, class, 1)
		row.Features, row.Grams, row.Message = row.Features[:2], row.Grams[:2], []byte("\n")
		return row
	}
	storetest.Learn(f, db.Update, short(1, store.Ham), short(2, store.Spam))
	f.Add([]byte(dumped(f, db, false)))
	storetest.Learn(f, db.Update, short(1, store.Spam))
	f.Add([]byte(dumped(f, db, true)))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 4<<10 {
			return
		}
		d, err := dump.NewReader(bytes.NewReader(text))
		for n := int64(0); err == nil; n++ {
			if n > d.Header.Rows+d.Header.Ops {
				t.Fatal("more lines than the header says")
			}
			var e *dump.Entry
			if e, err = d.Next(); err == nil && e.Row != nil && e.Row.Time.Before(time.Unix(0, 0)) {
				t.Fatal("a row from before 1970")
			}
		}
		if !errors.Is(err, io.EOF) && !errors.Is(err, dump.ErrUnsound) && !errors.Is(err, sqlite.ErrFeatureVersion) {
			t.Fatal(err)
		}
	})
}
