package milter

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"fanmill/classify"
	"fanmill/headers"
	"fanmill/policy"
	"fanmill/spool"
)

// judgement is what was found out about a message and decided for it.
type judgement struct {
	msg       *classify.Message // nil when it could not be read
	scope     string            // whose opinion is shown
	score     classify.Score    // of the site, or of the only recipient's scope
	cutoffs   classify.Cutoffs
	verdict   classify.Verdict
	scored    bool
	opinions  map[string]classify.Score // by scope
	clues     []classify.Clue
	decisions []policy.Decision
	result    policy.Result

	again  spool.State // known to the spool: nothing was scored
	seenID string      // its id there
	passID string      // of what goes on to recipients, "" when nothing does
	often  bool        // failed too often: passes unscored, a copy is kept
	err    error       // why it could not be scored
	tries  tries
}

// judge reads, scores and decides. It touches the message's stream and the
// spool's index, and changes nothing.
func (m *message) judge() judgement {
	switch {
	case len(m.recipients) == 0:
		return judgement{err: errNoRcpt, result: policy.Result{Outcome: policy.Fail}}
	case !m.read:
		return m.decide(judgement{}, nil)
	case m.failures.often(m.key()):
		j := judgement{often: true, err: m.fault}
		j.result = policy.Result{Outcome: policy.Accept, Deliver: m.addresses()}
		return j
	case m.fault != nil:
		return judgement{err: m.fault, result: policy.Result{Outcome: policy.Fail}}
	}
	j := judgement{msg: m.stream.Finish()}
	digest := j.msg.Digest.String()
	if id, ok := m.Spool.SeenRelease(m.release, digest, m.addresses()); ok {
		j.again, j.seenID = spool.Releasing, id
	} else {
		j.again, j.seenID = m.Spool.Seen(digest, m.env.Sender, m.addresses())
	}
	if j.again != spool.Unknown {
		return m.answerAgain(j)
	}
	return m.score(j)
}

// answerAgain decides for a message that the spool knows: one that is held or
// was decided is dropped with a 250, as before; our own release passes.
func (m *message) answerAgain(j judgement) judgement {
	j.result = policy.Result{Outcome: policy.Discard}
	if j.again == spool.Releasing {
		j.result = policy.Result{Outcome: policy.Accept, Deliver: m.addresses()}
	}
	return j
}

// score asks the model once per scope, and decides. The headers state what the
// site thinks, unless there is only one recipient, whose opinion counts then.
func (m *message) score(j judgement) judgement {
	scores := map[string]policy.Scored{}
	j.opinions = map[string]classify.Score{}
	shown, cutoffs := "", m.rules.opts.Cutoffs
	if len(m.recipients) == 1 {
		shown, cutoffs = m.recipients[0].Scope, m.recipients[0].Cutoffs
	}
	known := m.known(&j)
	scopes := m.scopes(shown)
	if l, ok := m.Scorer.(Loader); ok {
		l.Await(scopes, scopeWait)
	}
	for _, scope := range scopes {
		s, taught, err := m.Scorer.Score(j.msg, scope)
		if err != nil {
			j.err = fmt.Errorf("score in scope %q: %w", scope, err)
			return m.unscored(j)
		}
		known.Score, known.Trained = s.P, m.rules.Policy.Trained(taught.Ham, taught.Spam)
		scores[scope] = known
		j.opinions[scope] = s
		if scope == shown {
			j.scope, j.score, j.cutoffs, j.verdict, j.scored = scope, s, cutoffs, cutoffs.Verdict(s.P), true
		}
	}
	j.clues = m.clues(shown, j.score)
	return m.decide(j, scores)
}

// known is what policy asks of a message besides its score.
func (m *message) known(j *judgement) policy.Scored {
	k := policy.Scored{Relayed: m.rules.Policy.Relayed(&m.env), Bypass: m.content.Bypass()}
	if j.msg != nil {
		k.Attachments = j.msg.Attachments
	}
	return k
}

