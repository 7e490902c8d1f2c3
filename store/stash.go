package store

import (
	"encoding/hex"
	"iter"
	"path/filepath"

	"fanmill/classify"
	"fanmill/store/stash"
)

// Lists are what a model learns of a message.
type Lists = stash.Lists

// Stash puts lists by of messages that wait in the site's scope. Where that fails it is
// logged, and they are made anew later.
func (tx *Tx) Stash(all iter.Seq2[classify.Digest, Lists]) {
	if err := tx.db.stash().Put(all); err != nil {
		tx.db.log.Warn("cannot put by what was found in messages that wait, it will be looked for again", "error", err)
	}
}

// Unstash hands out the lists that were put by, and removes them: to fn, until it
// returns false. They are fn's for good.
func (tx *Tx) Unstash(fn func(classify.Digest, Lists) bool) {
	if err := tx.db.stash().Take(fn); err != nil {
		tx.db.log.Warn("cannot use all that was put by of messages that wait, looking for it again", "file", filepath.Join(tx.db.opts.Dir, stash.FileName), "error", err)
	}
}

func (db *DB) stash() *stash.Stash {
	s := &stash.Stash{Dir: db.opts.Dir}
	id, _ := hex.DecodeString(db.uuid) // of something else no snapshot is written either
	copy(s.Ledger[:], id)
	return s
}
