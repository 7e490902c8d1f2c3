package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fanmill/classify"
	"fanmill/store/sqlite"
	"fanmill/store/storetest"
)

// follow runs Follow until the test ends.
func following(t testing.TB, db *DB) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := db.Follow(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
}

// TestOtherProcessIsFollowed: what another process learns is in the model of one that
// follows within a second, and both end with the same counts.
func TestOtherProcessIsFollowed(t *testing.T) {
	if followEvery > 250*time.Millisecond {
		t.Errorf("Follow looks every %s only", followEvery)
	}
	dir := t.TempDir()
	db := openAt(t, dir)
	learn(t, db, message(1, Ham, 1))
	following(t, db)
	other := storetest.StartChild(t, "learn", dir)
	other.Expect(t, "ready")
	m := mustModel(t, db, "")
	for round := uint32(1); round <= 5; round++ {
		other.Proceed(t)
		other.Expect(t, "learned")
		storetest.Eventually(t, time.Second, "the follower has what the other process learned", func() bool {
			n := m.Totals()
			return n.Ham+n.Spam == 1+20*round
		})
		learn(t, db, message(int(round)+1, Spam, 0))
	}
	other.In.Close()
	other.Rest(t)
	sameAsRebuilt(t, db)
	if got, want := export(t, openAt(t, dir)), export(t, db); got != want {
		t.Errorf("opened anew:\n%s\nfollowed:\n%s", head(got), head(want))
	}
}

