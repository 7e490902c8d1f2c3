package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"fanmill/policy"
	"fanmill/policy/match"
	"fanmill/policy/scopes"
)

// Validate checks a configuration that was made by a program; Parse has
// checked what it returns. The error is Problems without file and line.
func (c *Config) Validate() error { return c.validate().err() }

func (c *Config) validate() Problems {
	var ps Problems
	for _, s := range Sections() {
		for _, k := range s.Keys {
			ps = append(ps, k.check(k.value(c))...)
		}
	}
	ps = append(ps, c.checkRules()...)
	tagged := ps // what these keys lack is said
	for _, p := range slices.Concat(c.checkMilter(), c.checkPolicy(), c.checkScope(), c.checkRest()) {
		if !tagged.about(p.Key) {
			ps = append(ps, p)
		}
	}
	if len(ps) == 0 {
		ps = c.checkClassify()
	}
	return ps
}

// check compares a value with the key's closed set or range.
func (k Key) check(v reflect.Value) Problems {
	if k.OneOf != nil {
		return k.checkWords(v)
	}
	if k.Max == "" {
		return nil
	}
	// Not below and not above also holds for what is not a number.
	if n := number(v); n >= k.bound(k.Min) && n <= k.bound(k.Max) {
		return nil
	}
	return Problems{{
		Key: k.Path(), Value: tomlValue(v), Text: "is out of range",
		Hint: fmt.Sprintf("write %s from %s to %s", article(k.Type), k.Min, k.Max),
	}}
}

func (k Key) checkWords(v reflect.Value) Problems {
	words, ok := v.Interface().([]string)
	if !ok {
		words = []string{v.String()}
	}
	var ps Problems
	for i, w := range words {
		switch {
		case !slices.Contains(k.OneOf, w):
			ps = append(ps, k.problem(w, "is not an allowed word", "write one of "+strings.Join(k.OneOf, ", ")))
		case slices.Contains(words[:i], w):
			ps = append(ps, k.problem(w, "stands there twice", "write it once"))
		}
	}
	return ps
}

func (k Key) problem(value, text, hint string) Problem {
	return Problem{Key: k.Path(), Value: clip(tomlString(value)), Text: text, Hint: hint}
}

func (c *Config) checkMilter() Problems {
	var ps Problems
	m := &c.Milter
	for i, spec := range m.Listen {
		key := Key{Section: "milter", Name: "listen"}
		if text, hint := checkListen(spec); text != "" {
			ps = append(ps, key.problem(spec, text, hint))
		} else if slices.Contains(m.Listen[:i], spec) {
			ps = append(ps, key.problem(spec, "stands there twice", "write it once"))
		}
	}
	if strings.ContainsFunc(m.SocketGroup, func(r rune) bool { return r <= ' ' || r == ':' || r == 0x7f }) {
		ps = append(ps, Key{Section: "milter", Name: "socket_group"}.problem(m.SocketGroup, "is not the name of a group", "write a name such as postfix, or nothing"))
	}
	if m.ProgressEvery >= m.MessageDeadline {
		ps = append(ps, Problem{
			Key: "milter.progress_every", Value: tomlString(m.ProgressEvery.String()),
			Text: fmt.Sprintf("is not below message_deadline, %v", m.MessageDeadline),
			Hint: "write a fraction of it, such as 5s of 60s",
		})
	}
	return ps
}

// checkPolicy lets package policy judge its section.
func (c *Config) checkPolicy() Problems {
	var ps Problems
	_, err := policy.Compile(c.PolicyOptions())
	for _, err := range unjoin(err) {
		p := Problem{Key: "policy", Text: err.Error()}
		if re := (*policy.RuleError)(nil); errors.As(err, &re) {
			p = Problem{Key: rulePath(re.Rule, re.Option), Text: clip(re.Err.Error()), Hint: clean(re.Hint)}
			if re.Entry != "" {
				p.Value = clip(tomlString(re.Entry))
			}
		} else if oe := (*match.OptionError)(nil); errors.As(err, &oe) {
			p = Problem{Key: "policy." + oe.Option, Text: clip(oe.Err.Error()), Hint: clean(oe.Hint)}
			if value, ok := c.policyValue(oe); ok {
				p.Value = clip(value)
			}
		}
		ps = append(ps, p)
	}
	if text := checkTag(c.Policy.SubjectTag); text != "" && c.Policy.SubjectTag != "" {
		ps = append(ps, Key{Section: "policy", Name: "subject_tag"}.problem(c.Policy.SubjectTag, text, tagHint))
	}
	if p := &c.Policy; p.DelayMin >= p.DelayMax {
		ps = append(ps, Problem{
			Key: "policy.delay_min", Value: tomlString(p.DelayMin.String()),
			Text: fmt.Sprintf("is not below delay_max, %v", p.DelayMax), Hint: "write a fraction of it, such as 5m of 2d",
		})
	}
	key := Key{Section: "policy", Name: "reject_text"}
	if text := checkReply(c.Policy.RejectText); text != "" {
		ps = append(ps, key.problem(c.Policy.RejectText, text, "write one line of 1 to 200 printable ASCII characters"))
	}
	return ps
}

