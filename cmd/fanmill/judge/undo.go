package judge

import (
	"context"
	"errors"
	"fmt"

	"fanmill/control"
	"fanmill/store"
	"fanmill/store/ledger"
	"fanmill/store/query"
	"fanmill/training"
)

// TakeBack takes back what a request names. progress may be nil.
func TakeBack(ctx context.Context, db *store.DB, q control.UndoRequest, progress func(done, total int)) (a control.UndoReply, err error) {
	list, err := db.Undoables(ctx, q.Selection, q.N)
	if err != nil {
		return a, err
	}
	begin, pruned, err := db.LogBegin(ctx)
	if err != nil {
		return a, err
	}
	if a.DryRun = q.DryRun; pruned {
		a.LogBegins = begin
	}
	if err := addFound(ctx, db, list, &a); err != nil || q.DryRun {
		return a, err
	}
	a.Undone, err = training.Undo(ctx, db, list, store.Origin{Actor: q.By}, progress)
	if err == nil { // somebody may have decided about some meanwhile
		a.Kept = a.Found - a.Undone
	}
	return a, err
}

// undoShown bounds how many decisions are described, and how many that are kept.
const undoShown = 20

// addFound adds to an answer what there is to take back.
func addFound(ctx context.Context, db *store.DB, list []query.Undoable, a *control.UndoReply) error {
	a.Found, a.Decisions = len(list), []control.Undone{}
	for _, u := range list {
		n := len(a.Decisions)
		if u.Later != nil {
			a.Kept++
			n = a.Kept - 1
		}
		if n >= undoShown {
			continue
		}
		row, err := db.Describe(ctx, u.Row)
		if err != nil && !errors.Is(err, ledger.ErrNoRow) {
			return err
		}
		d := control.Undone{
			Time: u.Time, Actor: u.Origin.Actor, Source: u.Origin.Source, Scope: u.Scope,
			Before: u.Before.Class.String(), After: u.After.Class.String(), Adds: [2]int{u.Before.Adds, u.After.Adds},
			Digest: row.Digest.String(), From: row.From, Subject: row.Subject,
		}
		if u.Later != nil {
			d.Later = fmt.Sprintf("%s by %s, %s", u.Later.After.Class, u.Later.Origin.Source, u.Later.Origin.Actor)
		}
		a.Decisions = append(a.Decisions, d)
	}
	return nil
}
