// Package model is the model in memory: what the labels of the ledger's rows add up to, and
// what scoring reads of it. It knows no database; package store tells it what changes.
//
// # Counts and weights
//
// Counts lie in 64 open-addressing tables of 16-byte slots with linear probing; one
// table grows at a time, by about 1.3. The weights of the linear part are
// classify.Buckets int32, from the first step on. A scope's model is the site's counts
// and weights plus its own counts, added at look-up.
//
// # Fit
//
// The Fit, which joins the opinions, is not added up but made from the scores and
// labels of the rows (see window.go), so that look-ups find it ready.
//
// # Snapshot
//
// A snapshot is little endian: a 120-byte header (magic, format, feature version,
// number of tables, ledger id, op seq, time of that op, rows of each class, rows that wait,
// totals of each class, how much of them was imported, counts of feature 0, number of slots
// and of weights), then for each of the 64 tables a uint32 length and its slots (uint64
// feature, uint32 ham, uint32 spam), then the weights (int32), then CRC-32C of it all.
//
// # Concurrency
//
// Models is for one goroutine at a time, that of the writer; a Model is for any. Look-ups
// share a read-write lock with single changes and never wait for disk. Totals and Lookup are
// each consistent, but a change may fall between two calls.
package model
