package history

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fanmill/classify"
	"fanmill/store/sqlite"
	"fanmill/store/storetest"
)

func TestPurgeChooses(t *testing.T) {
	c := newClock()
	for _, tt := range []struct {
		purge Purge
		gone  string
	}{
		{Purge{To: "ben@example.net"}, "id0 id1 id2"},
		{Purge{To: "BEN@Example.NET"}, "id0 id1 id2"},
		{Purge{To: "en@example.net"}, ""},
		{Purge{To: "ben%"}, ""},
		{Purge{To: "@example.net"}, "id0 id1 id2"},
		{Purge{To: "@ample.net"}, ""},
		{Purge{To: "@sub.example.net"}, "id3"},
		{Purge{To: "anna@example.org"}, ""}, // is a sender
		{Purge{From: "anna@example.org"}, "id0 id2 id3"},
		{Purge{From: "dora@example.com"}, "id1 id2"}, // envelope of one, field of another
		{Purge{From: "a@b"}, "id3"},
		{Purge{From: "Anna"}, ""},
	} {
		h := historyAt(t, t.TempDir(), c, nil)
		for n := range 4 {
			r := record(n, c)
			switch n {
			case 1:
				r.Sender, r.From = "dora@example.com", "Dora"
			case 2:
				r.From = `"Dora, D." <Dora@example.com>`
			case 3:
				r.Recipients, r.From = []string{"x@sub.example.net"}, `"a@b" <ben@example.net>`
			}
			h.Add(r)
		}
		before := map[string]bool{"id0": true, "id1": true, "id2": true, "id3": true}
		if n, err := h.Concerned(t.Context(), tt.purge); n != len(strings.Fields(tt.gone)) || err != nil || len(ids(t, h)) != 4 {
			t.Errorf("%+v: %d concerned, %v, left %v", tt.purge, n, err, ids(t, h))
		}
		n, err := h.Purge(t.Context(), tt.purge) // flushes: nothing has waited for the disk
		var gone []string
		left := ids(t, h)
		for id := range before {
			if !left[id] {
				gone = append(gone, id)
			}
		}
		slices.Sort(gone)
		if got := strings.Join(gone, " "); got != tt.gone || n != len(gone) || err != nil {
			t.Errorf("%+v: %d gone, %q, %v; want %q", tt.purge, n, got, err, tt.gone)
		}
	}
}

// TestPurgeLeavesNoBytes: after a purge the address, its subjects and the features
// of its mail are in none of the files, wherever rows have been meanwhile: expired
// rows, rows moved when neighbours went, and the write-ahead log.
func TestPurgeLeavesNoBytes(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	h := historyAt(t, dir, c, func(o *Options) { o.Days = 3 })
	const secret, word = "zoe@secret.example", "Zoe's own words"
	const n = 3000
	add := func(from int) {
		for i := from; i < from+n; i++ {
			r := record(i, c)
			r.Subject = strings.Repeat("lorem ", i%40)
			if i%7 == 0 {
				r.Sender, r.Subject, r.Features = secret, word+fmt.Sprint(i), []uint64{feature(featureBytes)}
			}
			if i%2 == 0 {
				r.Outcome = "reject"
			}
			h.Add(r)
			if i%100 == 0 {
				flush(t, h)
			}
		}
		flush(t, h)
	}
	add(0)
	c.advance(4 * 24 * time.Hour)
	add(n)
	h.opts.MaxBytes = usedBytes(t, h) / 2
	pruneAll(t, h) // the first ones for their age, then the accepted ones for space
	h.opts.MaxBytes = 1 << 30
	for _, text := range []string{secret, word, featureBytes} {
		if !inFiles(t, h, text) {
			t.Fatalf("%q is not in the files before", text)
		}
	}
	was := len(ids(t, h))
	got, err := h.Purge(t.Context(), Purge{From: secret})
	if left := len(ids(t, h)); err != nil || got == 0 || left != was-got || left == 0 {
		t.Fatalf("%d purged, %v; %d of %d left", got, err, left, was)
	}
	for _, text := range []string{secret, word, featureBytes} {
		if inFiles(t, h, text) {
			t.Errorf("%q is still in the files", text)
		}
	}
	h.Add(record(9*n, c)) // the history goes on
	flush(t, h)
	if _, err := h.Get(t.Context(), fmt.Sprintf("id%d", 9*n)); err != nil {
		t.Errorf("after the purge: %v", err)
	}
	if v := integer(t, h, "PRAGMA auto_vacuum"); v != 2 {
		t.Errorf("auto_vacuum is %d: space would not be given back", v)
	}
}

func feature(text string) uint64 {
	var f uint64
	for i := range 8 {
		f |= uint64(text[i]) << (8 * i)
	}
	return f
}

// TestPurgeBesideOthers: the records are gone though another process reads the log,
// and the purge says that the log still has them.
func TestPurgeBesideOthers(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	h := historyAt(t, dir, c, nil)
	h.Add(record(1, c))
	flush(t, h)
	h.opts.Busy = 50 * time.Millisecond
	other, err := sqlite.ConnectToRead(h.path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.Run("BEGIN"); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Integer("SELECT count(*) FROM record"); err != nil {
		t.Fatal(err)
	}
	n, err := h.Purge(t.Context(), Purge{To: "ben@example.net"})
	if n != 1 || !errors.Is(err, sqlite.ErrBusy) || !strings.Contains(err.Error(), "1 deleted, but") || len(ids(t, h)) != 0 {
		t.Errorf("%d, %v, left %v", n, err, ids(t, h))
	}
	if err := other.Run("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if n, err := h.Purge(t.Context(), Purge{To: "ben@example.net"}); n != 0 || err != nil || inFiles(t, h, "ben@") {
		t.Errorf("again: %d, %v, in the files: %v", n, err, inFiles(t, h, "ben@"))
	}
	h.Close()
	h = historyAt(t, dir, c, func(o *Options) { o.ReadOnly = true })
	if _, err := h.Purge(t.Context(), Purge{To: "ben@example.net"}); !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("read-only: %v", err)
	}
}

// TestRecordMessage: what can be learned of a record, and why not.
func TestRecordMessage(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	h := historyAt(t, dir, c, nil)
	in := record(1, c)
	h.Add(in)
	unread := Record{ID: "unread", Outcome: "accept", Unscored: true}
	h.Add(unread)
	flush(t, h)
	edit := func(statement string) {
		h.Close()
		storetest.SQL(t, filepath.Join(dir, fileName), statement)
		h = historyAt(t, dir, c, nil)
	}
	get := func(id string) (*classify.Message, error) {
		r, err := h.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return r.Message()
	}
	m, err := get("id1")
	if err != nil || m.Digest != in.Digest || !slices.Equal(m.Features, in.Features) || !slices.Equal(m.Grams, in.Grams) || m.Canonical != nil || m.Complete {
		t.Errorf("message %+v, %v", m, err)
	}
	if _, err := get("unread"); !errors.Is(err, ErrNoFeatures) || !strings.Contains(err.Error(), "could not be read") {
		t.Errorf("unread: %v", err)
	}
	edit("UPDATE feature SET version = 1")
	if _, err := get("id1"); !errors.Is(err, ErrNoFeatures) || !strings.Contains(err.Error(), "feature version 1, and this is ") {
		t.Errorf("older: %v", err)
	}
	edit("DELETE FROM feature")
	if _, err := get("id1"); !errors.Is(err, ErrNoFeatures) || !strings.Contains(err.Error(), "make room") {
		t.Errorf("dropped: %v", err)
	}
}
