package milter

import (
	"time"

	"fanmill/milter/delay"
	"fanmill/policy"
	"fanmill/store/history"
)

// textDelay is the reply to mail that is to come again; the message's id follows.
const textDelay = "4.7.1 Please try again later"

// RuleReturned and RuleExpired stand in the daily counters beside the rules of delayed
// mail, each a message that was delayed: it came again and was decided, or it was not
// sent again in time. Both are counted under outcome delay.
const (
	RuleReturned = "delay-returned"
	RuleExpired  = "delay-expired"
)

// tries is what a message has to do with delays.
type tries struct {
	keys []delay.Key      // of each recipient
	seen []delay.Sighting // likewise, before this try
}

// longest is how long ago the message was first here, as far as the table goes back.
func (t *tries) longest() (ago time.Duration) {
	for _, s := range t.seen {
		ago = max(ago, s.Ago)
	}
	return ago
}

// sight finds out whether the message was here before, and decides anew for those
// whose mail would be delayed: what comes again in time is held, and so is what could
// not be remembered.
func (m *message) sight(j *judgement) {
	if m.print == nil || !j.scored {
		return
	}
	j.tries.keys = m.print.Keys(m.env.Sender, m.addresses())
	j.tries.seen = m.Delays.Look(j.tries.keys)
	rule := policy.RuleDelayEarly
	for i := range j.decisions {
		d := &j.decisions[i]
		if d.Outcome != policy.Delay {
			continue
		}
		switch j.tries.seen[i].Sight {
		case delay.Due:
			d.Outcome, d.Rule = policy.Hold, policy.RuleDelayed
		case delay.NoRoom:
			d.Outcome, d.Rule = policy.Hold, m.recipients[i].Rule
		case delay.New:
			rule = policy.RuleDelay
		}
	}
	for i := range j.decisions {
		if d := &j.decisions[i]; d.Outcome == policy.Delay {
			d.Rule = rule // one for all: it is one message
		}
	}
}

// noteTry has the table remember what comes of the message, which from here on stands.
// Nobody is remembered as delayed whose copy is held because others fare differently:
// it does not come again.
func (m *message) noteTry(j *judgement) {
	if j.tries.keys == nil {
		return
	}
	if j.result.Outcome != policy.Delay {
		if n := m.Delays.Return(j.tries.keys); n > 0 {
			m.Recorder.Count(history.Day(m.now()), policy.Delay.String(), RuleReturned, n)
		}
		return
	}
	var delayed []delay.Key
	for i, d := range j.decisions {
		if d.Outcome == policy.Delay {
			delayed = append(delayed, j.tries.keys[i])
		}
	}
	m.Delays.Remember(delayed)
}
