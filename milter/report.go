package milter

import (
	"cmp"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"fanmill/classify"
	"fanmill/policy"
	"fanmill/spool"
	"fanmill/store"
)

// finish writes the log line and the history of a message, offers it to the learner and
// returns a.
func (m *message) finish(j *judgement, a answer) answer {
	m.log(j)
	m.record(j)
	m.learn(j)
	m.teach(j)
	return a
}

// refuse answers a recipient for whom the sender is blocked.
func (m *message) refuse(r *policy.Recipient) refusal {
	m.Logger.Info("recipient refused", "id", m.id, "queue_id", clean(m.facts.queueID), "client", clientText(m.env.Client),
		"sender", clean(m.env.Sender), "recipient", clean(r.Address), "outcome", policy.Reject.String(), "rule", r.Rule, "list", r.Sender.String())
	m.Recorder.Count(m.began.Format("2006-01-02"), policy.Reject.String(), r.Rule, 1)
	text := cmp.Or(r.RejectText, m.rules.RejectText)
	return refusal(textReject + text + " " + m.id)
}

// teach lets the filter learn what rules say of the sender, for the scopes whose score
// said otherwise.
func (m *message) teach(j *judgement) {
	if m.Teacher == nil || !j.scored || m.rules.opts.Observe || j.outcome() == policy.Fail {
		return
	}
	taught := map[string]bool{}
	for _, r := range m.recipients {
		spam := r.Sender == policy.Block
		score, ok := j.opinions[r.Scope]
		if !ok || !r.Learn || r.Sender == policy.Unlisted || taught[r.Scope] || knows(&r, score.P, spam) {
			continue
		}
		taught[r.Scope] = true
		m.Teacher.Teach(j.msg, r.Scope, spam, r.Rule)
	}
}

// learn lets the learner see a message that came from outside and was scored for the
// site. One that gets a temporary failure comes again.
func (m *message) learn(j *judgement) {
	site, scored := j.opinions[""]
	if m.Learner == nil || !scored || !j.scored || m.rules.opts.Observe || j.outcome() == policy.Fail || !m.rules.Policy.Outside(&m.env) {
		return
	}
	m.Learner.Learn(j.msg, site)
}

// knows reports whether a score says already what a rule says.
func knows(r *policy.Recipient, score float64, spam bool) bool {
	v := r.Cutoffs.Verdict(score)
	return spam && v == classify.Spam || !spam && v == classify.Ham
}

// The rules that stand in the history for what no policy rule decided.
const (
	ruleObserve = "observe"
	ruleAgain   = "seen-before"
	ruleRelease = "release"
	ruleError   = "error"
)

// RuleFailed stands in the history for a message that failed twice and was let
// through unscored.
const RuleFailed = "failed-twice"

// rule names what decided for those with outcome o.
func (m *message) rule(j *judgement, o policy.Outcome) string {
	switch {
	case j.again == spool.Releasing:
		return ruleRelease
	case j.again != spool.Unknown:
		return ruleAgain
	case j.often:
		return RuleFailed
	case m.rules.opts.Observe && m.read:
		return ruleObserve
	}
	rule := ""
	for _, d := range j.decisions {
		if d.Outcome == o && (rule == "" || d.Filtered) {
			rule = d.Rule
		}
	}
	if rule == "" && len(j.decisions) > 0 && j.err == nil {
		rule = j.decisions[0].Rule
	}
	if rule == "" {
		rule = ruleError
	}
	return rule
}

// list is what rules say of the sender, for one of those who met the outcome.
func (j *judgement) list() policy.SenderList {
	o := j.outcome()
	for _, d := range j.decisions {
		if d.Sender != policy.Unlisted && d.Outcome == o {
			return d.Sender
		}
	}
	return policy.Unlisted
}

// outcome is what happens to the message, or in observe mode would happen.
func (j *judgement) outcome() policy.Outcome {
	if j.result.Outcome == policy.Accept && j.result.Tagged {
		return policy.Tag
	}
	return j.result.Outcome
}

// client is the host to name: for relayed mail the one that the border saw.
func (m *message) client(j *judgement) classify.Client {
	if j.msg != nil && m.rules.Policy.Relayed(&m.env) && j.msg.Client.Addr.IsValid() {
		return j.msg.Client
	}
	return m.env.Client
}

