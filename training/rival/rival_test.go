package rival

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/store/query"
)

const (
	bogofilterDump = `.ENCODING 2 0 20261122
.MSG_COUNT 40 30 20261122
.WORDLIST_VERSION 20040500 0 20261122
Cheap 12 0 20261122
cheap 20 1 20261122
subj:agenda 0 9 20261122
from:b.example 3 0
shop.example.com 7 0 20261122
rcvd:host 9 9 20261122
don't-know+what 1 1 20261122
`
	spamBayesDump = "30,40\r\ncheap,1,20\r\nsubject:agenda,9,0\r\nfrom:addr:b.example,0,3\r\nskip:a 10,5,5\r\n\"shop.example.com\",0,7\r\nheader:Date:1,30,40\r\n"
)

func dspamDump() string {
	var b strings.Builder
	for word, n := range map[string][2]int{"cheap": {20, 1}, "CHEAP": {8, 0}, "Subject*agenda": {0, 9}, "From*b.example": {3, 0}, "shop.example.com": {7, 0}, "a+b": {1, 1}} {
		fmt.Fprintf(&b, "%-20d S: %05d  I: %05d  P: 0.4000 LH: Sun Nov 22 03:09:15 2026\n", dspamHash(word), n[0], n[1])
	}
	return b.String()
}

const wordList = "cheap\nagenda\nb.example\nshop.example.com\nnever\n"

// mail has the four words that the dumps share.
const mail = "From: b.example\nSubject: agenda\n\ncheap http://shop.example.com/\n"

// TestForms: each form gives the features that a message has with these words.
func TestForms(t *testing.T) {
	m := classify.Extract(classify.DefaultOptions(), []byte(mail))
	for form, text := range map[Form]string{Bogofilter: bogofilterDump, SpamBayes: spamBayesDump, DSPAM: dspamDump()} {
		c, err := Read(strings.NewReader(text), form, strings.NewReader(wordList), classify.Count{Ham: 30, Spam: 40})
		if err != nil {
			t.Fatal(form, err)
		}
		if want := (classify.Count{Ham: 30, Spam: 40}); c.Messages != want || len(c.Features) < 4 {
			t.Errorf("%s: %d features of messages %v, want 4 of %v", form, len(c.Features), c.Messages, want)
		}
		var got []classify.Count
		for _, f := range m.Features {
			if n, ok := c.Features[f]; ok {
				got = append(got, n)
			}
		}
		want := map[classify.Count]bool{{Ham: 1, Spam: 20}: true, {Ham: 9}: true, {Spam: 3}: true, {Spam: 7}: true}
		for _, n := range got {
			if !want[n] {
				t.Errorf("%s: a feature is counted %v", form, n)
			}
			delete(want, n)
		}
		if len(want) > 0 {
			t.Errorf("%s: the message does not have %v", form, want)
		}
	}
}