// TestKilledWriter: kill -9 of a process amid its batches leaves whole batches, and
// ledger and model agree for a follower and for the next start.
func TestKilledWriter(t *testing.T) {
	dir := t.TempDir()
	follower := openAt(t, dir)
	following(t, follower)
	for range 6 {
		seq := follower.Seq()
		c := storetest.StartChild(t, "batch", dir)
		c.Expect(t, "ready")
		storetest.Eventually(t, 20*time.Second, "batches are written", func() bool { return follower.Seq() > seq })
		time.Sleep(rand.N(40 * time.Millisecond))
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		c.Wait()
		catchUp(t, follower)
		if s := follower.Seq(); s%40 != 0 || s == 0 {
			t.Errorf("seq %d: part of a batch was kept", s)
		}
		sameAsRebuilt(t, follower)
		fresh := openAt(t, dir)
		if export(t, fresh) != export(t, follower) {
			t.Fatal("a new process has another model")
		}
		if err := fresh.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := follower.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestLockedLedger: while another process has the ledger locked, look-ups and following
// go on, and an update says what is in the way.
func TestLockedLedger(t *testing.T) {
	dir := t.TempDir()
	var log storetest.Log
	db := openAt(t, dir, withLog(&log), func(o *Options) { o.Busy = waitQuietly + 150*time.Millisecond })
	learn(t, db, message(1, Ham, 1))
	m := mustModel(t, db, "")
	c := storetest.StartChild(t, "lock", dir)
	c.Expect(t, "locked")
	err := db.Update(t.Context(), func(*Tx) error { t.Error("the lock was passed"); return nil })
	if !errors.Is(err, sqlite.ErrBusy) || strings.Contains(err.Error(), "database is locked") {
		t.Errorf("update: %v", err)
	}
	if n := log.Count("waiting for it"); n != 1 {
		t.Errorf("said %d times that it waits: %s", n, log.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Update(ctx, func(*Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("update with a context that has ended: %v", err)
	}
	out := make([]classify.Count, 1)
	if m.Lookup(message(1, Ham, 1).Features[:1], out); out[0].Ham != 1 || m.Totals().Ham != 1 {
		t.Errorf("look-up while locked: %v of %v", out[0], m.Totals())
	}
	if n, err := db.CatchUp(t.Context()); n != 0 || err != nil {
		t.Errorf("catch up while locked: %d, %v", n, err)
	}
	c.Proceed(t)
	c.Rest(t)
	learn(t, db, message(2, Spam, 1))
	sameAsRebuilt(t, db)
}

// TestSeizedLedger: a ledger that another process keeps to itself is waited for, but
// not for ever.
func TestSeizedLedger(t *testing.T) {
	dir, model := ledgerOf(t)
	c := storetest.StartChild(t, "seize", dir)
	c.Expect(t, "locked")
	if _, err := Open(t.Context(), Options{Dir: dir, Busy: 100 * time.Millisecond}); !errors.Is(err, sqlite.ErrBusy) {
		t.Errorf("open: %v", err)
	}
	time.AfterFunc(50*time.Millisecond, func() { c.In.Close() })
	if got := export(t, openAt(t, dir)); got != model {
		t.Errorf("got\n%s\nwant\n%s", head(got), head(model))
	}
	c.Rest(t)
}

// TestFollowGoesOnAfterFaults: a ledger that cannot be read is logged once when it
// begins and once when it ends, and what was missed is made up.
func TestFollowGoesOnAfterFaults(t *testing.T) {
	dir := t.TempDir()
	var log storetest.Log
	db, other := openAt(t, dir, withLog(&log)), openAt(t, dir)
	following(t, db)
	away := filepath.Join(dir, "away")
	if err := os.Rename(db.path, away); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, 5*time.Second, "the missing ledger is logged", func() bool { return log.Count("cannot follow the ledger") == 1 })
	if err := db.Update(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, ErrReplaced) {
		t.Errorf("update of a ledger that is not there: %v", err)
	}
	time.Sleep(3 * followEvery)
	if n := log.Count("cannot follow the ledger"); n != 1 {
		t.Errorf("logged %d times", n)
	}
	if err := os.Rename(away, db.path); err != nil {
		t.Fatal(err)
	}
	learn(t, other, message(1, Ham, 1))
	storetest.Eventually(t, 5*time.Second, "following again", func() bool { return db.Seq() == 1 && log.Count("following the ledger again") == 1 })
}

// TestWritersShare: a process that trains without pause lets another one in at each
// batch; by luck alone a dozen updates would not all get in within their time.
func TestWritersShare(t *testing.T) {
	dir := t.TempDir()
	db := openAt(t, dir, func(o *Options) { o.Busy = 2 * time.Second })
	c := storetest.StartChild(t, "busy", dir)
	c.Expect(t, "ready")
	for n := range 12 {
		learn(t, db, message(n, Ham, 1))
		time.Sleep(longUpdate / 2) // the other one takes the lock again
	}
	c.Process.Kill()
	c.Wait()
	sameAsRebuilt(t, db)
}

func TestDiskFullOnCommit(t *testing.T) {
	dir := t.TempDir()
	c := storetest.StartChild(t, "full", dir)
	c.Expect(t, "commit reached: true; failed: true")
	c.Expect(t, "model as before: true seq 5")
	c.Rest(t)
	db := openAt(t, dir)
	if l, err := db.Labels(""); err != nil || l.Ham+l.Spam != 10 {
		t.Errorf("labels %+v, %v", l, err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestLogThatDoesNotLeadOn: a follower builds its model anew where ops or features are
// gone, or the ledger was put back from a backup.
func TestLogThatDoesNotLeadOn(t *testing.T) {
	for name, sql := range map[string]string{
		"ops pruned":            "DELETE FROM op WHERE seq <= 3",
		"all ops but none left": "DELETE FROM op",
		"row gone":              "DELETE FROM msg WHERE id = 2",
		"grams gone":            "UPDATE lists SET grams = NULL WHERE id = 2; UPDATE msg SET step = 0 WHERE id = 2",
		"features gone":         "UPDATE lists SET features = NULL WHERE id = 2; UPDATE msg SET adds = 0 WHERE id = 2",
	} {
		dir := t.TempDir()
		var log storetest.Log
		db, other := openAt(t, dir, withLog(&log)), openAt(t, dir)
		learn(t, db, message(1, Ham, 1))
		learn(t, other, message(2, Spam, 1), message(3, Ham, 1), message(4, Ham, 1))
		if err := other.w.Run(sql); err != nil {
			t.Fatal(err)
		}
		catchUp(t, db)
		if log.Count("building the model from the rows") != 1 {
			t.Errorf("%s: not rebuilt: %s", name, log.String())
		}
		sameAsRebuilt(t, db)
		learn(t, db, message(5, Spam, 1))
		sameAsRebuilt(t, db)
	}
}
