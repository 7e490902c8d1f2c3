package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"fanmill/store/disk"
	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/sqlite"
)

func (db *DB) snapshotPath() string { return filepath.Join(db.opts.Dir, ledger.SnapshotName) }

// WriteSnapshot writes the site's model to model.snap. It waits for an update
// that is under way, and look-ups go on meanwhile.
func (db *DB) WriteSnapshot() error {
	ctx, cancel := context.WithTimeout(context.Background(), db.opts.Busy)
	defer cancel()
	if err := db.take(ctx); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	defer db.give()
	return db.writeSnapshot()
}

// saveSnapshot is writeSnapshot where a failure only means a slower start.
func (db *DB) saveSnapshot() {
	if db.opts.ReadOnly {
		return
	}
	if err := db.writeSnapshot(); err != nil {
		db.log.Warn("cannot save the model snapshot, the next start will be slower", "error", err)
	}
}

func (db *DB) writeSnapshot() error {
	if db.opts.ReadOnly {
		return fmt.Errorf("write snapshot: %w", sqlite.ErrReadOnly)
	}
	stamp, err := db.stamp()
	if err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	if !db.newerOnDisk(stamp) {
		disk.Sweep(db.opts.Dir, ledger.SnapshotName+".", "")
		if err := disk.Replace(db.snapshotPath(), func(w io.Writer) error { return db.models.WriteSnapshot(w, stamp) }); err != nil {
			return fmt.Errorf("write snapshot: %w", err)
		}
	}
	db.unsaved = 0
	return nil
}

// stamp says what the model in memory is of.
func (db *DB) stamp() (s model.Stamp, err error) {
	s.Seq = db.seq.Load()
	if s.OpTime, err = ledger.OpTime(db.w, s.Seq); err != nil {
		return s, err
	}
	if _, err := hex.Decode(s.Ledger[:], []byte(db.uuid)); err != nil {
		return s, fmt.Errorf("ledger id %q: %w", db.uuid, err)
	}
	return s, nil
}

// fits reports why a snapshot is not one of this ledger's past.
func (db *DB) fits(s model.Stamp) error {
	if hex.EncodeToString(s.Ledger[:]) != db.uuid {
		return errors.New("it belongs to another ledger")
	}
	at, err := ledger.OpTime(db.w, s.Seq)
	if err != nil {
		return err
	}
	if at != s.OpTime {
		return fmt.Errorf("op %d is not the ledger's", s.Seq)
	}
	return nil
}

// newerOnDisk reports that another process has already saved a later state.
func (db *DB) newerOnDisk(mine model.Stamp) bool {
	saved, ok := db.saved()
	return ok && db.fits(saved) == nil && saved.Seq > mine.Seq
}

// saved is the stamp of the snapshot on disk; none for one that cannot be used.
func (db *DB) saved() (s model.Stamp, ok bool) {
	err := db.openSnapshot(func(f *os.File, size int64) (err error) {
		s, err = model.ReadStamp(f, size)
		return err
	})
	return s, err == nil
}

func (db *DB) openSnapshot(fn func(f *os.File, size int64) error) error {
	f, err := os.Open(db.snapshotPath())
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return fn(f, info.Size())
}

// loadSnapshot fills the site's model from the snapshot, or leaves it alone and
// says why.
func (db *DB) loadSnapshot() error {
	return db.openSnapshot(func(f *os.File, size int64) error {
		sum, stamp, err := model.ReadSnapshot(f, size, db.fits)
		if err != nil {
			return err
		}
		db.models.Set("", sum)
		db.seq.Store(stamp.Seq)
		db.unsaved = 0
		return nil
	})
}
