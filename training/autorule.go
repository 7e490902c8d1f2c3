package training

import (
	"fmt"

	"fanmill/classify"
	"fanmill/store"
)

// AutoRule says what the filter may learn from its own verdicts. A filter that does
// repeats its errors, so such labels are few, and cannot outweigh those of people.
type AutoRule struct {
	HamBelow  float64 // a score below this may be learned as ham
	SpamAbove float64 // a score above this may be learned as spam
	Share     float64 // at most so many automatic labels for each label by people, of either class
	Lead      int     // at most so many labels may a class be ahead of the other; see Allows
	MinLabels int     // labels by people there must be of each class
}

// DefaultAutoRule returns the defaults of section [autolearn], as they were chosen in
// docs/training.md.
func DefaultAutoRule() AutoRule {
	return AutoRule{HamBelow: 0.02, SpamAbove: 0.98, Share: 0.5, Lead: 20, MinLabels: 200}
}

// Validate reports what is wrong with a rule.
func (r AutoRule) Validate() error {
	if !(r.HamBelow >= 0 && r.HamBelow < r.SpamAbove && r.SpamAbove <= 1 && r.Share >= 0) || r.Lead < 1 || r.MinLabels < 0 {
		return fmt.Errorf("automatic learning below %v and above %v, a share of %v, a lead of %d, from %d labels on: want cut-offs from 0 to 1, the lower first, a lead from 1 on, and no negative number",
			r.HamBelow, r.SpamAbove, r.Share, r.Lead, r.MinLabels)
	}
	return nil
}

// Class is the label that a score stands for; None between the cut-offs, and where the
// beginning of the message was heard against the rest: all of it would be learned.
func (r AutoRule) Class(s classify.Score) store.Class {
	switch {
	case s.Beginning != 0:
	case s.P < r.HamBelow:
		return store.Ham
	case s.P > r.SpamAbove:
		return store.Spam
	}
	return store.None
}

// Allows tells whether one more automatic label of a class may be given, beside so
// many by people and so many automatic ones. Each class has its share, and they fill
// in step: measured by the proportion of people's labels, neither may be more than Lead
// labels ahead of the other.
func (r AutoRule) Allows(class store.Class, people, auto store.Labels) bool {
	of, others := people.Ham, people.Spam
	have, had := auto.Ham, auto.Spam
	if class == store.Spam {
		of, others, have, had = others, of, had, have
	}
	if min(of, others) < max(r.MinLabels, 1) || float64(have+1) > r.Share*float64(of) {
		return false
	}
	return float64(have+1) <= float64(r.Lead)+float64(had)*float64(of)/float64(others)
}
