package milter

import (
	"cmp"
	"slices"
	"time"

	"fanmill/policy"
	"fanmill/spool"
	"fanmill/store/history"
)

// part is those recipients of a message who meet the same fate.
type part struct {
	id       string   // of their row in the history, "" for any
	filtered []string // those of them whose mail is filtered
	policy.Fate
}

// parts tells what became of the message for whom. The first part is what its log
// line is about: those it goes on to, if there are any.
func (m *message) parts(j *judgement) []part {
	r, o := &j.result, j.outcome()
	var list []part
	switch held, passed := len(r.Held) > 0, len(r.Deliver) > 0; {
	case held && passed: // the held copy has the message's own id
		list = append(list, m.part(j, cmp.Or(j.passID, m.Spool.NewID()), o, r.Deliver), m.part(j, m.id, policy.Hold, r.Held))
	case passed:
		list = append(list, m.part(j, m.id, o, r.Deliver))
	case held:
		list = append(list, m.part(j, m.id, o, r.Held))
	default:
		list = append(list, m.part(j, m.id, o, m.addresses()))
	}
	type fate struct {
		policy.Outcome
		rule string
	}
	var order []fate
	dropped := map[fate][]string{}
	for _, d := range r.Dropped {
		f := fate{d.Outcome, d.Rule}
		if dropped[f] == nil {
			order = append(order, f)
		}
		dropped[f] = append(dropped[f], d.Recipient)
	}
	for _, f := range order {
		list = append(list, m.part(j, "", f.Outcome, dropped[f]))
	}
	return list
}

func (m *message) part(j *judgement, id string, o policy.Outcome, recipients []string) part {
	filtered := m.filtered(recipients)
	return part{id: id, filtered: filtered, Fate: policy.Fate{
		Outcome: o, Rule: m.rule(j, o, recipients), List: j.list(o, recipients),
		Unfiltered: len(recipients) > 0 && len(filtered) == 0,
		Unscored:   m.read && !j.scored && j.again == spool.Unknown,
	}}
}

// list is what rules say of the sender, for one of these recipients who met outcome o.
func (j *judgement) list(o policy.Outcome, recipients []string) policy.SenderList {
	for _, d := range j.decisions {
		if d.Sender != policy.Unlisted && d.Outcome == o && slices.Contains(recipients, d.Recipient) {
			return d.Sender
		}
	}
	return policy.Unlisted
}

// filtered returns those of the addresses whose mail is filtered.
func (m *message) filtered(addresses []string) []string {
	var list []string
	for _, r := range m.recipients {
		if r.Filtered && slices.Contains(addresses, r.Address) {
			list = append(list, r.Address)
		}
	}
	return list
}

// columns names the columns of the daily table that the message stands in, that of
// its first part first.
func columns(parts []part) []string {
	var names []string
	for _, p := range parts {
		if name := p.Column().String(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// record writes the daily counters and the history: a row for each part of the
// recipients. Those whose mail is not filtered are counted only. The id that the log
// line names is always one of the rows'.
func (m *message) record(j *judgement, parts []part, at time.Time) {
	day := history.Day(at)
	m.Recorder.Tally(day, append(columns(parts), policy.Total.String())...)
	named := false
	for _, p := range parts {
		m.Recorder.Count(day, p.Outcome.String(), p.Rule, 1)
		if len(p.filtered) == 0 {
			continue
		}
		switch {
		case p.id == "" && !named:
			p.id = m.id
		case p.id == "":
			p.id = m.Spool.NewID()
		}
		named = named || p.id == m.id
		m.row(j, p)
	}
}

// row records what became of the message for those whose mail is filtered.
func (m *message) row(j *judgement, p part) {
	rec := history.Record{
		ID: p.id, Time: m.began, QueueID: m.facts.queueID, Client: clientText(m.client(j)), Sender: m.env.Sender,
		Recipients: p.filtered, Size: m.size, MessageID: clean(m.messageID),
		Outcome: p.Outcome.String(), Rule: p.Rule, Scope: j.scope, Unscored: !j.scored,
	}
	if j.scored {
		rec.Verdict, rec.Score = j.verdict.String(), j.score
	}
	if j.msg != nil {
		rec.Digest, rec.Subject, rec.From, rec.MessageID = j.msg.Digest, j.msg.Subject, j.msg.From, j.msg.MessageID
		if m.rules.KeepFeatures {
			rec.Features, rec.Grams = slices.Clone(j.msg.Features), slices.Clone(j.msg.Grams)
		}
	}
	m.Recorder.Add(rec)
}
