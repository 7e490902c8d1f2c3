package milter

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"fanmill/classify"
	"fanmill/headers"
	"fanmill/policy"
	"fanmill/spool"
)

// answer is what the MTA is to be told at end of message.
type answer struct {
	outcome policy.Outcome  // Accept, Quarantine, Discard, Reject, Delay or Fail
	text    string          // of the last three: enhanced status code and words
	reason  string          // of a quarantine
	remove  []forgedName    // verdict fields that came along
	insert  []headers.Field // in the order in which they are to stand
	subject string          // value that replaces the first Subject field's, "": it stays
	delete  []string        // recipients who do not get it
}

const (
	textFail   = "4.3.0 The mail filter cannot take this message now, please try again later"
	textReject = "5.7.1 "

	textAttachment = "This message has an attachment of a type that is not accepted here"
)

var (
	errLate    = errors.New("deadline passed")
	errNoDraft = errors.New("the message could not be drafted")
)

// answer does the work at end of message beside the caller, who meanwhile calls
// progress and watches the deadline.
func (m *message) answer(progress func() error) answer {
	m.ended = m.now()
	m.endHeaders()
	if !m.read {
		return m.work() // nothing to wait for
	}
	done := make(chan answer, 1)
	m.workers.Add(1)
	go func() {
		defer m.workers.Done()
		done <- m.safely()
	}()
	deadline := time.NewTimer(m.rules.Deadline)
	defer deadline.Stop()
	tick := time.NewTicker(m.rules.ProgressEvery)
	defer tick.Stop()
	for {
		select {
		case a := <-done:
			return a
		case <-tick.C:
			_ = progress() // see session.end
		case <-deadline.C:
			return m.late(done)
		case <-m.stopped.Done():
			return m.late(done)
		}
	}
}

// late answers in place of a worker that is not ready. If the worker has begun
// to carry out what it decided, the message may be held a moment later: only
// 451 is right then, and the retry is answered by what the spool says. Else the
// worker is barred from holding, and on_error decides. The worker keeps its
// hands on stream, draft and fault; nothing of these is touched here.
func (m *message) late(done <-chan answer) answer {
	if !m.claim(expired) {
		select {
		case a := <-done: // both at once
			return a
		default:
		}
		m.Logger.Warn("deadline passed while the message was being held; a retry is answered by what the spool has then",
			"id", m.id, "queue_id", clean(m.facts.queueID))
		return answer{outcome: policy.Fail, text: textFail}
	}
	m.failures.add(m.key())
	j := m.unscored(judgement{err: errLate})
	if a, ok := m.withoutSpool(&j); ok {
		return m.finish(&j, a)
	}
	j.result = policy.Result{Outcome: policy.Fail}
	return m.finish(&j, answer{outcome: policy.Fail, text: textFail})
}

// safely is work with a net below its own: a panic while a panic is reported.
func (m *message) safely() (a answer) {
	defer func() {
		if recover() != nil {
			a = answer{outcome: policy.Fail, text: textFail}
		}
	}()
	return m.work()
}

// work judges the message and carries it out. Whatever panics in there costs
// this message a 451 and nothing else.
func (m *message) work() (a answer) {
	defer m.drop()
	defer func() {
		if p := recover(); p != nil {
			a = m.panicked(&panicError{event: "end of message", value: p, stack: debug.Stack()})
		}
	}()
	j := m.judge()
	if !m.claim(answering) {
		return answer{} // too late, nobody listens
	}
	if j.failed() {
		m.failures.add(m.key())
	}
	return m.carryOut(&j)
}

func (m *message) panicked(p *panicError) answer {
	mine := m.claim(answering) || m.phase.Load() == answering
	m.spoil(p)
	m.Logger.Error("panic, the message gets a temporary failure", "id", m.id, "queue_id", clean(m.facts.queueID),
		"event", p.event, "panic", clean(fmt.Sprint(p.value)), "stack", string(p.stack))
	if !mine {
		return answer{}
	}
	m.failures.add(m.key())
	j := judgement{err: p, result: policy.Result{Outcome: policy.Fail}}
	if m.rules.opts.Observe {
		return m.finish(&j, answer{outcome: policy.Accept})
	}
	return m.finish(&j, answer{outcome: policy.Fail, text: textFail})
}

