// Package store keeps what the site has taught the filter, what the filter has
// done, and the model in memory that scoring reads.
//
// # Files
//
// A data directory holds three files of this package:
//
//	fanmill.db   the ledger: SQLite, WAL, synchronous FULL, mode 0640
//	history.db   past verdicts and daily counters: SQLite, WAL, synchronous NORMAL
//	model.snap   a snapshot of the site's counts, for a fast start
//
// # Ledger
//
// The ledger is the truth and everything the model knows is derived from it.
//
//	meta  key, value: "schema", "features" (classify.FeatureVersion), "ledger" (a random
//	      id), "judged:SCOPE" (the last row that had a second look)
//	msg   one row for each scope and digest: the state. class (0 forgotten, 1 ham,
//	      2 spam), adds (how often the message counts, 0 allowed), step, the scores
//	      before training, source (who gave the class: what people say outranks what
//	      fanmill labelled), waits (features are kept for a second look, and never
//	      counted), features (8 bytes each, little endian, ascending) and the
//	      canonical message (zstd)
//	op    append-only: every change of class or adds of a row, with both before and
//	      after, numbered without gaps by seq
//
// Features are kept where they cannot be had again from the message or where a
// follower needs them: in rows with adds > 0, in rows whose message is cut or
// missing, in every user scope, which keeps no message text at all, and in rows that
// wait for a second look (see training) and have never counted. Features that have
// counted are never dropped or replaced, so all ops of a row speak of the same
// features and an op is a complete difference: adds_before taken from class_before,
// adds_after given to class_after, for each feature and for the totals. Such
// differences commute. A forgotten row stays with class 0 and no adds.
//
// # Model
//
// Counts lie in 64 open-addressing tables of 16-byte slots with linear probing; one
// table grows at a time, by about 1.3. A scope's model is the site's counts plus
// its own, added at look-up; scopes are read from their rows when first asked for.
//
// # Snapshot
//
// model.snap is little endian: a 100-byte header (magic, format, feature version,
// ledger id, op seq, time of that op, rows and totals of each class, counts of
// feature 0, number of slots), then for each of the 64 tables a uint32 length and
// its slots (uint64 feature, uint32 ham, uint32 spam), then CRC-32C of it all. It
// is written under another name, synced and renamed. One that does not fit the
// ledger is ignored with a log line and the model is built from the rows.
//
// # Concurrency
//
// All methods of DB, Model and History may be called from any goroutine. Updates
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