func TestBadDumps(t *testing.T) {
	long := strings.Repeat("x", maxLine+1)
	for name, c := range map[string]struct {
		form       Form
		text, want string
	}{
		"empty":               {Bogofilter, "", "does not say that ham and spam"},
		"mail":                {Bogofilter, mail, "line 1: not a dump of this kind"},
		"no counts":           {Bogofilter, ".MSG_COUNT 1 1\nword x 1\n", `line 2: not a dump of this kind: "x" is not a count`},
		"negative":            {Bogofilter, "word -1 1\n", `line 1: not a dump of this kind: "-1"`},
		"too large":           {Bogofilter, "word 1 99999999999\n", "is not a count"},
		"long line":           {Bogofilter, "word 1 1\n" + long, "line 2: not a dump of this kind: it is longer"},
		"only made-up tokens": {Bogofilter, ".MSG_COUNT 1 1\nrcvd:x 1 1\n", "none of its 1 words is known"},
		"one class":           {SpamBayes, "0,5\nword,0,1\n", "does not say that ham and spam"},
		"no header":           {SpamBayes, "word,1,1\n", "line 1: not a dump of this kind: \"word\""},
		"two fields":          {SpamBayes, "1,1\nword,1\n", "line 2: not a dump of this kind: want 3 fields, not 2"},
		"open quote":          {SpamBayes, "1,1\n\"" + long, "longer than"},
		"words":               {DSPAM, "word S: 1 I: 1 P: 0.4\n", "is not a hash"},
		"other lines":         {DSPAM, "word 1 1\n", "want a hash"},
		"unknown":             {Form("x"), "", "not known"},
	} {
		_, err := Read(strings.NewReader(c.text), c.form, strings.NewReader("word\n"), classify.Count{})
		if err == nil || !strings.Contains(err.Error(), c.want) || c.form != "x" && !errors.Is(err, ErrForm) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := Read(strings.NewReader(dspamDump()), DSPAM, nil, classify.Count{Ham: 1, Spam: 1}); !errors.Is(err, ErrForm) {
		t.Errorf("without words: %v", err)
	}
}

// TestCoins: every number up to n is paid exactly, and all coins are n.
func TestCoins(t *testing.T) {
	for n := uint32(1); n <= 300; n++ {
		list := coins(n)
		for want := range n + 1 {
			sum := uint32(0)
			for i := range list {
				if pays(list, i, want) {
					sum += list[i]
				}
			}
			if sum != want {
				t.Fatalf("of %v %d are paid for %d", list, sum, want)
			}
		}
	}
}

// TestRowsAddUp: in the ledger each feature counts what the dump says, scaled, and all
// of it goes out again, bit for bit; none of it is a label.
func TestRowsAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	c := &Counts{Messages: classify.Count{Ham: 1234, Spam: 77}, Features: map[uint64]classify.Count{}}
	for range 500 {
		c.Features[r.Uint64()] = classify.Count{Ham: r.Uint32N(1300), Spam: r.Uint32N(80)} // some exceed the messages
	}
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	export := func() string {
		t.Helper()
		var b bytes.Buffer
		if err := db.Export(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	learn := func(rows []store.Row) {
		t.Helper()
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			for _, row := range rows {
				if err := tx.Learn(row, store.Origin{Source: "import"}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	own := classify.Extract(classify.DefaultOptions(), []byte(mail))
	learn([]store.Row{{Digest: own.Digest, Class: store.Ham, Adds: 1, Features: own.Features, Grams: own.Grams}})
	before := export()
	rows := c.Rows("", 200)
	learn(rows)
	learn(c.Rows("", 200)) // once more is the same
	m, err := db.Model("")
	if err != nil {
		t.Fatal(err)
	}
	if l := m.Labels(); l.Ham != 1 || l.Spam != 0 || l.HamAdds != 201 || l.SpamAdds != 77 || m.Fit().Labels > 1 {
		t.Errorf("labels %+v, fit of %d", l, m.Fit().Labels)
	}
	census, err := db.Census(t.Context())
	if err != nil || len(census) != 1 || census[0].Ham != 1 || census[0].Spam != 0 {
		t.Errorf("census %+v, %v", census, err)
	}
	if list, err := db.Expirables(t.Context(), "", query.Keep{Age: time.Nanosecond}, time.Now().Add(time.Hour)); err != nil || len(list) != 1 {
		t.Errorf("%d would expire, %v", len(list), err)
	}
	seen := 0
	if err := db.Labelled(t.Context(), "", func(*store.Row) error { seen++; return nil }); err != nil || seen != 1 {
		t.Errorf("%d labels, %v", seen, err)
	}
	for f, n := range c.Features {
		want := classify.Count{Ham: scaled(min(n.Ham, 1234), 1234, 200), Spam: min(n.Spam, 77)}
		got := make([]classify.Count, 1)
		if m.Lookup([]uint64{f}, got); got[0] != want {
			t.Fatalf("feature counted %v of 1234 and 77 is %v, want %v", n, got[0], want)
		}
	}
	imported := export()
	if err := db.Rebuild(t.Context()); err != nil || export() != imported {
		t.Errorf("a rebuild makes another model, %v", err)
	}
	list, err := db.Undoables(t.Context(), query.Selection{Source: "import"}, len(rows))
	if err != nil || len(list) != len(rows) {
		t.Fatal(len(list), err)
	}
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		for _, u := range list {
			if _, err := tx.Undo(u.Op, store.Origin{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || export() != before {
		t.Errorf("taken out again: %v\n%s\nwant\n%s", err, export(), before)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("bogofilter", []byte(bogofilterDump))
	f.Add("spambayes", []byte(spamBayesDump))
	f.Add("dspam", []byte(dspamDump()))
	f.Fuzz(func(t *testing.T, form string, text []byte) {
		c, err := Read(bytes.NewReader(text), Form(form), strings.NewReader(wordList), classify.Count{Ham: 3, Spam: 4})
		if err != nil {
			return
		}
		for _, row := range c.Rows("", 50) {
			if row.Adds < 1 || row.Adds > 50 {
				t.Fatalf("a row counts %d times", row.Adds)
			}
		}
	})
}
