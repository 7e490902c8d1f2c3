package classify

// Verdict is what the score says of a message: ham, unsure or spam.
type Verdict uint8

// The three verdicts, from the mildest to the hardest.
const (
	Ham Verdict = iota
	Unsure
	Spam
)

// String returns the verdict's word as it stands in headers, logs and JSON.
func (v Verdict) String() string {
	switch v {
	case Ham:
		return "ham"
	case Spam:
		return "spam"
	}
	return "unsure"
}

// Cutoffs divide the score (0..1) into verdicts. Scores at or above Reject may
// be refused at SMTP time; between Spam and Reject they are spam that is held.
type Cutoffs struct {
	Ham, Spam, Reject float64
}

// DefaultCutoffs are the documented defaults: 0.15, 0.90 and 0.995.
func DefaultCutoffs() Cutoffs { return Cutoffs{Ham: 0.15, Spam: 0.90, Reject: 0.995} }

// Verdict applies the cut-offs: below Ham is ham, at or above Spam is spam,
// anything between (and a score that is not a number) is unsure.
func (c Cutoffs) Verdict(score float64) Verdict {
	switch {
	case score >= c.Spam:
		return Spam
	case score < c.Ham:
		return Ham
	}
	return Unsure
}
