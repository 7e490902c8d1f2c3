// Package moving has the commands that carry what was learned from file to file: backup
// and restore copy the ledger whole, ledger export and import write and read it as text,
// and import takes in what other filters have counted.
package moving

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/store"
	"fanmill/store/disk"
	"fanmill/store/history"
	"fanmill/store/ledger"
	"fanmill/store/sqlite"
)

// backupFlags are common to backup and restore.
type backupFlags struct {
	force, json bool
	history     string
}

// Backup writes a copy of the ledger.
type Backup struct{ backupFlags }

// Flags is cli.Runner.
func (b *Backup) Flags(fs *flag.FlagSet) {
	fs.BoolVar(&b.force, "force", false, "replace files that are there")
	fs.StringVar(&b.history, "history", "", "also back the history of past verdicts up, to `FILE`")
	fs.BoolVar(&b.json, "json", false, "print JSON")
}

// Run backs up.
func (b *Backup) Run(ctx context.Context, e *cli.Env) error {
	for _, path := range []string{e.Args[0], b.history} {
		if err := canBeMade(path); err != nil {
			return err
		}
	}
	dir, err := e.ExistingData()
	if err != nil {
		return err
	}
	var did struct {
		ledger.Copied
		History *ledger.Copied `json:"history,omitempty"`
	}
	if did.Copied, err = ledger.Backup(ctx, dir, e.Args[0], b.force); err != nil {
		return copyError(ctx, err, "replace it with --force, or give another name")
	}
	if b.history != "" {
		h, err := history.Backup(ctx, dir, b.history, b.force)
		if errors.Is(err, fs.ErrNotExist) {
			return cli.Hint(cli.WithCode(cli.ExitNoInput, err), "no mail was scored yet: leave --history out; the ledger was backed up")
		}
		if err != nil {
			return copyError(ctx, err, "replace it with --force, or give another name")
		}
		did.History = &ledger.Copied{Copied: h}
	}
	if b.json {
		return cli.PrintJSON(e.Stdout, did)
	}
	text := fmt.Sprintf("%s: %s\n", cli.Safe(e.Args[0]), copiedWords(did.Copied))
	if did.History != nil {
		text += fmt.Sprintf("%s: %s of history\n", cli.Safe(b.history), byteCount(did.History.Bytes))
	}
	return e.Print(text)
}

// canBeMade finds what cannot be the name of a backup.
func canBeMade(path string) error {
	if path == "-" {
		return cli.UsageErrorf("a backup is a file, and not for standard output: give it a name (./- for that one)")
	}
	if dir, err := os.Stat(filepath.Dir(path)); err != nil {
		return cli.WithCode(cli.ExitCantCreate, fmt.Errorf("back up to %s: %w", path, err))
	} else if !dir.IsDir() {
		return cli.WithCode(cli.ExitCantCreate, fmt.Errorf("back up to %s: %s is no directory", path, filepath.Dir(path)))
	}
	return nil
}

// Restore puts a backup in place.
type Restore struct{ backupFlags }

// Flags is cli.Runner.
func (r *Restore) Flags(fs *flag.FlagSet) {
	fs.BoolVar(&r.force, "force", false, "replace the ledger that is there, which is kept beside the new one")
	fs.StringVar(&r.history, "history", "", "also restore the history of past verdicts, from `FILE`")
	fs.BoolVar(&r.json, "json", false, "print JSON")
}

// Run restores. The lock keeps a daemon from starting meanwhile.
func (r *Restore) Run(ctx context.Context, e *cli.Env) (err error) {
	dir, err := e.DataDir()
	if err != nil {
		return err
	}
	if _, err := os.Stat(e.Args[0]); err != nil {
		return fmt.Errorf("restore: %w", err) // before a directory is made for it
	}
	if err := datadir.Make(dir); err != nil {
		return cli.WithCode(cli.ExitCantCreate, fmt.Errorf("make data directory: %w", err))
	}
	lock, err := datadir.Lock(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, datadir.Adopt(dir), lock.Close()) }()
	var did struct {
		ledger.Restored
		History *ledger.Restored `json:"history,omitempty"`
	}
	if did.Restored, err = ledger.Restore(ctx, dir, e.Args[0], r.force); err != nil {
		if errors.Is(err, sqlite.ErrDamaged) {
			err = cli.Hint(cli.WithCode(cli.ExitData, err), "%s is no sound backup, take another one; the ledger in place is as it was", e.Args[0])
		}
		return copyError(ctx, err, "--force replaces it, and keeps it beside the new one")
	}
	if r.history != "" {
		h, kept, err := history.Restore(ctx, dir, r.history, r.force)
		if err != nil {
			return copyError(ctx, err, "--force replaces it, and keeps it beside the new one; the ledger was restored")
		}
		did.History = &ledger.Restored{Copied: ledger.Copied{Copied: h}, Kept: kept}
	}
	if err := prove(ctx, e, dir); err != nil {
		return fmt.Errorf("restored, but: %w", err)
	}
	if r.json {
		return cli.PrintJSON(e.Stdout, did)
	}
	text := fmt.Sprintf("%s: restored, %s\n", cli.Safe(filepath.Join(dir, "fanmill.db")), copiedWords(did.Copied))
	for _, part := range []*ledger.Restored{&did.Restored, did.History} {
		if part != nil && part.Kept != "" {
			text += fmt.Sprintf("what was there before is kept as %s\n", cli.Safe(part.Kept))
		}
	}
	return e.Print(text)
}

// prove opens the restored ledger once, which builds the model, and saves that for
// the daemon's start.
func prove(ctx context.Context, e *cli.Env, dir string) error {
	db, err := store.Open(ctx, store.Options{Dir: dir, Logger: e.Logger()})
	if err != nil {
		return err
	}
	return errors.Join(db.WriteSnapshot(), db.Close())
}

// copyError gives the errors of backup and restore their exit codes and advice.
func copyError(ctx context.Context, err error, there string) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, disk.ErrThere):
		return cli.Hint(cli.WithCode(cli.ExitCantCreate, err), "%s", there)
	case errors.Is(err, sqlite.ErrOpen):
		return cli.WithCode(cli.ExitTempFail, err)
	case errors.Is(err, fs.ErrExist):
		return cli.WithCode(cli.ExitCantCreate, err)
	}
	return err
}

// copiedWords says what a copy of a ledger holds.
func copiedWords(c ledger.Copied) string {
	s := fmt.Sprintf("%s, %d ham and %d spam labels, last operation %d", byteCount(c.Bytes), c.Ham, c.Spam, c.LastOp)
	if !c.LastTime.IsZero() {
		s += " of " + c.LastTime.Local().Format(time.DateTime)
	}
	return s
}

// byteCount is a size for people.
func byteCount(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d bytes", n)
	case n < 10_000_000:
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%d MB", n/1_000_000)
}
