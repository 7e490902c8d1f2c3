// Package store is the ledger: what the site has taught the filter, with the model that
// follows from it (package model). What the filter has done is in package history beside it.
//
// # Files
//
// A data directory holds these files of this package:
//
//	fanmill.db   the ledger: SQLite, WAL, synchronous FULL, mode 0640
//	model.snap   a snapshot of the site's counts and weights, for a fast start
//	waiting.lists  what was found in messages that wait to be learned (package stash)
//
// and for a time fanmill.db.renewed, which is to become the ledger (see PrepareRenewal).
//
// # Ledger
//
// The ledger is the truth and everything the model knows is derived from it.
//
//	meta  key, value: "schema", "features" (classify.FeatureVersion), "ledger" (a random
//	      id); in one that was renewed also "renewed" and "copied" (see renew.go)
//	msg   one row for each scope and digest: the state. class (0 forgotten, 1 ham,
//	      2 spam; 3 and 4 what another filter counted of them), adds (how often the message counts, 0 allowed), step (what it adds to
//	      each of its weights), sure (a person insists on the class), the scores before
//	      training, source (who gave the class: what people say outranks what fanmill
//	      labelled), waits (recorded, but not learned yet; 1, or 2 in a row that was
//	      there before, or 3 with its lists kept until then), judged (the op that gave
//	      the label its class, sure or scores)
//	lists of the same row, where they are kept, features and grams (stored as package pack
//	      does)
//	body  of the same row, where it is kept, the canonical message (a frame of zstd)
//	op    append-only: every change of class, adds, step, sure or waits of a row, with
//	      what they were before and after, numbered without gaps by seq; pruned from the
//	      oldest on (see Prune)
//	was   what an op took from its row besides these, for Undo
//
// Features and grams are kept where they cannot be had again from the message or
// where a follower needs them: features in rows with adds > 0, grams in rows with a
// step, both in rows whose message is cut or missing, in every user scope, which keeps
// no message text at all, and in rows that wait, unless they came without: the lists of
// a mailbox that waits are put by together. A message
// that was learned without its text, by an id, gains the text when it is trained later.
// What has counted is never dropped or replaced, so all ops of a row speak of the same
// features and grams, and an op is a complete difference: adds_before taken from
// class_before, adds_after given to class_after, for each feature and for the totals,
// and step_after less step_before added to the weight of each gram. Such differences
// commute. A forgotten row stays with class 0, no adds and no step.
//
// # Model
//
// Package model has what the rows add up to in memory. A user's scope is read from its rows
// when it is first asked for. The Fit is made by whoever changes or follows the ledger,
// before the change is committed, so that look-ups find it ready.
//
// model.snap is written under another name, synced and renamed. One that does not fit the
// ledger is ignored with a log line and the model is built from the rows.
//
// # Concurrency
//
// All methods of DB and Model may be called from any goroutine. Updates
// of one DB, and its work of catching up, take turns; look-ups only share a
// read-write lock with single changes and never wait for disk. A Tx belongs to
// the goroutine that runs the function given to Update. What a Tx learns is in
// the model at once, also for look-ups of other goroutines of this process, and
// is taken out exactly when the transaction fails; Totals and Lookup are each
// consistent, but a change may fall between two calls.
//
// Any number of processes may open the same directory, each once: a process that
// closes any file descriptor of a database gives up its locks on it. Writers wait for each
// other; each process applies the ops of the others when it writes and, with
// Follow, at least four times a second.
package store
