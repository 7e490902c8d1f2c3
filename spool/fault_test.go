package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// faulty is the real disk with one step that fails, or with all that follow.
type faulty struct {
	Disk
	mu      sync.Mutex
	step    int    // steps done since arm
	failAt  int    // 0: never
	forever bool   // every step from failAt on fails
	err     error  // what it fails with
	failed  string // what failed first
	trace   []string
}

func (f *faulty) arm(at int, forever bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.step, f.failAt, f.forever, f.trace = 0, at, forever, nil
	if at > 0 { // disarmed, it remembers what happened
		f.err, f.failed = err, ""
	}
}

func (f *faulty) next(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.step++
	f.trace = append(f.trace, what)
	if f.failAt == 0 || f.step < f.failAt || f.step > f.failAt && !f.forever {
		return nil
	}
	if f.failed == "" {
		f.failed = fmt.Sprintf("step %d, %s", f.step, what)
	}
	return &fs.PathError{Op: what, Path: "spool", Err: f.err}
}

func (f *faulty) Create(name string, perm fs.FileMode) (File, error) {
	if err := f.next("create " + kind(name)); err != nil {
		return nil, err
	}
	file, err := f.Disk.Create(name, perm)
	return faultyFile{file, f, kind(name)}, err
}

// kind is what a file of tmp is: .msg, .json or draft.
func kind(name string) string {
	if ext := filepath.Ext(name); ext != "" {
		return ext
	}
	return strings.SplitN(filepath.Base(name), "-", 2)[0]
}

func (f *faulty) Append(name string) (File, error) {
	if err := f.next("append"); err != nil {
		return nil, err
	}
	file, err := f.Disk.Append(name)
	return faultyFile{file, f, "journal"}, err
}

func (f *faulty) Rename(from, to string) error {
	if err := f.next("rename to " + filepath.Ext(to)); err != nil {
		return err
	}
	return f.Disk.Rename(from, to)
}

func (f *faulty) Remove(name string) error {
	if err := f.next("remove"); err != nil {
		return err
	}
	return f.Disk.Remove(name)
}

func (f *faulty) SyncDir(dir string) error {
	if err := f.next("sync directory"); err != nil {
		return err
	}
	return f.Disk.SyncDir(dir)
}

func (f *faulty) Free(dir string) (int64, error) {
	if err := f.next("statfs"); err != nil {
		return 0, err
	}
	return f.Disk.Free(dir)
}

type faultyFile struct {
	File
	f    *faulty
	kind string
}

// Write fails with half of the bytes written, as a full disk does.
func (w faultyFile) Write(p []byte) (int, error) {
	if err := w.f.next("write " + w.kind); err != nil {
		n, _ := w.File.Write(p[:len(p)/2])
		return n, err
	}
	return w.File.Write(p)
}

func (w faultyFile) Sync() error {
	if err := w.f.next("fsync " + w.kind); err != nil {
		return err
	}
	return w.File.Sync()
}

func (w faultyFile) Truncate(n int64) error {
	if err := w.f.next("truncate"); err != nil {
		return err
	}
	return w.File.Truncate(n)
}

// holdSteps is what makes a hold safe, in this order and no other: both files
// are on the disk before the journal speaks of them, the journal before they
// are visible, the message last.
const holdSteps = "statfs; statfs; create .msg; write .msg; fsync .msg; statfs; create .json; write .json; fsync .json; " +
	"append; write journal; fsync journal; rename to .json; rename to .msg; sync directory"

func TestStepsOfHold(t *testing.T) {
	disk := &faulty{}
	s := open(t, filepath.Join(t.TempDir(), "s"), Options{FS: disk})
	disk.arm(0, false, nil)
	hold(t, s, meta(s, "x"), "x")
	if got := strings.Join(disk.trace, "; "); got != holdSteps {
		t.Errorf("steps are\n%s\nwant\n%s", got, holdSteps)
	}
}

// TestStepsOfRelease: "releasing" is on the disk when
// BeginRelease returns, and "released" before the message goes.
func TestStepsOfRelease(t *testing.T) {
	disk := &faulty{}
	s := open(t, filepath.Join(t.TempDir(), "s"), Options{FS: disk})
	id := hold(t, s, meta(s, "x"), "x")
	disk.arm(0, false, nil)
	if err := s.BeginRelease(id); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(disk.trace, "; "), "append; write journal; fsync journal"; got != want {
		t.Errorf("BeginRelease: %s, want %s", got, want)
	}
	disk.arm(0, false, nil)
	if err := s.EndRelease(id, true); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(disk.trace, "; "), "append; write journal; fsync journal; remove; remove"; got != want {
		t.Errorf("EndRelease: %s, want %s", got, want)
	}
}

// eachFault runs one case for every step of an operation, every errno, and with
// faults that pass or stay, on a fresh spool.
func eachFault(t *testing.T, run func(t *testing.T, disk *faulty, s *Spool) bool) {
	steps := map[string]bool{}
	for _, limit := range []int{10, 1 << 20} {
		for _, f := range []struct {
			err     error
			forever bool
		}{{syscall.ENOSPC, true}, {syscall.EIO, false}, {syscall.EIO, true}, {syscall.EROFS, true}, {syscall.EMFILE, false}} {
			for at := 1; ; at++ {
				disk := &faulty{}
				s := open(t, filepath.Join(t.TempDir(), "s"), Options{FS: disk, MemLimit: limit})
				disk.arm(at, f.forever, f.err)
				if !run(t, disk, s) {
					if at < 8 {
						t.Fatalf("the operation has only %d steps: is the disk injected?", at-1)
					}
					break
				}
				steps[disk.failed[strings.Index(disk.failed, ",")+2:]] = true
			}
		}
	}
	for _, want := range append(strings.Split(holdSteps, "; "), "create draft", "write draft", "fsync draft") {
		if !steps[want] {
			t.Errorf("no fault was injected at %q; there were %v", want, steps)
		}
	}
}