// policyValue finds what a problem of package policy is about: the entry of a
// list, else the value of the key.
func (c *Config) policyValue(oe *match.OptionError) (string, bool) {
	for _, s := range Sections() {
		for _, k := range s.Keys {
			if k.Path() != "policy."+oe.Option {
				continue
			}
			if _, list := k.value(c).Interface().([]string); list {
				return tomlString(oe.Entry), true
			}
			return tomlValue(k.value(c)), true
		}
	}
	return "", false
}

// checkScope lets package scopes judge its section, but for the alias file.
func (c *Config) checkScope() Problems {
	var ps Problems
	_, err := scopes.Compile(c.ScopeOptions())
	for _, err := range unjoin(err) {
		if oe := (*match.OptionError)(nil); errors.As(err, &oe) {
			ps = append(ps, Problem{Key: "scope." + oe.Option, Value: clip(tomlString(oe.Entry)), Text: oe.Err.Error(), Hint: oe.Hint})
		}
	}
	return ps
}

func (c *Config) checkRest() Problems {
	var ps Problems
	if text, hint := checkTarget(c.Submit.To); text != "" {
		ps = append(ps, Key{Section: "submit", Name: "to"}.problem(c.Submit.To, text, hint))
	}
	if dir := c.Spool.Dir; !filepath.IsAbs(dir) || strings.ContainsRune(dir, 0) {
		ps = append(ps, Key{Section: "spool", Name: "dir"}.problem(dir, "is not the path of a directory", "write a path such as spool or /var/spool/fanmill"))
	}
	if a := &c.Autolearn; a.HamBelow >= a.SpamAbove {
		ps = append(ps, Problem{
			Key: "autolearn.ham_below", Value: tomlValue(reflect.ValueOf(a.HamBelow)),
			Text: fmt.Sprintf("is not below spam_above, %v", a.SpamAbove), Hint: "write a smaller number, such as 0.02",
		})
	}
	for _, id := range c.Classify.AuthservIDs {
		if id == "" || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r == ';' || r == 0x7f }) {
			key := Key{Section: "classify", Name: "authserv_ids"}
			ps = append(ps, key.problem(id, "is not an authserv-id", "write the first word of your MTA's Authentication-Results fields, such as mx.example.org"))
		}
	}
	return ps
}

// checkClassify lets package classify judge what the ranges did not catch.
func (c *Config) checkClassify() Problems {
	var ps Problems
	for _, err := range unjoin(c.ClassifyOptions().Validate()) {
		ps = append(ps, Problem{Key: "classify", Text: err.Error(), Hint: "see fanmill.toml(5), section classify"})
	}
	return ps
}

// unjoin returns the errors that errors.Join put together, one by one.
func unjoin(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var errs []error
		for _, e := range joined.Unwrap() {
			errs = append(errs, unjoin(e)...)
		}
		return errs
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// checkReply says what makes s unfit for an SMTP answer (RFC 5321 section
// 4.2: printable ASCII), or "".
func checkReply(s string) string {
	switch {
	case strings.TrimSpace(s) == "":
		return "is empty"
	case len(s) > 200:
		return "is longer than 200 characters"
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }):
		return "has characters that an SMTP answer cannot carry"
	}
	return ""
}

const tagHint = "write a short word such as \"[SPAM?]\", of printable ASCII characters, or nothing"

// checkTag says what makes s unfit to stand before a subject, or "".
func checkTag(s string) string {
	switch {
	case len(s) > 40:
		return "is longer than 40 characters"
	case s != strings.TrimSpace(s):
		return "begins or ends with a blank"
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }):
		return "has characters that a header field cannot carry as they are"
	}
	return ""
}
