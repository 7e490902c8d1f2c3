package store

import (
	"fanmill/store/ledger"
	"fanmill/store/model"
)

// The words of this package's methods stand in the packages below, which know no Tx:
// what a message of the ledger is, and what was decided about it, in package ledger; what
// a label adds, in package model. Who opens a ledger needs them all, under one name.
type (
	Row    = ledger.Row
	Origin = ledger.Origin

	Class  = model.Class
	Mark   = model.Mark
	Labels = model.Labels
	Model  = model.Model
)

// The classes (see model.Class).
const (
	None       = model.None
	Ham        = model.Ham
	Spam       = model.Spam
	HamCounts  = model.HamCounts
	SpamCounts = model.SpamCounts
)

// Exhaust is the source of training to exhaustion (see ledger.Exhaust).
const Exhaust = ledger.Exhaust
