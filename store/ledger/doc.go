// Package ledger is the ledger as it lies on disk: its file and tables, what a row and an op
// of it are, and how they are read and written, one statement at a time. It holds no
// connection open and knows no model in memory: package store keeps the two together.
//
// The ledger is the truth and everything the model knows is derived from it.
//
//	meta  key, value: "schema", "features" (classify.FeatureVersion), "ledger" (a random
//	      id); in one that was renewed also "renewed" and "copied" (package renew)
//	msg   one row for each scope and digest: the state. class (0 forgotten, 1 ham,
//	      2 spam; 3 and 4 what another filter counted of them), adds (how often the
//	      message counts, 0 allowed), step (what it adds to each of its weights), sure (a
//	      person insists on the class), the scores before training, source (who gave the
//	      class: what people say outranks what fanmill labelled), waits (recorded, but not
//	      learned yet; 1, or 2 in a row that was there before, or 3 with its lists kept
//	      until then), judged (the op that gave the label its class, sure or scores)
//	lists of the same row, where they are kept, features and grams (stored as package pack
//	      does)
//	body  of the same row, where it is kept, the canonical message (a frame of zstd)
//	op    append-only: every change of class, adds, step, sure or waits of a row, with
//	      what they were before and after, numbered without gaps by seq; pruned from the
//	      oldest on (see store.DB.Prune)
//	was   what an op took from its row besides these, for Undo
//
// Features and grams are kept where they cannot be had again from the message or
// where a follower needs them: features in rows with adds > 0, grams in rows with a
// step, both in rows whose message is cut or missing, in every user scope, which keeps
// no message text at all, and in rows that wait, unless they came without: the lists of
// a mailbox that waits are put by together. A message that was learned without its text, by
// an id, gains the text when it is trained later.
// What has counted is never dropped or replaced, so all ops of a row speak of the same
// features and grams, and an op is a complete difference: adds_before taken from
// class_before, adds_after given to class_after, for each feature and for the totals,
// and step_after less step_before added to the weight of each gram. Such differences
// commute. A forgotten row stays with class 0, no adds and no step.
package ledger
