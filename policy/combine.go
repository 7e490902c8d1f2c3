package policy

import "slices"

// Combine turns the decisions for the recipients of one message into the one
// answer a milter can give (docs/design.md, several recipients). canDelete
// says whether the MTA lets a recipient be deleted (SMFIR_DELRCPT).
//
// Every recipient ends in exactly one place. Outcome Accept or Tag: each is in
// Deliver, Held or Dropped, and Deliver is not empty, so the last recipient is
// never deleted. Outcome Hold: each is in Held or Dropped, and the MTA is told
// to discard its copy. Any other outcome is the answer for all, and the lists
// are empty.
func (p *Policy) Combine(ds []Decision, canDelete bool) Result {
	switch {
	case len(ds) == 0:
		return Result{}
	case slices.ContainsFunc(ds, func(d Decision) bool { return d.Outcome == Fail }):
		return Result{Outcome: Fail}
	case !allEqual(ds):
		ds = settle(ds)
	}
	switch p.opts.Mixed {
	case Lenient:
		return uniform(ds, mildest(ds))
	case Strict:
		ds = harden(ds)
	}
	return split(ds, canDelete)
}

func allEqual(ds []Decision) bool {
	return !slices.ContainsFunc(ds, func(d Decision) bool { return d.Outcome != ds[0].Outcome })
}

// settle replaces what a milter can only answer for the whole message, a delay
// and the MTA's quarantine, by a hold, which one recipient can have.
func settle(ds []Decision) []Decision {
	ds = slices.Clone(ds)
	for i := range ds {
		if o := ds[i].Outcome; o == Delay || o == Quarantine {
			ds[i].Outcome = Hold
		}
	}
	return ds
}

// harden gives all the hardest outcome, but never one who is not filtered or
// must not be refused.
func harden(ds []Decision) []Decision {
	spared := func(d Decision) bool { return !d.Filtered || d.Exempt }
	hardest := Accept
	for _, d := range ds {
		if !spared(d) {
			hardest = max(hardest, d.Outcome)
		}
	}
	ds = slices.Clone(ds)
	for i := range ds {
		if !spared(ds[i]) {
			ds[i].Outcome = hardest
		}
	}
	return ds
}

func mildest(ds []Decision) Outcome {
	o := ds[0].Outcome
	for _, d := range ds {
		o = min(o, d.Outcome)
	}
	return o
}

// uniform is the result when all recipients get the same outcome.
func uniform(ds []Decision, o Outcome) Result {
	r := Result{Outcome: o}
	all := make([]string, len(ds))
	for i, d := range ds {
		all[i] = d.Recipient
	}
	switch o {
	case Accept, Tag:
		r.Deliver, r.Tagged = all, o == Tag
	case Hold:
		r.Held = all
	}
	return r
}

// split gives each recipient its own outcome. When nobody accepts, holding for
// some wins over refusing all; and refusing over dropping without a word.
func split(ds []Decision, canDelete bool) Result {
	if allEqual(ds) {
		return uniform(ds, ds[0].Outcome)
	}
	var r Result
	for _, d := range ds {
		switch d.Outcome {
		case Accept, Tag:
			r.Deliver = append(r.Deliver, d.Recipient)
			r.Tagged = r.Tagged || d.Outcome == Tag
		case Hold:
			r.Held = append(r.Held, d.Recipient)
		default:
			r.Dropped = append(r.Dropped, d)
		}
	}
	switch {
	case len(r.Deliver) == len(ds):
	case len(r.Deliver) > 0 && !canDelete:
		r = uniform(ds, mildest(ds))
		r.Lenient = true
	case len(r.Deliver) > 0:
	case len(r.Held) > 0:
		r.Outcome = Hold
	default:
		r = Result{Outcome: Reject}
	}
	return r
}
