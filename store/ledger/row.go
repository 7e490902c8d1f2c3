package ledger

import (
	"fmt"
	"math"
	"strings"
	"time"

	"fanmill/classify"
	"fanmill/store/model"
	"fanmill/store/pack"
)

// Row is one message of the ledger.
type Row struct {
	ID     int64
	Scope  string // "" is the site
	Digest classify.Digest
	Class  model.Class
	Adds   int   // how often it counts; 0: recorded only
	Step   int64 // added to the linear part's weight of each of Grams; fits int32
	Sure   bool  // a person repeated or insisted on the label

	Source string // who gave the class: Origin.Source of that change; ignored in Learn

	// Scores before training.
	ScoreC, ScoreE, ScoreL, LogOdds float64

	Features []uint64  // distinct, ascending; nil: not known
	Grams    []uint32  // buckets of the linear part, distinct, ascending; nil: not known
	Message  []byte    // canonical form, at most MaxMessage bytes are kept
	Complete bool      // Message is all of the canonical form
	Waits    bool      // labelled, but not learned yet: adds nothing, has no score, is no label of the Fit
	Time     time.Time // of the last change of the label; zero in Learn: now

	waits Waiting
}

// Waiting is what column waits says of a row: 0, or how it waits to be learned.
type Waiting int64

// How a row waits.
const (
	WaitsBare   Waiting = iota + 1 // no lists of it are kept
	WaitsAgain                     // it was there before it began to wait, and may have counted
	WaitsListed                    // its lists are kept until it is learned
)

// Waiting says how a row that was read from the ledger waits.
func (r *Row) Waiting() Waiting { return r.waits }

// MaxMessage is how much of a canonical message the ledger keeps, in bytes.
const MaxMessage = pack.MaxMessage

// MaxAdds bounds Row.Adds, so that no single row can bring a count near overflow.
const MaxAdds = 1 << 16

// MaxScore bounds the scores, so that no row can bring a Fit near overflow.
const MaxScore = 1e9

// maxScope bounds the length of a scope's name in bytes.
const maxScope = 255

// Mark is what the model and ops know of the row.
func (r *Row) Mark() model.Mark {
	return model.Mark{Class: r.Class, Adds: r.Adds, Step: r.Step, Sure: r.Sure, Waits: r.Waits}
}

// Label is the row as the calibrator sees it.
func (r *Row) Label() classify.Label {
	return classify.Label{C: r.ScoreC, E: r.ScoreE, L: r.ScoreL, Spam: r.Class == model.Spam, Sure: r.Sure}
}

// Check reports what the ledger must not take in.
func (r *Row) Check() error {
	switch {
	case r.Class == model.None || r.Class > model.SpamCounts:
		return fmt.Errorf("learn %s: class %d is neither ham nor spam", r.Digest, r.Class)
	case r.Class.Counted() && (r.Step != 0 || r.Sure || r.Waits):
		return fmt.Errorf("learn %s: counts have no step, nobody insists on them, and they do not wait", r.Digest)
	case r.Adds < 0 || r.Adds > MaxAdds:
		return fmt.Errorf("learn %s: adds %d is not in 0..%d", r.Digest, r.Adds, MaxAdds)
	case r.Step != int64(int32(r.Step)):
		return fmt.Errorf("learn %s: step %d does not fit 32 bits", r.Digest, r.Step)
	}
	if r.Waits && (r.Adds != 0 || r.Step != 0) {
		return fmt.Errorf("learn %s: what waits adds nothing, not %d adds and a step of %d", r.Digest, r.Adds, r.Step)
	}
	for _, x := range [...]float64{r.ScoreC, r.ScoreE, r.ScoreL, r.LogOdds} {
		if !(math.Abs(x) <= MaxScore) {
			return fmt.Errorf("learn %s: score %g is not in -%g..%[3]g", r.Digest, x, MaxScore)
		}
	}
	for i := 1; i < len(r.Features); i++ {
		if r.Features[i-1] >= r.Features[i] {
			return fmt.Errorf("learn %s: features are not distinct and ascending", r.Digest)
		}
	}
	return CheckScope(r.Scope)
}

// CheckScope refuses names that could not be shown or typed again.
func CheckScope(scope string) error {
	if len(scope) > maxScope {
		return fmt.Errorf("scope of %d bytes is too long: the limit is %d", len(scope), maxScope)
	}
	if i := strings.IndexFunc(scope, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }); i >= 0 {
		return fmt.Errorf("scope %q has a character that is not allowed at byte %d", scope, i)
	}
	return nil
}
