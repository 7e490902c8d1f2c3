package spool

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"
)

// claim is a lock file this Spool holds.
type claim struct {
	file      *os.File
	releasing bool // between BeginRelease and its end
	own       bool // made by BeginRelease itself, and dropped with its end
}

// Claim takes a message for one moderator until unlock is called or the process
// ends. The error is ErrClaimed, with the other's name, when somebody has it,
// and ErrNotHeld when there is no such message.
func (s *Spool) Claim(id, who string) (unlock func(), err error) {
	if err := s.claim(id, who, false); err != nil {
		return nil, fmt.Errorf("claim %s: %w", id, err)
	}
	if _, err := s.find(id); err != nil { // decided while we waited for it
		s.unclaim(id)
		return nil, err
	}
	return func() { s.unclaim(id) }, nil
}

func (s *Spool) claim(id, who string, own bool) error {
	if err := checkID(id); err != nil {
		return err
	}
	s.claimed.Lock()
	defer s.claimed.Unlock()
	if s.claims[id] != nil {
		return fmt.Errorf("%w (by %s)", ErrClaimed, s.claimant(id))
	}
	f, err := s.lockClaim(id)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(0), writeAll(f, []byte(who+"\n"))); err != nil {
		s.o.Logger.Warn("name of the claimant cannot be written", "id", id, "err", err)
	}
	s.claims[id] = &claim{file: f, own: own}
	return nil
}

