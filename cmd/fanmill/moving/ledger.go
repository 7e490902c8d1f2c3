package moving

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/cmd/fanmill/settings"
	"fanmill/store"
	"fanmill/store/dump"
	"fanmill/training"
	"fanmill/training/corpus"
)

// Export writes the ledger as JSON Lines.
type Export struct{ log, force, quiet bool }

// Flags is cli.Runner.
func (l *Export) Flags(fs *flag.FlagSet) {
	fs.BoolVar(&l.log, "log", false, "also write the log of who did what, so that undo works after a move")
	fs.BoolVar(&l.force, "force", false, "replace a file that is there")
	fs.BoolVar(&l.quiet, "quiet", false, "draw no progress, print nothing")
}

// Run exports.
func (l *Export) Run(ctx context.Context, e *cli.Env) error {
	dir, err := e.ExistingData()
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Options{Dir: dir, ReadOnly: true, Logger: e.Logger()})
	if err != nil {
		return err
	}
	defer db.Close()
	path := "-"
	if len(e.Args) > 0 {
		path = e.Args[0]
	}
	var h dump.Header
	bar := cli.NewMeter(e, l.quiet, "exporting")
	bar.Phase("exporting", "lines")
	err = writePacked(path, e.Stdout, l.force, func(w io.Writer) (err error) {
		h, err = db.Dump(ctx, w, l.log, func(done, total int64) { bar.Show(int(done), done, total) })
		return err
	})
	bar.Clear()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	case path == "-" || l.quiet:
		return nil
	}
	return e.Printf("%s: %s, %s\n", cli.Safe(path), cli.Plural(int(h.Rows), "message", "messages"), cli.Plural(int(h.Ops), "operation", "operations"))
}

// Import reads what export wrote.
type Import struct{ dryRun, json, quiet bool }

// Flags is cli.Runner.
func (l *Import) Flags(fs *flag.FlagSet) {
	fs.BoolVar(&l.dryRun, "dry-run", false, "only say what would be done")
	fs.BoolVar(&l.json, "json", false, "print the summary as JSON")
	fs.BoolVar(&l.quiet, "quiet", false, "draw no progress, print no summary")
}

// imported is what import prints.
type imported struct {
	DryRun bool  `json:"dry_run"`
	Loaded bool  `json:"loaded"` // the ledger was empty: it is the other one now
	Rows   int64 `json:"rows"`
	Ops    int64 `json:"ops"`
	training.Merged
	Settled training.Settled `json:"settled"` // of Merged.Waiting, and of what waited before
}

// Run reads the file twice: nothing is imported from one that is not sound to its end.
func (l *Import) Run(ctx context.Context, e *cli.Env) (err error) {
	dir, err := e.DataDir()
	if err != nil {
		return err
	}
	in, err := openTwice(ctx, e.Args[0], e.Stdin)
	if err != nil {
		return err
	}
	defer in.Close()
	bar := cli.NewMeter(e, l.quiet || l.json, "checking")
	bar.Phase("checking", "lines")
	defer bar.Clear()
	a := imported{DryRun: l.dryRun}
	if err := in.lines(ctx, bar, func(d *dump.Reader, next training.Entries) (err error) {
		a.Rows, a.Ops = d.Header.Rows, d.Header.Ops
		for err == nil {
			_, err = next()
		}
		return ignoreEOF(err)
	}); err != nil {
		return fmt.Errorf("%s: %w", e.Args[0], err)
	}
	if l.dryRun {
		if dir, err = e.ExistingData(); err != nil {
			return err
		}
	}
	db, done, err := datadir.OpenLedger(ctx, e, dir, false)
	if err != nil {
		return err
	}
	defer done(&err)
	if a.Loaded, err = db.Empty(ctx); err != nil {
		return err
	}
	bar.Phase("importing", "lines")
	if err := in.lines(ctx, bar, func(d *dump.Reader, next training.Entries) error { return l.take(ctx, e, db, d, bar, next, &a) }); err != nil {
		return fmt.Errorf("%s: %w", e.Args[0], err)
	}
	bar.Clear()
	return l.print(e, a)
}

