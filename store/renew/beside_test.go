package renew

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/store/disk"
	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/pack"
	"fanmill/store/sqlite"
	"fanmill/store/storetest"
)

// seenBefore is a row as the feature version before saw it.
func seenBefore(row ledger.Row) ledger.Row {
	n := uint64(row.Digest[1])<<8 | uint64(row.Digest[0])
	row.Features, row.Grams = []uint64{n << 8, n<<8 + 1}, []uint32{uint32(n), uint32(n) + 5}
	return row
}

// extractMessage is Extract for the rows of message.
func extractMessage(text []byte) ([]uint64, []uint32) {
	n := 0
	if _, err := fmt.Sscanf(string(text), "Subject: message %d", &n); err != nil {
		panic(err)
	}
	row := storetest.Message(n, model.Ham, 0)
	return row.Features, slices.Sorted(slices.Values(row.Grams))
}

// setFeatures makes a ledger one of another feature version. Whoever has it open does not
// notice, and goes on as the fanmill of that version would.
func setFeatures(t testing.TB, dir string, version int) {
	t.Helper()
	storetest.SQL(t, filepath.Join(dir, ledger.FileName), fmt.Sprintf("UPDATE meta SET value = %d WHERE key = 'features'", version))
}

const before = classify.FeatureVersion - 1

// upgrade is a ledger of the feature version before, which a fanmill of that version has
// open, and what it must become: the same labels with the present features.
type upgrade struct {
	dir       string
	old, want *store.DB
}

func newUpgrade(t testing.TB) *upgrade {
	u := &upgrade{dir: t.TempDir(), want: open(t, t.TempDir())}
	u.old = open(t, u.dir)
	u.learn(t, 1, 80)
	setFeatures(t, u.dir, before)
	return u
}

// learn labels messages; one in ten is not kept whole, and has no label in the end.
func (u *upgrade) learn(t testing.TB, first, n int) {
	t.Helper()
	var old, want []ledger.Row
	for i := first; i < first+n; i++ {
		row := storetest.Message(i, model.Ham+model.Class(i%2), i%3)
		row.Complete = i%10 != 0
		if old = append(old, seenBefore(row)); row.Complete {
			want = append(want, row)
		}
	}
	storetest.Learn(t, u.old.Update, old...)
	storetest.Learn(t, u.want.Update, want...)
}

// change does to the ledger what may happen to it meanwhile: new labels, flips, labels
// taken away, messages gone, and a message that came to a row that had none.
func (u *upgrade) change(t testing.TB) {
	t.Helper()
	u.learn(t, 81, 20)
	flipped := storetest.Message(3, model.Ham, 2)
	storetest.Learn(t, u.old.Update, seenBefore(flipped))
	storetest.Learn(t, u.want.Update, flipped)
	for _, db := range []*store.DB{u.old, u.want} {
		storetest.Forget(t, db.Update, "", storetest.Digest(4))
		storetest.Forget(t, db.Update, "", storetest.Digest(5))
	}
	row, _, err := u.old.Find(t.Context(), "", storetest.Digest(5))
	if err != nil {
		t.Fatal(err)
	}
	update(t, u.old, func(tx *store.Tx) error {
		n, err := tx.Sweep([]int64{row.ID})
		if n != 1 {
			t.Errorf("%d removed", n)
		}
		return err
	})
}

func (u *upgrade) close(t testing.TB) {
	t.Helper()
	if err := u.old.Close(); err != nil {
		t.Fatal(err)
	}
}

func (u *upgrade) prepare(t testing.TB) {
	t.Helper()
	if r, err := Prepare(t.Context(), Options{Dir: u.dir}, extractMessage, nil); err != nil || r.From != before || r.Messages == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
}

