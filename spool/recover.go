package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// recover brings directory and journal together after whatever happened. The
// lock is held, so no hold is between its steps.
func (s *Spool) recover() error {
	if err := s.sweep(); err != nil {
		return err
	}
	changed := false
	for _, b := range boxes {
		c, err := s.reconcile(b)
		if err != nil {
			return err
		}
		changed = changed || c
	}
	_, torn := s.j.end()
	gone, doubt := s.missing(), s.doubts()
	if err := s.compact(changed || torn || gone || doubt || !exists(s.j.name)); err != nil {
		// A full disk is no reason not to start: holding will fail, and say so.
		s.j.renew = true
		s.o.Logger.Error("spool journal cannot be written", "err", err)
	}
	return nil
}

// sweep removes the files in tmp that no process has open.
func (s *Spool) sweep() error {
	entries, err := os.ReadDir(s.tmp())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		name := filepath.Join(s.tmp(), e.Name())
		if err := s.sweepFile(name); err != nil {
			s.o.Logger.Warn("leftover stays", "file", name, "err", err)
		}
	}
	return nil
}

func (s *Spool) sweepFile(name string) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil // its writer lives
		}
		return err
	}
	// Between opening and locking the file can have been moved to where it
	// belongs: only one that still has its name here is a leftover.
	if here, err := sameName(f, name); err != nil || !here {
		return err
	}
	return s.o.FS.Remove(name)
}

// sameName reports whether name still leads to the open file.
func sameName(f *os.File, name string) (bool, error) {
	a, err := f.Stat()
	if err != nil {
		return false, err
	}
	b, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(a, b), err
}

// reconcile finishes removals in a box and takes into the index what lies there
// without a journal line (the journal was lost, or came from a backup).
func (s *Spool) reconcile(b Box) (changed bool, err error) {
	metas, err := s.ids(b, ".json")
	if err != nil {
		return false, err
	}
	for _, id := range metas {
		if !exists(s.path(b, id, ".msg")) {
			s.removeFiles(b, id)
		}
	}
	ids, err := s.ids(b, ".msg")
	if err != nil {
		return false, err
	}
	for _, id := range ids {
		if s.j.decided(id) {
			s.removeFiles(b, id)
			continue
		}
		if s.j.has(id) {
			continue
		}
		r, err := s.readRecord(b, id)
		if err != nil {
			s.o.Logger.Error("held message without a readable envelope", "id", id, "err", err)
			continue
		}
		l := newLine(opHeld, r.Meta)
		l.Time = r.Time
		s.j.put(l)
		changed = true
	}
	return changed, nil
}

// missing drops what the journal calls held and is not there: the hold was
// killed before its commit point, or the file was taken out by hand.
func (s *Spool) missing() bool {
	return s.j.edit(func(l *line) op {
		if l.Op == opHeld && !exists(s.path(l.Box, l.ID, ".msg")) {
			return opGone
		}
		return l.Op
	})
}

// doubts marks releases whose process died.
func (s *Spool) doubts() bool {
	return s.j.edit(func(l *line) op {
		if l.Op == opReleasing && !s.claimedByAny(l.ID) {
			return opDoubt
		}
		return l.Op
	})
}

// put and edit change the index only; compact then writes it.
func (j *journal) put(l line) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.x.apply(l)
}

func (j *journal) edit(f func(*line) op) (changed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range j.x.byID {
		if o := f(l); o != l.Op {
			next := *l
			next.Op, changed = o, true
			j.x.apply(next)
		}
	}
	return changed
}

// removeFiles removes a message whose decision is in the journal. What cannot
// be removed now is out of sight already, and removed at the next start.
func (s *Spool) removeFiles(b Box, id string) {
	for _, ext := range []string{".msg", ".json"} {
		if err := s.o.FS.Remove(s.path(b, id, ext)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.o.Logger.Warn("decided message stays until the next start", "id", id, "err", err)
		}
	}
}

// claimName is the lock file of a claim.
func (s *Spool) claimName(id string) string { return filepath.Join(s.tmp(), id+".claim") }

// claimedByAny reports whether a living process has claimed the message.
func (s *Spool) claimedByAny(id string) bool {
	f, err := os.Open(s.claimName(id))
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	// A shared lock, so that two that only look do not take each other for the holder.
	return flock(f, syscall.LOCK_SH|syscall.LOCK_NB) != nil
}

// claimant reads who holds a claim.
func (s *Spool) claimant(id string) string {
	raw, err := os.ReadFile(s.claimName(id))
	who := strings.TrimSpace(string(raw))
	if err != nil || who == "" {
		return "somebody"
	}
	return fmt.Sprintf("%.80q", who)
}