// carryOut holds what is to be held, then reports.
func (m *message) carryOut(j *judgement) answer {
	m.noteTry(j)
	if a, ok := m.withoutSpool(j); ok {
		return m.finish(j, a)
	}
	if j.often {
		m.keepCopy(j)
		return m.finish(j, m.pass(j))
	}
	if err := m.hold(j); err != nil {
		m.Logger.Error("hold failed, the message gets a temporary failure", "id", m.id, "queue_id", clean(m.facts.queueID), "err", err)
		j.result = policy.Result{Outcome: policy.Fail}
		return m.finish(j, answer{outcome: policy.Fail, text: textFail})
	}
	if j.result.Outcome == policy.Hold {
		return m.finish(j, answer{outcome: policy.Discard})
	}
	return m.finish(j, m.pass(j))
}

// withoutSpool answers where nothing has to be written first; false: it has.
func (m *message) withoutSpool(j *judgement) (answer, bool) {
	switch o := j.result.Outcome; {
	case m.rules.opts.Observe && j.again == spool.Unknown:
		return answer{outcome: policy.Accept}, true
	case j.often || len(j.result.Held) > 0:
		return answer{}, false
	case o == policy.Fail:
		return answer{outcome: o, text: textFail}, true
	case o == policy.Delay:
		return answer{outcome: o, text: textDelay + " " + m.id}, true
	case o == policy.Discard:
		return answer{outcome: o}, true
	case o == policy.Reject:
		return answer{outcome: o, text: textReject + m.rejectText(j)}, true
	case o == policy.Quarantine:
		a := m.pass(j)
		a.outcome, a.reason = o, m.quarantineReason(j)
		return a, true
	}
	return m.pass(j), true
}

// rejectText is the text of a refusal with the message's id: that of the recipients' rules
// where all have the same. Where the score alone refuses, it tells of the bypass word.
func (m *message) rejectText(j *judgement) string {
	all := func(is func(policy.Decision) bool) bool {
		return len(j.decisions) > 0 && !slices.ContainsFunc(j.decisions, func(d policy.Decision) bool { return !is(d) })
	}
	if all(func(d policy.Decision) bool { return d.Rule == policy.RuleAttachment }) {
		return textAttachment + " " + m.id
	}
	text := m.recipients[0].RejectText
	if text == "" || slices.ContainsFunc(m.recipients, func(r policy.Recipient) bool { return r.RejectText != text }) {
		text = m.rules.RejectText
	}
	word := m.rules.opts.BypassWord
	told := word == "" || strings.Contains(strings.ToLower(text), strings.ToLower(word))
	if text += " " + m.id; !told && all(policy.Decision.ByScore) {
		text += " (put " + word + " in the subject to bypass the filter)"
	}
	return text
}

// quarantineReason is what the MTA is told. Sendmail lists it with the message,
// Postfix shows it nowhere: so the log line has it too.
func (m *message) quarantineReason(j *judgement) string {
	return "fanmill " + j.verdict.String() + " id=" + m.id
}

// keepCopy keeps a copy of a message that is let through because it failed too
// often. That it cannot be kept, for whatever reason, does not stop the message.
func (m *message) keepCopy(j *judgement) {
	err := errNoDraft
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{event: "copy", value: p}
		}
		if err != nil {
			m.Logger.Error("no copy of a message that is let through unscored", "id", m.id, "queue_id", clean(m.facts.queueID), "err", err)
		}
	}()
	if m.draft != nil {
		meta := m.meta(j, m.addresses())
		meta.Box, meta.Verdict, meta.Rule = spool.Copy, "unscored", RuleFailed
		err = m.Spool.Hold(m.draft, meta)
	}
}