// scopeWait is how long a message waits at its end for scopes that are still being
// read: usually they are there already.
const scopeWait = time.Second

// scopes lists the scopes to score in, shown first.
func (m *message) scopes(shown string) []string {
	list := []string{shown}
	for _, r := range m.recipients {
		if r.Filtered && !slices.Contains(list, r.Scope) {
			list = append(list, r.Scope)
		}
	}
	return list
}

// unscored decides for a message that could not be scored: on_error.
func (m *message) unscored(j judgement) judgement {
	j.scored = false
	known, failed := m.known(&j), map[string]policy.Scored{}
	known.Failed = true
	for _, r := range m.recipients {
		failed[r.Scope] = known
	}
	return m.decide(j, failed)
}

// decide asks the policy for each recipient, then for all of them.
func (m *message) decide(j judgement, scores map[string]policy.Scored) judgement {
	for _, r := range m.recipients {
		d := m.rules.Policy.Would(r, scores[r.Scope])
		if d.Outcome == policy.Quarantine && !m.can.quarantine {
			d.Outcome = policy.Hold // nothing may be lost for what the MTA cannot do
		}
		j.decisions = append(j.decisions, d)
	}
	m.sight(&j)
	if part := m.heldBefore(&j); len(part) > 0 && len(part) < len(m.recipients) {
		return m.decideRest(j, part)
	}
	j.result = m.rules.Policy.Combine(j.decisions, m.can.deleteRecipient)
	return j
}

// heldBefore returns the recipients whose copies are in the spool, or were
// there: of a transaction that was held for some and whose answer the client
// did not hear. What the model thinks by now must not deliver them a second one.
func (m *message) heldBefore(j *judgement) []string {
	if j.msg == nil || m.rules.opts.Observe || !m.can.deleteRecipient || len(m.recipients) < 2 {
		return nil
	}
	return m.Spool.SeenPart(j.msg.Digest.String(), m.env.Sender, m.addresses())
}

// decideRest decides for those for whom nothing was held before.
func (m *message) decideRest(j judgement, part []string) judgement {
	var rest []policy.Decision
	var dropped []policy.Decision
	for i := range j.decisions {
		d := &j.decisions[i]
		if !slices.Contains(part, d.Recipient) {
			rest = append(rest, *d)
			continue
		}
		d.Outcome, d.Rule = policy.Discard, policy.RuleAgain
		dropped = append(dropped, *d)
	}
	j.result = m.rules.Policy.Combine(rest, true)
	switch j.result.Outcome {
	case policy.Accept, policy.Tag, policy.Quarantine, policy.Hold:
		j.result.Dropped = append(j.result.Dropped, dropped...)
	}
	return j
}

// info is what the verdict headers are to say. What rules say of the sender stands there
// only where all who get the message agree.
func (m *message) info(j *judgement) headers.Info {
	i := headers.Info{
		ID: j.passID, Verdict: j.verdict, Score: j.score.P, Cutoffs: j.cutoffs, Unscored: !j.scored,
		Clues: j.clues[:min(len(j.clues), m.rules.Evidence)],
	}
	if d, ok := agreed(j, func(d policy.Decision) policy.SenderList { return d.Sender }); ok {
		i.Sender = d.Sender
	}
	return i
}

// agreed reports whether something is the same for all who get the message, and returns
// the decision for one of them.
func agreed[T comparable](j *judgement, of func(policy.Decision) T) (d policy.Decision, ok bool) {
	for _, next := range j.decisions {
		if len(j.result.Deliver) > 0 && !slices.Contains(j.result.Deliver, next.Recipient) {
			continue
		}
		if ok && of(next) != of(d) {
			return d, false
		}
		d, ok = next, true
	}
	return d, ok
}

// failed reports whether this attempt counts as a failure of ours.
func (j *judgement) failed() bool {
	return j.err != nil && !j.often && !errors.Is(j.err, errNoRcpt)
}
