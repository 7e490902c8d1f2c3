package model

import "fanmill/classify"

// Class is the label of a message.
type Class uint8

// The classes. None is a message that was forgotten. A row of HamCounts or SpamCounts is
// no message: it holds features that another filter has counted, and is no label, neither
// for the Fit nor where labels are counted.
const (
	None Class = iota
	Ham
	Spam
	HamCounts
	SpamCounts
)

// String returns "none", "ham", "spam", "ham counts" or "spam counts".
func (c Class) String() string {
	switch c {
	case Ham:
		return "ham"
	case Spam:
		return "spam"
	case HamCounts:
		return "ham counts"
	case SpamCounts:
		return "spam counts"
	}
	return "none"
}

// Counted tells what another filter has counted from labels of messages.
func (c Class) Counted() bool { return c == HamCounts || c == SpamCounts }

// Mark is the part of a row that the model depends on and that ops change.
type Mark struct {
	Class Class
	Adds  int
	Step  int64
	Sure  bool
	Waits bool
}

// judged tells whether the row's label is one for the Fit.
func (m Mark) judged() bool { return (m.Class == Ham || m.Class == Spam) && !m.Waits }

// Labels counts the labelled messages of one scope, and how often they count.
type Labels struct {
	Ham, Spam, HamAdds, SpamAdds int
	Waiting                      int // of Ham and Spam: not learned yet
	Imported                     int // of HamAdds and SpamAdds: counted by another filter
}

// Change is a change of one row's mark with all that the model needs to carry it out. What
// it does to counts and weights is addition modulo 2^32, so the opposite change always
// restores them.
type Change struct {
	Row           int64 // of the ledger
	Before, After Mark
	Features      []uint64 // of the row, if needed; nil: not known
	Grams         []uint32 // of the row, if needed; nil: not known
	Label         classify.Label
	Same          bool  // for the calibrator nothing changes
	Undoes        int64 // the op that is taken back, 0 for none: its label comes back to its old place
}

// NeedsFeatures tells whether a change moves counts.
func (ch *Change) NeedsFeatures() bool {
	ham, spam := difference(ch.Before, ch.After)
	return ham|spam != 0
}

// NeedsGrams tells whether a change moves weights.
func (ch *Change) NeedsGrams() bool { return ch.Before.Step != ch.After.Step }

// Lacks tells that a change cannot be carried out for want of its lists.
func (ch *Change) Lacks() bool {
	return ch.NeedsFeatures() && ch.Features == nil || ch.NeedsGrams() && ch.Grams == nil
}

// Done is what it takes to take a change back.
type Done struct {
	Model         *Model
	Before, After Mark
	Same          bool
	Features      []uint64 // if needed
}