// check renews and compares the model, and what is kept beside, with what must be.
func (u *upgrade) check(t testing.TB) Renewed {
	t.Helper()
	r, err := Run(t.Context(), Options{Dir: u.dir}, extractMessage, nil)
	if err != nil || r.From != before || r.Left == 0 || !strings.HasSuffix(r.Kept, fmt.Sprintf("-features%d", before)) {
		t.Fatalf("%+v, %v", r, err)
	}
	db := open(t, u.dir)
	if got, want := storetest.Export(t, db), storetest.Export(t, u.want); got != want {
		t.Fatalf("renewed:\n%s\nwant\n%s", storetest.Head(got), storetest.Head(want))
	}
	storetest.SameAsRebuilt(t, db)
	ops, err := db.Ops(t.Context(), 0, 1e6)
	if err != nil || len(ops) == 0 || ops[len(ops)-1].Seq != db.Seq() || ops[0].Seq+int64(len(ops))-1 != db.Seq() {
		t.Errorf("%d ops up to %d, %v", len(ops), db.Seq(), err)
	}
	storetest.Learn(t, db.Update, storetest.Message(200, model.Spam, 1))
	storetest.SameAsRebuilt(t, db)
	if err := errors.Join(db.Check(t.Context()), db.Close()); err != nil {
		t.Error(err)
	}
	setFeatures(t, u.dir, classify.FeatureVersion)
	if version, err := olderFeatures(r.Kept); version != before || err != nil {
		t.Errorf("%s: features %d, %v", r.Kept, version, err)
	}
	if _, err := os.Stat(filepath.Join(u.dir, renewedFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the copy is still there: %v", err)
	}
	return r
}

// TestRenewBeside: a copy is renewed while the fanmill of the version before goes on; what
// it learns meanwhile is in the renewed ledger, and only that is left to do at its end.
func TestRenewBeside(t *testing.T) {
	u := newUpgrade(t)
	was := storetest.Export(t, u.old)
	u.prepare(t)
	if got := storetest.Export(t, u.old); got != was {
		t.Error("the old model changed")
	}
	u.change(t)
	u.close(t)
	if r := u.check(t); r.Messages == 0 || r.Messages > 25 {
		t.Errorf("%d messages were left to do", r.Messages)
	}
}

// TestRenewGainedMessage: what was kept in part when the copy was made, and is whole now,
// keeps its label.
func TestRenewGainedMessage(t *testing.T) {
	u := newUpgrade(t)
	row := storetest.Message(300, model.Spam, 1)
	text := row.Message
	storetest.Learn(t, u.want.Update, row)
	row.Message, row.Complete = nil, false
	storetest.Learn(t, u.old.Update, seenBefore(row))
	u.prepare(t)
	update(t, u.old, func(tx *store.Tx) error {
		found, _, err := tx.Find("", storetest.Digest(300))
		return errors.Join(err, tx.Complete(found, text))
	})
	u.close(t)
	u.check(t)
}

// TestRenewCutShort: whatever step was the last that was done before a kill, and whatever
// the old fanmill does when it is started once more, the next Renew finishes.
func TestRenewCutShort(t *testing.T) {
	finish := func(t *testing.T, u *upgrade) *renewal {
		n := &renewal{ctx: t.Context(), busy: time.Second, pack: pack.NewPacker(), extract: extractMessage}
		if err := n.finish(filepath.Join(u.dir, ledger.FileName)); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for name, steps := range map[string]func(t *testing.T, u *upgrade){
		"nothing done":       func(*testing.T, *upgrade) {},
		"prepared":           func(t *testing.T, u *upgrade) { u.prepare(t) },
		"prepared twice":     func(t *testing.T, u *upgrade) { u.prepare(t); u.prepare(t) },
		"finished":           func(t *testing.T, u *upgrade) { u.prepare(t); finish(t, u) },
		"finished, goes on":  func(t *testing.T, u *upgrade) { u.prepare(t); finish(t, u); u.change(t) },
		"finished twice":     func(t *testing.T, u *upgrade) { u.prepare(t); u.change(t); finish(t, u); finish(t, u) },
		"a part was written": func(t *testing.T, u *upgrade) { write(t, u, "."+renewedFile+".1"+disk.Unfinished, "half a copy") },
		"rubbish":            func(t *testing.T, u *upgrade) { write(t, u, renewedFile, "rubbish that is no database") },
		"empty":              func(t *testing.T, u *upgrade) { write(t, u, renewedFile, "") },
		"damaged": func(t *testing.T, u *upgrade) {
			u.prepare(t)
			b, err := os.ReadFile(filepath.Join(u.dir, renewedFile))
			if err != nil {
				t.Fatal(err)
			}
			for at := 4096; at < len(b); at += 4096 {
				copy(b[at:], bytes.Repeat([]byte{0xA5}, 4096))
			}
			write(t, u, renewedFile, string(b))
		},
		"second name": func(t *testing.T, u *upgrade) {
			u.prepare(t)
			u.close(t)
			finish(t, u)
			if _, err := sqlite.SetAside(t.Context(), filepath.Join(u.dir, ledger.FileName), "-features1"); err != nil {
				t.Fatal(err)
			}
		},
		"of another version": func(t *testing.T, u *upgrade) {
			u.prepare(t)
			spoil(t, u, renewedFile, "UPDATE meta SET value = value + 1 WHERE key = 'renewed'")
		},
		"of another ledger": func(t *testing.T, u *upgrade) {
			u.prepare(t)
			spoil(t, u, renewedFile, "UPDATE meta SET value = 'x' WHERE key = 'ledger'; UPDATE lists SET features = NULL")
		},
		"of an older form": func(t *testing.T, u *upgrade) {
			u.prepare(t)
			spoil(t, u, renewedFile, storetest.Older[2])
		},
		"ledger put back": func(t *testing.T, u *upgrade) {
			u.prepare(t)
			spoil(t, u, ledger.FileName, "UPDATE op SET time = time + 1 WHERE seq = 80")
		},
		"log pruned": func(t *testing.T, u *upgrade) {
			u.prepare(t)
			u.change(t)
			spoil(t, u, ledger.FileName, "DELETE FROM op WHERE seq <= 85")
		},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpgrade(t)
			steps(t, u)
			u.close(t)
			u.check(t)
			if _, err := store.Open(t.Context(), store.Options{Dir: u.dir}); err != nil {
				t.Error(err)
			}
		})
	}
}