// TestFaultAtEachStepOfHold: an error leaves nothing half-written and no draft,
// success a complete message, and the client's retry is answered rightly.
func TestFaultAtEachStepOfHold(t *testing.T) {
	const body = "a body that is longer than ten bytes\r\n"
	eachFault(t, func(t *testing.T, disk *faulty, s *Spool) bool {
		m := meta(s, body)
		err := s.Hold(draft(s, m, body), m)
		failed := disk.failed
		stays := disk.forever
		where := fmt.Sprintf("%v at %s, staying=%v", disk.err, failed, stays)
		if failed == "" && err != nil {
			t.Fatalf("error without a fault: %v", err)
		}
		if err == nil && failed != "" && !strings.Contains(failed, "remove") {
			t.Errorf("%s: no error", where)
		}
		if err != nil && !errors.Is(err, disk.err) {
			t.Errorf("%s: error %v does not name the cause", where, err)
		}
		checkWhole(t, where, s, m, body, err, stays)
		disk.arm(0, false, nil)
		checkWhole(t, where+", another process", open(t, s.dir, Options{}), m, body, err, stays)
		retry(t, where, s, m, body)
		return failed != ""
	})
}

// checkWhole checks that a message is there whole or not at all.
func checkWhole(t *testing.T, where string, s *Spool, m Meta, body string, holdErr error, stays bool) {
	t.Helper()
	list, err := s.List(Unsure)
	if err != nil {
		t.Fatalf("%s: List: %v", where, err)
	}
	state, _ := s.Seen(m.Digest, m.Envelope.Sender, m.Envelope.Recipients)
	switch {
	case holdErr == nil && (len(list) != 1 || state != Held):
		t.Errorf("%s: held, but listed %d times, state %d", where, len(list), state)
	case holdErr != nil && !stays && (len(list) != 0 || state != Unknown):
		t.Errorf("%s: not held, but listed %d times, state %d", where, len(list), state)
	case (len(list) == 1) != (state == Held):
		t.Errorf("%s: listed %d times, state %d", where, len(list), state)
	}
	for _, l := range list {
		if got := released(t, s, l.ID); got != draftFields+body {
			t.Errorf("%s: half a message: %q", where, got)
		}
	}
	if left := files(t, s.tmp()); len(left) != 0 && !stays && holdErr != nil {
		t.Errorf("%s: tmp has %v", where, left)
	}
}

// retry does what the client does after a 451, with the fault gone.
func retry(t *testing.T, where string, s *Spool, m Meta, body string) {
	t.Helper()
	if state, _ := s.Seen(m.Digest, m.Envelope.Sender, m.Envelope.Recipients); state == Unknown {
		m.ID = s.NewID()
		if err := s.Hold(draft(s, m, body), m); err != nil {
			t.Errorf("%s: retry: %v", where, err)
		}
	}
	for _, sp := range []*Spool{s, open(t, s.dir, Options{})} {
		if list, err := sp.List(Unsure); err != nil || len(list) != 1 {
			t.Errorf("%s: after the retry there are %d, %v", where, len(list), err)
		}
		if left := files(t, sp.tmp()); sp != s && len(left) != 0 {
			t.Errorf("%s: tmp has %v", where, left)
		}
	}
}

// TestFaultAtEachStepOfADecision: whatever fails, the message is either still
// there and whole, or decided; and never forgotten.
func TestFaultAtEachStepOfADecision(t *testing.T) {
	const body = "a body\r\n"
	for name, decide := range map[string]func(*Spool, string) error{
		"discard": (*Spool).Discard,
		"release": func(s *Spool, id string) error {
			if err := s.BeginRelease(id); err != nil {
				return err
			}
			return s.EndRelease(id, true)
		},
	} {
		for _, renew := range []bool{false, true} {
			for at := 1; ; at++ {
				disk := &faulty{}
				s := open(t, filepath.Join(t.TempDir(), "s"), Options{FS: disk})
				m := meta(s, body)
				hold(t, s, m, body)
				s.j.renew = renew // with the journal written anew on the way
				disk.arm(at, false, syscall.EIO)
				err := decide(s, m.ID)
				where := fmt.Sprintf("%s, %s", name, disk.failed)
				for _, sp := range []*Spool{s, open(t, s.dir, Options{})} {
					checkDecision(t, where, sp, m, body, err)
				}
				if disk.failed == "" {
					break
				}
			}
		}
	}
}

func checkDecision(t *testing.T, where string, s *Spool, m Meta, body string, decideErr error) {
	t.Helper()
	state, _ := s.Seen(m.Digest, m.Envelope.Sender, m.Envelope.Recipients)
	_, err := s.Get(m.ID)
	switch {
	case state == Unknown:
		t.Errorf("%s: forgotten", where)
	case decideErr == nil && (state != Decided || !errors.Is(err, ErrNotHeld)):
		t.Errorf("%s: decided, but state %d, Get %v", where, state, err)
	case state == Decided && !errors.Is(err, ErrNotHeld):
		t.Errorf("%s: decided, but Get %v", where, err)
	case state != Decided && released(t, s, m.ID) != draftFields+body:
		t.Errorf("%s: the message is not whole", where)
	}
}
