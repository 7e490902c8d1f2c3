package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"fanmill/classify"
	"fanmill/store"
)

// rebuildCmd builds the model from the ledger.
type rebuildCmd struct{ json bool }

func (r *rebuildCmd) flags(fs *flag.FlagSet) {
	fs.BoolVar(&r.json, "json", false, "print JSON")
}

// rebuilt is what rebuild prints.
type rebuilt struct {
	store.Labels
	Features int     `json:"features"`
	Op       int64   `json:"op"`   // the last one
	Same     bool    `json:"same"` // as what was loaded
	Seconds  float64 `json:"seconds"`

	Renewed *store.Renewed `json:"renewed,omitempty"` // the ledger had an older feature version
}

// Run rebuilds. What other processes have in memory stays as it is.
func (r *rebuildCmd) Run(ctx context.Context, e *Env) (err error) {
	dir, err := e.existingData()
	if err != nil {
		return err
	}
	var a rebuilt
	db, done, err := e.openLedger(ctx, dir, false)
	if errors.Is(err, store.ErrFeatureVersion) {
		if a.Renewed, err = r.renew(ctx, e, dir); err != nil {
			return err
		}
		db, done, err = e.openLedger(ctx, dir, false)
	}
	if err != nil {
		return err
	}
	defer done(&err)
	if err := db.Check(ctx); err != nil {
		return err
	}
	before, err := db.Sum()
	if err != nil {
		return err
	}
	start := time.Now()
	if err := db.Rebuild(ctx); err != nil {
		return err
	}
	a.Seconds = time.Since(start).Seconds()
	if err := db.WriteSnapshot(); err != nil {
		return err
	}
	after, err := db.Sum()
	if err != nil {
		return err
	}
	model, err := db.Model("")
	if err != nil {
		return err
	}
	a.Labels, a.Features, a.Op, a.Same = model.Labels(), model.Features(), db.Seq(), before == after
	return r.print(e, a)
}

// renew makes the features of a ledger of an older version anew. No daemon may run:
// an older one would go on with features of its own.
func (r *rebuildCmd) renew(ctx context.Context, e *Env, dir string) (*store.Renewed, error) {
	set, err := e.settings()
	if err != nil {
		return nil, err
	}
	lock, err := lockData(dir)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	bar := newMeter(e, r.json, "renewing")
	defer bar.clear()
	stream := classify.NewStream(set.file.ClassifyOptions())
	sum, err := store.Renew(ctx, store.Options{Dir: dir, Logger: e.logger()}, func(message []byte) ([]uint64, []uint32) {
		stream.Reset()
		m := stream.Stored(message)
		return m.Features, m.Grams
	}, func(done int) { bar.show(done, 0, 0) })
	return &sum, err
}

func (r *rebuildCmd) print(e *Env, a rebuilt) error {
	if r.json {
		return printJSON(e.Stdout, a)
	}
	words := "the same as before"
	if n := a.Renewed; n != nil {
		words = fmt.Sprintf("features of version %d made anew for %s", n.From, plural(n.Messages, "message", "messages"))
		if n.Left > 0 {
			words += fmt.Sprintf("; %s taken away whose messages are not kept: train them again", plural(n.Left, "label was", "labels were"))
		}
	} else if !a.Same {
		words = "it is NOT the same as before: the snapshot was wrong; restart the daemon if one runs"
	}
	_, err := fmt.Fprintf(e.Stdout, "built from %d ham and %d spam labels, which count %d and %d times, up to operation %d: %d features, in %.1f s\n%s\n",
		a.Ham, a.Spam, a.HamAdds, a.SpamAdds, a.Op, a.Features, a.Seconds, words)
	return writeError(err)
}