// take loads or merges.
func (l *Import) take(ctx context.Context, e *cli.Env, db *store.DB, d *dump.Reader, bar *cli.Meter, next training.Entries, a *imported) (err error) {
	if a.Loaded {
		if l.dryRun {
			return nil
		}
		if err := db.LoadDump(ctx, d, func(done, total int64) { bar.Show(int(done), done, total) }); err != nil {
			return err
		}
		return db.WriteSnapshot()
	}
	by := store.Origin{Actor: e.User(), Source: "import"}
	if a.Merged, err = training.Merge(ctx, db, next, by, l.dryRun, nil); err != nil || a.Waiting == 0 || l.dryRun {
		return err
	}
	set, err := settings.Of(e)
	if err != nil {
		return err
	}
	scopes, err := db.Scopes()
	for _, scope := range scopes {
		if err != nil {
			break
		}
		var s training.Settled
		s, err = training.New(db, set.Trainer(scope, by, e.Logger())).Settle(ctx)
		a.Settled.Judged, a.Settled.Learned = a.Settled.Judged+s.Judged, a.Settled.Learned+s.Learned
	}
	return err
}

func (l *Import) print(e *cli.Env, a imported) error {
	switch {
	case l.json:
		return cli.PrintJSON(e.Stdout, a)
	case l.quiet:
		return nil
	}
	var text string
	if a.Loaded {
		text = fmt.Sprintf("loaded into an empty ledger: %s, %s", cli.Plural(int(a.Rows), "message", "messages"), cli.Plural(int(a.Ops), "operation", "operations"))
	} else {
		text = fmt.Sprintf("merged: %d added, %d the same, %d confirmed, %d changed, %d forgotten, %d kept as they were here, %d skipped",
			a.Added, a.Same, a.Confirmed, a.Changed, a.Forgotten, a.Kept, a.Skipped)
		if a.Settled.Judged > 0 {
			text += fmt.Sprintf("; of %d that waited, %d learned", a.Settled.Judged, a.Settled.Learned)
		}
		if a.Ops > 0 {
			text += "; the log was not merged"
		}
	}
	if a.DryRun {
		text = "nothing was changed; would be " + text
	}
	return e.Print(text + "\n")
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// twice is an input that can be read again: a file, or a copy of standard input.
type twice struct{ *os.File }

// openTwice opens a file; of standard input (-) it keeps a copy without a name.
func openTwice(ctx context.Context, path string, stdin io.Reader) (twice, error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return twice{}, fmt.Errorf("import: %w", err)
		}
		return twice{f}, nil
	}
	f, err := os.CreateTemp("", "fanmill-import-")
	if err != nil {
		return twice{}, fmt.Errorf("keep standard input: %w", err)
	}
	err = os.Remove(f.Name())
	if err == nil {
		_, err = io.Copy(f, untilDone{ctx, stdin})
	}
	if err != nil {
		return twice{}, errors.Join(fmt.Errorf("keep standard input: %w", err), f.Close())
	}
	return twice{f}, nil
}

// untilDone is a reader that ends with a context.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (u untilDone) Read(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.r.Read(p)
}

// lines calls fn with the lines of the input, from its first on.
func (t twice) lines(ctx context.Context, bar *cli.Meter, fn func(*dump.Reader, training.Entries) error) error {
	if _, err := t.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in, err := corpus.Unpack(bufio.NewReader(t))
	if err != nil {
		return fmt.Errorf("%w: %w", dump.ErrUnsound, err)
	}
	defer in.Close()
	d, err := dump.NewReader(untilDone{ctx, in})
	if err != nil {
		return err
	}
	n := int64(0)
	return fn(d, func() (*dump.Entry, error) {
		n++
		bar.Show(int(n), n, d.Header.Rows+d.Header.Ops)
		return d.Next()
	})
}
