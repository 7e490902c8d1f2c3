package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

var errDraftEnded = errors.New("the draft has ended")

// Hold puts the draft into the box m names, under m.ID, and returns when it is
// safe on the disk. After an error nothing of it is left; the message is not
// held and the caller must not say it is. The draft has ended either way.
//
// A message that is held, or was decided, under the same digest, sender and
// recipients is not held a second time: the draft is dropped and nil returned,
// for the duty is met by the first copy. That also covers a client that retries
// a transaction of which only some recipients had been held.
func (s *Spool) Hold(d *Draft, m Meta) error {
	defer d.Discard()
	if err := checkMeta(m); err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	if m.Time.IsZero() {
		m.Time = time.Now()
	}
	if m.Size == 0 {
		m.Size = d.size
	}
	if err := s.hold(d, m); err != nil {
		return fmt.Errorf("hold %s: %w", m.ID, err)
	}
	return nil
}

func checkMeta(m Meta) error {
	if err := checkID(m.ID); err != nil {
		return err
	}
	if !slices.Contains(boxes, m.Box) {
		return fmt.Errorf("%.40q is not a box (unsure, spam, copy)", m.Box)
	}
	if len(m.Envelope.Recipients) == 0 {
		return errors.New("no recipients")
	}
	return nil
}

func (s *Spool) hold(d *Draft, m Meta) error {
	if err := s.room(int64(len(d.mem))); err != nil {
		return err
	}
	noNewline, err := d.settle(m.ID + ".msg")
	if err != nil {
		return err
	}
	meta := &Draft{s: s}
	defer meta.Discard()
	if err := writeRecord(meta, newRecord(m, noNewline)); err != nil {
		return err
	}
	return s.locked(func() error { return s.commit(d, meta, m) })
}

// writeRecord brings ID.json into tmp, fsynced.
func writeRecord(d *Draft, r record) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode envelope: %w", err)
	}
	if _, err := d.Write(append(raw, '\n')); err != nil {
		return err
	}
	_, err = d.settle(r.ID + ".json")
	return err
}

// commit makes a complete message visible. The lock is held: nobody sweeps
// meanwhile, and no other writer can hold the same message at the same time.
func (s *Spool) commit(d, meta *Draft, m Meta) error {
	if id := s.known(m); id != "" {
		s.o.Logger.Info("message is held or decided already", "id", id, "again", m.ID)
		return nil
	}
	msg, js := s.path(m.Box, m.ID, ".msg"), s.path(m.Box, m.ID, ".json")
	if s.j.has(m.ID) || exists(msg) {
		return errors.New("the id is in use")
	}
	if err := s.append(newLine(opHeld, m)); err != nil {
		return err
	}
	err := s.place(meta, js)
	if err == nil {
		err = s.place(d, msg)
	}
	if err == nil {
		if err = s.o.FS.SyncDir(s.box(m.Box)); err == nil {
			return nil
		}
		err = fmt.Errorf("sync directory: %w", err)
	}
	s.takeBack(m, msg, js)
	return err
}

// place renames the draft's file to where it is to stay.
func (s *Spool) place(d *Draft, name string) error {
	if err := s.o.FS.Rename(d.name, name); err != nil {
		return fmt.Errorf("rename into place: %w", err)
	}
	d.name = ""
	return nil
}

// takeBack undoes a commit that failed. Where the disk does not even allow
// that, a complete message stays visible, and the client's retry finds it.
func (s *Spool) takeBack(m Meta, files ...string) {
	for _, name := range files {
		if err := s.o.FS.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.o.Logger.Error("failed hold cannot be removed", "file", filepath.Base(name), "err", err)
			return
		}
	}
	if err := s.append(newLine(opGone, m)); err != nil {
		s.o.Logger.Warn("failed hold stays in the journal", "id", m.ID, "err", err)
	}
}

// known returns the id under which a message is held or was decided, or "".
func (s *Spool) known(m Meta) string {
	if m.Box == Copy || m.Digest == "" {
		return ""
	}
	l := newLine(opHeld, m)
	for _, e := range s.j.sameKey(l) {
		if e.ended() || exists(s.path(e.Box, e.ID, ".msg")) {
			return e.ID
		}
	}
	return ""
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
