package ledger

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"fanmill/store/sqlite"
)

// Copied says what a copy of a ledger holds.
type Copied struct {
	sqlite.Copied
	Ham      int       `json:"ham"` // labelled messages
	Spam     int       `json:"spam"`
	LastOp   int64     `json:"last_op"`
	LastTime time.Time `json:"last_time"` // of the last op; zero: there is none
}

// Backup writes the ledger of a data directory to path, as sqlite.Schema.Backup does.
func Backup(ctx context.Context, dir, path string, force bool) (got Copied, err error) {
	got.Copied, err = Schema.Backup(ctx, filepath.Join(dir, FileName), path, force, got.read)
	return got, err
}

// Restored says what a restore did.
type Restored struct {
	Copied
	Kept string `json:"kept,omitempty"` // the file that was there before, "" if there was none
}

// Restore puts the backup at path in place of the ledger of a data directory, as
// sqlite.Schema.Restore does.
func Restore(ctx context.Context, dir, path string, force bool) (did Restored, err error) {
	did.Copied.Copied, did.Kept, err = Schema.Restore(ctx, filepath.Join(dir, FileName), path, force, did.read)
	if err == nil {
		os.Remove(filepath.Join(dir, SnapshotName)) // or it is found not to fit at the next start
	}
	return did, err
}

// read looks at a copy.
func (got *Copied) read(c *sqlite.Conn) (err error) {
	for _, n := range []struct {
		query string
		to    *int
	}{{"SELECT count(*) FROM msg WHERE class = 1", &got.Ham}, {"SELECT count(*) FROM msg WHERE class = 2", &got.Spam}} {
		v, err := c.Integer(n.query)
		if err != nil {
			return err
		}
		*n.to = int(v)
	}
	if got.LastOp, err = c.Integer(SelectLast); err != nil {
		return err
	}
	micros, err := c.Integer("SELECT max(time) FROM op")
	if micros != 0 {
		got.LastTime = time.UnixMicro(micros)
	}
	return err
}
