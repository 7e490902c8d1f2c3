// Package store is the ledger: what the site has taught the filter, with the model that
// follows from it (package model). What the ledger is on disk says package ledger; what the
// filter has done is in package history beside it.
//
// # Files
//
// A data directory holds these files of this package:
//
//	fanmill.db   the ledger: SQLite, WAL, synchronous FULL, mode 0640
//	model.snap   a snapshot of the site's counts and weights, for a fast start
//	waiting.lists  what was found in messages that wait to be learned (package stash)
//
// and for a time fanmill.db.renewed, which is to become the ledger (package renew).
//
// # Rooms
//
// This package is about turns and transactions: who may change ledger and model, and that
// both are changed or neither. What it joins stands below it, each of it without knowing a DB:
// package ledger reads and writes rows and ops, package follow keeps the model in step with
// them, package query answers what only wants to know (a DB has its methods), and package
// dump writes a ledger as text and loads it. Package renew, for newer feature sets, works on a
// ledger that nobody has open.
//
// # Model
//
// Package model has what the rows add up to in memory. A user's scope is read from its rows
// when it is first asked for. The Fit is made by whoever changes or follows the ledger,
// before the change is committed, so that look-ups find it ready.
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
