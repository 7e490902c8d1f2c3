package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

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
}

// Run rebuilds. What other processes have in memory stays as it is.
func (r *rebuildCmd) Run(ctx context.Context, e *Env) (err error) {
	dir, err := e.existingData()
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Options{Dir: dir, Logger: e.logger()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close(), adopt(dir)) }()
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
	a := rebuilt{Seconds: time.Since(start).Seconds()}
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

func (r *rebuildCmd) print(e *Env, a rebuilt) error {
	if r.json {
		return printJSON(e.Stdout, a)
	}
	words := "the same as before"
	if !a.Same {
		words = "it is NOT the same as before: the snapshot was wrong; restart the daemon if one runs"
	}
	_, err := fmt.Fprintf(e.Stdout, "built from %d ham and %d spam labels, which count %d and %d times, up to operation %d: %d features, in %.1f s\n%s\n",
		a.Ham, a.Spam, a.HamAdds, a.SpamAdds, a.Op, a.Features, a.Seconds, words)
	return writeError(err)
}