func (m *message) log(j *judgement) {
	o := j.outcome()
	attrs := []slog.Attr{
		slog.String("id", m.id), slog.String("queue_id", clean(m.facts.queueID)),
		slog.String("client", clientText(m.client(j))), slog.String("sender", clean(m.env.Sender)),
		slog.Int("recipients", len(m.recipients)), slog.Int64("size", m.size),
		slog.String("outcome", o.String()), slog.String("rule", m.rule(j, o)),
	}
	if j.scored {
		attrs = append(attrs, slog.String("verdict", j.verdict.String()), slog.Float64("score", j.score.P))
	}
	attrs = append(attrs, m.extras(j)...)
	attrs = append(attrs, slog.Float64("duration", m.now().Sub(m.ended).Round(time.Microsecond).Seconds()))
	level := slog.LevelInfo
	if j.err != nil {
		level = slog.LevelWarn
	}
	m.Logger.LogAttrs(m.stopped, level, "message", attrs...)
	m.logDropped(j)
}

// extras are the attributes that most messages do not have.
func (m *message) extras(j *judgement) []slog.Attr {
	var attrs []slog.Attr
	if n := len(j.result.Held); n > 0 {
		attrs = append(attrs, slog.Int("held", n))
	}
	if n := len(j.result.Dropped); n > 0 {
		attrs = append(attrs, slog.Int("dropped", n))
	}
	if j.result.Lenient {
		attrs = append(attrs, slog.Bool("lenient", true))
	}
	if j.seenID != "" {
		attrs = append(attrs, slog.String("seen_as", j.seenID))
	}
	if m.rules.opts.Observe {
		attrs = append(attrs, slog.Bool("observe", true))
	}
	if m.forged.missed {
		attrs = append(attrs, slog.Bool("forged_left", true))
	}
	if list := j.list(); list != policy.Unlisted {
		attrs = append(attrs, slog.String("list", list.String()))
	}
	if j.err != nil {
		attrs = append(attrs, slog.String("err", clean(j.err.Error())))
	}
	if len(j.clues) > 0 {
		attrs = append(attrs, slog.String("clues", clueText(j.clues)))
	}
	return attrs
}

// logDropped names those for whom the message ends here while others get it.
func (m *message) logDropped(j *judgement) {
	if m.rules.opts.Observe {
		return
	}
	for _, d := range j.result.Dropped {
		m.Logger.Info("recipient dropped", "id", m.id, "queue_id", clean(m.facts.queueID),
			"recipient", clean(d.Recipient), "outcome", d.Outcome.String(), "rule", d.Rule)
	}
}

// record writes the history: a row for each part of the recipients that met a
// different outcome. Those whose mail is not filtered are counted only. The id that
// the log line names is always one of the rows'.
func (m *message) record(j *judgement) {
	r, o, named := &j.result, j.outcome(), false
	switch held, passed := len(r.Held) > 0, len(r.Deliver) > 0; {
	case held && passed:
		named = m.row(j, m.id, policy.Hold, r.Held)
		m.row(j, cmp.Or(j.passID, m.Spool.NewID()), o, r.Deliver)
	case passed:
		named = m.row(j, m.id, o, r.Deliver)
	case held:
		named = m.row(j, m.id, o, r.Held)
	default:
		named = m.row(j, m.id, o, m.addresses())
	}
	for _, d := range r.Dropped {
		id := m.id
		if named {
			id = m.Spool.NewID()
		}
		named = m.row(j, id, d.Outcome, []string{d.Recipient}) || named
	}
}

// row counts one outcome, and records it for those whose mail is filtered. It
// reports whether there were any.
func (m *message) row(j *judgement, id string, o policy.Outcome, recipients []string) bool {
	rule := m.rule(j, o)
	m.Recorder.Count(m.began.Format("2006-01-02"), o.String(), rule, 1)
	if recipients = m.filtered(recipients); len(recipients) == 0 {
		return false
	}
	rec := store.Record{
		ID: id, Time: m.began, QueueID: m.facts.queueID, Client: clientText(m.client(j)), Sender: m.env.Sender,
		Recipients: recipients, Size: m.size, MessageID: clean(m.messageID),
		Outcome: o.String(), Rule: rule, Scope: j.scope, Unscored: !j.scored,
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
	return true
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

// clientText writes a client as name [address].
func clientText(c classify.Client) string {
	if !c.Addr.IsValid() {
		return clean(c.Name)
	}
	if c.Name == "" {
		return "[" + c.Addr.String() + "]"
	}
	return clean(c.Name) + " [" + c.Addr.String() + "]"
}

func clueText(clues []classify.Clue) string {
	var b strings.Builder
	for i, c := range clues {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(clean(c.Text) + " " + strconv.FormatFloat(c.Prob, 'f', 2, 64))
	}
	return b.String()
}

const maxClean = 256

// clean makes hostile text fit for a log line: bounded, and what is not
// printable escaped as in a Go string.
func clean(s string) string {
	if len(s) > maxClean {
		s = s[:maxClean]
	}
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) < 0 {
		return s
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}
