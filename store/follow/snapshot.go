package follow

import (
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

func (f *Follower) snapshotPath() string {
	return filepath.Join(filepath.Dir(f.path), ledger.SnapshotName)
}

// TrySave is Save where a failure only means a slower start.
func (f *Follower) TrySave() {
	if f.readOnly {
		return
	}
	if err := f.Save(); err != nil {
		f.log.Warn("cannot save the model snapshot, the next start will be slower", "error", err)
	}
}

// Due tells whether so much has changed since the snapshot on disk that it should be saved.
func (f *Follower) Due() bool { return f.unsaved >= snapshotEvery }

// Unsaved tells whether anything has changed since the snapshot on disk.
func (f *Follower) Unsaved() bool { return f.unsaved > 0 }

// Save writes the site's model to model.snap, unless another process has saved a later one.
func (f *Follower) Save() error {
	if f.readOnly {
		return fmt.Errorf("write snapshot: %w", sqlite.ErrReadOnly)
	}
	stamp, err := f.stamp()
	if err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	if !f.newerOnDisk(stamp) {
		disk.Sweep(filepath.Dir(f.path), ledger.SnapshotName+".", "")
		if err := disk.Replace(f.snapshotPath(), func(w io.Writer) error { return f.models.WriteSnapshot(w, stamp) }); err != nil {
			return fmt.Errorf("write snapshot: %w", err)
		}
	}
	f.unsaved = 0
	return nil
}

// stamp says what the model in memory is of.
func (f *Follower) stamp() (s model.Stamp, err error) {
	s.Seq = f.seq.Load()
	if s.OpTime, err = ledger.OpTime(f.c, s.Seq); err != nil {
		return s, err
	}
	if _, err := hex.Decode(s.Ledger[:], []byte(f.uuid)); err != nil {
		return s, fmt.Errorf("ledger id %q: %w", f.uuid, err)
	}
	return s, nil
}

// fits reports why a snapshot is not one of this ledger's past.
func (f *Follower) fits(s model.Stamp) error {
	if hex.EncodeToString(s.Ledger[:]) != f.uuid {
		return errors.New("it belongs to another ledger")
	}
	at, err := ledger.OpTime(f.c, s.Seq)
	if err != nil {
		return err
	}
	if at != s.OpTime {
		return fmt.Errorf("op %d is not the ledger's", s.Seq)
	}
	return nil
}

// newerOnDisk reports that another process has already saved a later state.
func (f *Follower) newerOnDisk(mine model.Stamp) bool {
	saved, ok := f.Saved()
	return ok && f.fits(saved) == nil && saved.Seq > mine.Seq
}

// Saved is the stamp of the snapshot on disk; none for one that cannot be used.
func (f *Follower) Saved() (s model.Stamp, ok bool) {
	err := f.openSnapshot(func(file *os.File, size int64) (err error) {
		s, err = model.ReadStamp(file, size)
		return err
	})
	return s, err == nil
}

func (f *Follower) openSnapshot(fn func(file *os.File, size int64) error) error {
	file, err := os.Open(f.snapshotPath())
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return fn(file, info.Size())
}

// loadSnapshot fills the site's model from the snapshot, or leaves it alone and
// says why.
func (f *Follower) loadSnapshot() error {
	return f.openSnapshot(func(file *os.File, size int64) error {
		sum, stamp, err := model.ReadSnapshot(file, size, f.fits)
		if err != nil {
			return err
		}
		f.models.Set("", sum)
		f.seq.Store(stamp.Seq)
		f.unsaved = 0
		return nil
	})
}
