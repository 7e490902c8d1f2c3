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
	"fanmill/store/history"
)

// finish writes the log line and the history of a message, offers it to the learner and
// returns a.
func (m *message) finish(j *judgement, a answer) answer {
	at := m.now() // one time for both, so that log and counters agree on the day
	parts := m.parts(j)
	m.log(j, parts, at)
	m.record(j, parts, at)
	m.learn(j)
	m.teach(j)
	return a
}

// refuse answers a recipient for whom the sender is blocked.
func (m *message) refuse(r *policy.Recipient) refusal {
	at := m.now()
	fate := policy.Fate{Outcome: policy.Reject, Rule: r.Rule, List: r.Sender}
	m.line(at, slog.LevelInfo, "recipient refused",
		slog.String("id", m.id), slog.String("queue_id", clean(m.facts.queueID)), slog.String("client", clientText(m.env.Client)),
		slog.String("sender", clean(m.env.Sender)), slog.String("recipient", clean(r.Address)),
		slog.String("outcome", fate.Outcome.String()), slog.String("rule", fate.Rule), slog.String("list", fate.List.String()))
	m.Recorder.Count(history.Day(at), fate.Outcome.String(), fate.Rule, 1)
	m.Recorder.Tally(history.Day(at), fate.Column().String())
	text := cmp.Or(r.RejectText, m.rules.RejectText)
	return refusal(textReject + text + " " + m.id)
}

// teach lets the filter learn what rules say of the sender, for the scopes whose score
// said otherwise.
func (m *message) teach(j *judgement) {
	if m.Teacher == nil || !j.scored || m.rules.opts.Observe || j.comesAgain() {
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

// learn lets the learner see a message that came from outside and was judged by the
// site's training. One that passed for the bypass word was sent by somebody who knows it, and one that
// was refused for an attachment may be anything: neither is learned by its score.
func (m *message) learn(j *judgement) {
	site, scored := j.bySite()
	if m.Learner == nil || !scored || !j.scored || m.rules.opts.Observe || j.comesAgain() || !m.rules.Policy.Outside(&m.env) {
		return
	}
	if slices.ContainsFunc(j.decisions, func(d policy.Decision) bool {
		return d.Sender != policy.Unlisted || d.Rule == policy.RuleBypass || d.Rule == policy.RuleAttachment
	}) {
		return
	}
	m.Learner.Learn(j.msg, site)
}

// bySite returns the site's opinion of a message, if there is one. What is thought in a
// user's scope is the site's where no labels of his own have a say: he has none.
func (j *judgement) bySite() (s classify.Score, ok bool) {
	for _, s := range j.opinions {
		if s.Own == 0 {
			return s, true
		}
	}
	return s, false
}

// comesAgain reports whether the message is sent again: there is time to learn it then.
func (j *judgement) comesAgain() bool {
	o := j.outcome()
	return o == policy.Fail || o == policy.Delay
}

// knows reports whether a score says already what a rule says.
func knows(r *policy.Recipient, score float64, spam bool) bool {
	v := r.Cutoffs.Verdict(score)
	return spam && v == classify.Spam || !spam && v == classify.Ham
}

// The rules that stand in the history for what no policy rule decided.
const (
	ruleObserve = "observe"
	ruleError   = "error"
)

// RuleFailed stands in the history for a message that failed twice and was let
// through unscored.
const RuleFailed = "failed-twice"

// rule names what decided for those of the recipients with outcome o.
func (m *message) rule(j *judgement, o policy.Outcome, recipients []string) string {
	switch {
	case j.again == spool.Releasing:
		return policy.RuleRelease
	case j.again != spool.Unknown:
		return policy.RuleAgain
	case j.often:
		return RuleFailed
	case m.rules.opts.Observe && m.read:
		return ruleObserve
	}
	rule := ""
	for _, d := range j.decisions {
		if becomes(d.Outcome, o) && (rule == "" || d.Filtered) && slices.Contains(recipients, d.Recipient) {
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

// becomes reports whether a decision may have been carried out as outcome o: where
// recipients fare differently, a delay and the MTA's quarantine are a hold.
func becomes(decided, o policy.Outcome) bool {
	return decided == o || o == policy.Hold && (decided == policy.Delay || decided == policy.Quarantine)
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

// log writes the message's line. Package maillog reads it: clues and duration, which
// it does not need, come last.
func (m *message) log(j *judgement, parts []part, at time.Time) {
	main := &parts[0]
	attrs := []slog.Attr{
		slog.String("id", m.id), slog.String("queue_id", clean(m.facts.queueID)),
		slog.String("client", clientText(m.client(j))), slog.String("sender", clean(m.env.Sender)),
		slog.Int("recipients", len(m.recipients)), slog.Int64("size", m.size),
		slog.String("outcome", main.Outcome.String()), slog.String("rule", main.Rule),
	}
	attrs = append(attrs, fateAttrs(parts)...)
	if j.scored {
		attrs = append(attrs, slog.String("verdict", j.verdict.String()), slog.Float64("score", j.score.P))
	}
	attrs = append(attrs, m.extras(j)...)
	attrs = append(attrs, slog.Float64("duration", at.Sub(m.ended).Round(time.Microsecond).Seconds()))
	level := slog.LevelInfo
	if j.err != nil {
		level = slog.LevelWarn
	}
	m.line(at, level, "message", attrs...)
	m.logDropped(j)
}

// line writes a log line of the time at.
func (m *message) line(at time.Time, level slog.Level, msg string, attrs ...slog.Attr) {
	h := m.Logger.Handler()
	if !h.Enabled(m.stopped, level) {
		return
	}
	r := slog.NewRecord(at, level, msg, 0)
	r.AddAttrs(attrs...)
	_ = h.Handle(m.stopped, r) // nobody could be told
}

// fateAttrs say, beside outcome and rule, where the message is counted.
func fateAttrs(parts []part) []slog.Attr {
	var attrs []slog.Attr
	main := &parts[0]
	if main.List != policy.Unlisted {
		attrs = append(attrs, slog.String("list", main.List.String()))
	}
	if main.Unfiltered {
		attrs = append(attrs, slog.Bool("unfiltered", true))
	}
	if main.Unscored {
		attrs = append(attrs, slog.Bool("unscored", true))
	}
	if also := columns(parts)[1:]; len(also) > 0 {
		attrs = append(attrs, slog.String("also", strings.Join(also, " ")))
	}
	return attrs
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
	if j.result.Outcome == policy.Quarantine {
		attrs = append(attrs, slog.String("reason", m.quarantineReason(j)))
	}
	if j.result.Lenient {
		attrs = append(attrs, slog.Bool("lenient", true))
	}
	if j.seenID != "" {
		attrs = append(attrs, slog.String("seen_as", j.seenID))
	}
	if ago := j.tries.longest(); ago > 0 {
		attrs = append(attrs, slog.Float64("first_seen", ago.Round(time.Second).Seconds()))
	}
	if m.rules.opts.Observe {
		attrs = append(attrs, slog.Bool("observe", true))
	}
	if m.forged.missed {
		attrs = append(attrs, slog.Bool("forged_left", true))
	}
	if i := slices.IndexFunc(j.decisions, func(d policy.Decision) bool { return d.Attachment != "" }); i >= 0 {
		attrs = append(attrs, slog.String("attachment", clean(j.decisions[i].Attachment)))
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