// lockClaim opens and locks the claim file. It tries a few times, since the
// last holder may be removing the file, or somebody only looking at the lock.
func (s *Spool) lockClaim(id string) (*os.File, error) {
	var err error
	for range 5 {
		var f *os.File
		if f, err = s.tryClaim(id); err == nil {
			return f, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrClaimed) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return nil, err
}

func (s *Spool) tryClaim(id string) (*os.File, error) {
	f, err := openShared(s.claimName(id))
	if err != nil {
		return nil, err
	}
	err = flock(f, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%w (by %s)", ErrClaimed, s.claimant(id))
	}
	if err == nil {
		var here bool
		if here, err = sameName(f, f.Name()); err == nil && !here {
			err = fs.ErrNotExist
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (s *Spool) unclaim(id string) {
	s.claimed.Lock()
	defer s.claimed.Unlock()
	c := s.claims[id]
	if c == nil {
		return
	}
	delete(s.claims, id)
	if err := os.Remove(c.file.Name()); err != nil {
		s.o.Logger.Warn("claim file stays until the next start", "id", id, "err", err)
	}
	c.file.Close() // this unlocks
}

// Stage tells where a held message stands.
type Stage string

// The stages.
const (
	StageHeld      Stage = "held"
	StageReleasing Stage = "releasing" // being handed over now
	StageInDoubt   Stage = "in doubt"  // the next hop may have it: release only by force
)

// Stage returns where a message stands; ErrNotHeld when it is decided.
func (s *Spool) Stage(id string) (Stage, error) {
	if _, err := s.find(id); err != nil {
		return "", err
	}
	l, _ := s.j.get(id)
	switch {
	case l.Op == opDoubt, l.Op == opReleasing && !s.claimedByAny(id):
		return StageInDoubt, nil
	case l.Op == opReleasing:
		return StageReleasing, nil
	}
	return StageHeld, nil
}

// BeginRelease writes "releasing" into the journal; when it returns nil the
// message may be handed to the next hop, and EndRelease or FinishRelease must
// follow. The caller should have claimed the message; else it is claimed
// meanwhile. The error is ErrInDoubt when an earlier release may have succeeded.
func (s *Spool) BeginRelease(id string) error { return s.beginRelease(id, false) }

// ForceRelease is BeginRelease also for a message that is in doubt: for use
// after somebody said that a second copy is the lesser evil.
func (s *Spool) ForceRelease(id string) error { return s.beginRelease(id, true) }

func (s *Spool) beginRelease(id string, force bool) error {
	r, err := s.find(id)
	if err != nil {
		return err
	}
	if r.Box == Copy {
		return fmt.Errorf("release %s: %w", id, ErrIsCopy)
	}
	if err := s.enter(id); err != nil {
		return fmt.Errorf("release %s: %w", id, err)
	}
	err = s.locked(func() error {
		l := s.lineOf(r.Meta)
		switch {
		case l.ended() || !exists(s.path(r.Box, id, ".msg")):
			return ErrNotHeld
		case l.passes() && !force:
			return ErrInDoubt
		}
		l.Op = opReleasing
		if l.Token == "" { // an earlier copy may still be on its way
			l.Token = id + "-" + rand.Text()
		}
		return s.append(l)
	})
	if err != nil {
		s.leave(id)
		return fmt.Errorf("release %s: %w", id, err)
	}
	return nil
}

// ReleaseToken returns the secret word by which SeenRelease knows a release that
// has begun. It is to go out with the message.
func (s *Spool) ReleaseToken(id string) (string, error) {
	l, _ := s.j.get(id)
	if l.Op != opReleasing || l.Token == "" {
		return "", fmt.Errorf("release %s: %w", id, ErrNotBegun)
	}
	return l.Token, nil
}

// lineOf returns the last journal line of a message; one whose files were put
// into the spool from outside has none and is simply held.
func (s *Spool) lineOf(m Meta) line {
	if l, ok := s.j.get(m.ID); ok {
		return l
	}
	return newLine(opHeld, m)
}

// enter makes sure that this process holds the claim and releases only once.
func (s *Spool) enter(id string) error {
	s.claimed.Lock()
	c := s.claims[id]
	s.claimed.Unlock()
	if c == nil {
		if err := s.claim(id, fmt.Sprintf("process %d", os.Getpid()), true); err != nil {
			return err
		}
	}
	s.claimed.Lock()
	defer s.claimed.Unlock()
	c = s.claims[id]
	if c == nil || c.releasing {
		return fmt.Errorf("%w (release has begun)", ErrClaimed)
	}
	c.releasing = true
	return nil
}

func (s *Spool) leave(id string) {
	s.claimed.Lock()
	c := s.claims[id]
	own := c != nil && c.own
	if c != nil {
		c.releasing = false
	}
	s.claimed.Unlock()
	if own {
		s.unclaim(id)
	}
}

// Handover is how a release ended.
type Handover struct {
	Accepted []string // recipients the next hop took with a 2xx
	Doubt    bool     // for the others it is not known
	Queued   bool     // taken into a queue that our milter may still see

	all bool // Accepted is everybody
}

// EndRelease ends a release: true when the next hop took the message for all
// recipients, false when it took it for none.
func (s *Spool) EndRelease(id string, ok bool) error {
	return s.FinishRelease(id, Handover{all: ok})
}

// FinishRelease ends a release. Served recipients leave the envelope; when
// nobody is left, the message is removed and its tombstone stays. If the
// journal cannot be written the message is in doubt.
func (s *Spool) FinishRelease(id string, h Handover) error {
	s.claimed.Lock()
	c := s.claims[id]
	begun := c != nil && c.releasing
	s.claimed.Unlock()
	if !begun {
		return fmt.Errorf("end release of %s: %w", id, ErrNotBegun)
	}
	defer s.leave(id)
	err := s.locked(func() error {
		l, ok := s.j.get(id)
		if !ok {
			return ErrNotHeld
		}
		return s.end(l.after(h))
	})
	if err != nil {
		return fmt.Errorf("end release of %s: %w", id, err)
	}
	return nil
}

// after returns the line that follows a hand-over.
func (l line) after(h Handover) line {
	served := addressKeys(h.Accepted)
	rest := slices.DeleteFunc(slices.Clone(l.waiting()), func(k string) bool {
		_, ok := slices.BinarySearch(served, k)
		return ok || h.all
	})
	switch {
	case len(rest) == 0 && h.Queued:
		l.Op = opQueued // Rest stays: those may pass our milter
		return l
	case len(rest) == 0:
		l.Op = opReleased
	case h.Doubt:
		l.Op = opDoubt
	default:
		l.Op = opBack
	}
	l.Rest = nil
	if len(rest) > 0 && len(rest) < len(l.To) {
		l.Rest = rest
	}
	return l
}

// end writes a line and, when it is a decision, removes the message.
func (s *Spool) end(l line) error {
	if err := s.append(l); err != nil {
		return err
	}
	if l.ended() {
		s.removeFiles(l.Box, l.ID)
	}
	return nil
}

// Discard decides against a message: it is removed and a tombstone stays. The
// error is ErrNotHeld, or ErrClaimed while it is being released elsewhere.
func (s *Spool) Discard(id string) error {
	r, err := s.find(id)
	if err != nil {
		return err
	}
	s.claimed.Lock()
	c := s.claims[id]
	ours := c != nil && !c.releasing
	s.claimed.Unlock()
	err = s.locked(func() error {
		l := s.lineOf(r.Meta)
		switch {
		case l.ended():
			return ErrNotHeld
		case l.Op == opReleasing && !ours && s.claimedByAny(id):
			return ErrClaimed
		}
		l.Op = opDiscarded
		return s.end(l)
	})
	if err != nil {
		return fmt.Errorf("discard %s: %w", id, err)
	}
	return nil
}