// pass lets the message go on to those who get it.
func (m *message) pass(j *judgement) answer {
	a := answer{outcome: policy.Accept}
	j.passID = m.id
	if len(j.result.Held) > 0 {
		j.passID = m.Spool.NewID() // the held copy has the message's own
	}
	if m.can.change {
		a.remove = m.forged.counts
	}
	if m.can.insert && m.marks(j) {
		a.insert = headers.Render(m.rules.Families, m.info(j))
		m.tagSubject(j, &a)
	}
	a.delete = slices.Clone(j.result.Held)
	for _, d := range j.result.Dropped {
		a.delete = append(a.delete, d.Recipient)
	}
	return a
}

// tagSubject puts the subject tag before the subject, where all who get the message have
// it tagged, and with the same.
func (m *message) tagSubject(j *judgement, a *answer) {
	d, same := agreed(j, func(d policy.Decision) [2]string { return [2]string{d.Outcome.String(), d.SubjectTag} })
	tags := d.Outcome == policy.Tag || j.result.Tagged && d.Filtered && m.rules.opts.Mixed != policy.Split
	if !same || !tags || d.SubjectTag == "" || !m.can.change {
		return
	}
	before := ""
	if m.subject != nil {
		before = *m.subject
	}
	tagged, changed := headers.TagSubject(d.SubjectTag, before)
	switch {
	case !changed:
	case m.subject == nil:
		a.insert = append(a.insert, headers.Field{Name: "Subject", Value: tagged})
	default:
		a.subject = tagged
	}
}

// marks reports whether the message gets verdict headers: when one of those who
// get it is filtered, and what is accepted is not merely waiting for training. What
// our own users send must not tell the world what we think of it, unless it is to.
func (m *message) marks(j *judgement) bool {
	switch {
	case m.env.Authenticated != "" && !m.rules.MarkAuthenticated:
		return false
	case j.often:
		return true
	}
	return slices.ContainsFunc(j.decisions, func(d policy.Decision) bool {
		goesOn := len(j.result.Deliver) == 0 || slices.Contains(j.result.Deliver, d.Recipient)
		return d.Filtered && goesOn && (d.Outcome != policy.Accept || d.Rule != policy.RuleUntilTrained)
	})
}

// hold writes the one held copy for those whose mail is held.
func (m *message) hold(j *judgement) error {
	if m.draft == nil {
		return errNoDraft
	}
	meta := m.meta(j, j.result.Held)
	if i := m.heldFor(j); i >= 0 {
		d := j.decisions[i]
		meta.Verdict, meta.Rule, meta.Scope = d.Verdict.String(), d.Rule, m.recipients[i].Scope
		if d.Verdict == classify.Spam {
			meta.Box = spool.Spam
		}
		if score, ok := j.opinions[meta.Scope]; ok {
			m.explain(&meta, score)
		}
	}
	return m.Spool.Hold(m.draft, meta)
}

// heldFor returns for whom the one held copy is explained: somebody for whom it is spam,
// whoever else waits for it; -1 for nobody.
func (m *message) heldFor(j *judgement) (first int) {
	first = -1
	for i, d := range j.decisions {
		if !slices.Contains(j.result.Held, d.Recipient) {
			continue
		}
		if d.Verdict == classify.Spam {
			return i
		}
		if first < 0 {
			first = i
		}
	}
	return first
}

func (m *message) meta(j *judgement, recipients []string) spool.Meta {
	meta := spool.Meta{
		ID: m.id, Box: spool.Unsure, Time: m.began, Envelope: m.envelope(recipients),
		Size: m.size, Verdict: j.verdict.String(), Score: j.score.P, MessageID: clean(m.messageID),
	}
	if j.msg != nil {
		meta.Digest, meta.Subject, meta.From, meta.MessageID = j.msg.Digest.String(), j.msg.Subject, j.msg.From, j.msg.MessageID
	}
	return meta
}