func write(t *testing.T, u *upgrade, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(u.dir, name), []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
}

func spoil(t *testing.T, u *upgrade, name, sql string) {
	t.Helper()
	storetest.SQL(t, filepath.Join(u.dir, name), sql)
}

// TestRenewWhileOpen: a ledger that others have open is not replaced.
func TestRenewWhileOpen(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	for n := range 20 {
		storetest.Learn(t, db.Update, storetest.Message(n, model.Ham+model.Class(n%2), 1))
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	c := storetest.StartChild(t, "hold", dir)
	c.Expect(t, "ready")
	setFeatures(t, dir, before)
	if _, err := Run(t.Context(), Options{Dir: dir}, extractMessage, nil); !errors.Is(err, sqlite.ErrOpen) {
		t.Errorf("%v", err)
	}
	c.Proceed(t)
	c.Rest(t)
	if _, err := Run(t.Context(), Options{Dir: dir}, extractMessage, nil); err != nil {
		t.Error(err)
	}
	db = open(t, dir)
	if l, err := db.Labels(""); err != nil || l.Ham+l.Spam != 40 {
		t.Errorf("%+v, %v", l, err)
	}
}

// childRenew renews, slowly.
func childRenew(dir string) error {
	fmt.Println("ready")
	_, err := Run(context.Background(), Options{Dir: dir}, func(text []byte) ([]uint64, []uint32) {
		time.Sleep(time.Millisecond)
		return extractMessage(text)
	}, nil)
	return err
}

// TestKilledRenewal kills a renewal at many moments; then one finishes.
func TestKilledRenewal(t *testing.T) {
	for n := range 12 {
		u := newUpgrade(t)
		u.close(t)
		c := storetest.StartChild(t, "renew", u.dir)
		c.Expect(t, "ready")
		time.Sleep(time.Duration(n) * 20 * time.Millisecond)
		c.Process.Signal(syscall.SIGKILL)
		c.Wait()
		if version, err := olderFeatures(filepath.Join(u.dir, ledger.FileName)); err != nil {
			t.Fatal(err)
		} else if version == before {
			u.check(t)
			continue
		}
		db := open(t, u.dir) // it was done already
		if got, want := storetest.Export(t, db), storetest.Export(t, u.want); got != want {
			t.Fatalf("renewed:\n%s\nwant\n%s", storetest.Head(got), storetest.Head(want))
		}
	}
}

// childRenewFull renews under a limit on the size of files, as on a full disk.
func childRenewFull(dir string) error {
	signal.Ignore(syscall.SIGXFSZ)
	size, err := disk.Size(filepath.Join(dir, ledger.FileName))
	if err != nil {
		return err
	}
	limit := syscall.Rlimit{Cur: uint64(size) / 2, Max: uint64(size) / 2}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	_, err = Run(context.Background(), Options{Dir: dir}, extractMessage, nil)
	fmt.Println("failed:", errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EIO))
	return nil
}

// TestRenewDiskFull: nothing is changed, and nothing left behind.
func TestRenewDiskFull(t *testing.T) {
	u := newUpgrade(t)
	u.close(t)
	was, err := os.ReadFile(filepath.Join(u.dir, ledger.FileName))
	if err != nil {
		t.Fatal(err)
	}
	c := storetest.StartChild(t, "renew full", u.dir)
	c.Expect(t, "failed: true")
	c.Rest(t)
	now, err := os.ReadFile(filepath.Join(u.dir, ledger.FileName))
	if err != nil || !bytes.Equal(was, now) {
		t.Errorf("the ledger changed, %v", err)
	}
	if names, err := filepath.Glob(filepath.Join(u.dir, ".*")); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	u.check(t)
}
