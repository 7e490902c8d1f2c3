package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"fanmill/policy"
	"fanmill/policy/senders"
)

// Rule is an entry [[rule]]. Keys that are not set are nil, or "".
type Rule struct {
	Name          string   `toml:"name" doc:"What logs, history and fanmill rules call it: letters, digits and - _ . only. Without a name it is rule-1, rule-2 and so on by its place."`
	Recipients    []string `toml:"recipients" doc:"For mail to these. Entries as in policy.unfiltered."`
	Senders       []string `toml:"senders" doc:"For mail from these envelope senders; <> is the null sender."`
	From          []string `toml:"from" doc:"For mail with one of these addresses in its From field. A /RE2/ is compared with the text \"From: Name <address>\", decoded."`
	Clients       []string `toml:"clients" doc:"For mail from these clients: addresses, networks such as 192.0.2.0/24, host names, or .example.org for all hosts below it. Names are compared with the one the MTA has verified."`
	Authenticated *bool    `toml:"authenticated" doc:"For mail of clients that logged in (true), or did not (false)."`
	Headers       []string `toml:"headers" doc:"For mail with one of these fields: \"Name: glob\", compared with the whole value, or \"Name: /RE2/\", found in it. Values are decoded."`
	List          []string `toml:"list" doc:"For mail of these mailing lists: what stands between < and > in the List-Id field, a glob over it, or /RE2/."`

	Filter       *bool    `toml:"filter" doc:"false: passed unfiltered, neither scored nor recorded. true: filtered, although policy.unfiltered or a skip key would let it pass."`
	Welcome      *bool    `toml:"welcome" alias:"whitelist" doc:"true: such mail is ham, whatever its score. See policy.welcome_auth: a From field is easily forged."`
	Block        *bool    `toml:"block" alias:"blacklist" doc:"true: such mail is spam, whatever its score. What the envelope tells is refused at RCPT, for that recipient alone; what needs the header, at the end of the message."`
	BlockAt      string   `toml:"block_at" oneof:"rcpt|end" doc:"end: also what the envelope tells is blocked at the end of the message only, where it teaches the filter. Default: rcpt."`
	WelcomeFile  string   `toml:"welcome_file" alias:"whitelist_file" doc:"A plain text file of senders whose mail is welcome to those the rule is for; docs/rules.md tells how to write one."`
	BlockFile    string   `toml:"block_file" alias:"blacklist_file" doc:"A plain text file of senders whose mail is blocked for those the rule is for, at the end of the message. A relative path is below the data directory, here and in welcome_file."`
	HamCutoff    *float64 `toml:"ham_cutoff" min:"0" max:"1" doc:"In place of policy.ham_cutoff."`
	SpamCutoff   *float64 `toml:"spam_cutoff" min:"0" max:"1" doc:"In place of policy.spam_cutoff."`
	RejectCutoff *float64 `toml:"reject_cutoff" min:"0" max:"1" doc:"In place of policy.reject_cutoff."`
	Spam         string   `toml:"spam" oneof:"reject|hold|tag|discard|quarantine" doc:"In place of policy.spam."`
	Unsure       string   `toml:"unsure" oneof:"hold|delay|tag|quarantine" doc:"In place of policy.unsure."`
	Scope        *string  `toml:"scope" doc:"Whose training judges such mail, and learns from the rule: an address, mapped as section [scope] says, or \"\" for the site. Holds also where scope.enabled is false."`
	SubjectTag   *string  `toml:"subject_tag" doc:"In place of policy.subject_tag."`
	RejectText   *string  `toml:"reject_text" doc:"In place of policy.reject_text, where all recipients of a message that is refused have the same."`
	Learn        *bool    `toml:"learn" doc:"Whether welcome and block teach the filter, where its score said otherwise: as ham or spam of the recipient's scope, with source rule. Default: block does, welcome does not."`

	RejectAttachments []string `toml:"reject_attachments" doc:"In place of policy.reject_attachments; an empty list refuses no attachments."`
}

// ruleDoc is the text of the section.
const ruleDoc = "Rules, in their order: who is filtered, who is welcome or blocked, and what happens to whose mail. A rule is for mail that all of its keys recipients to list describe; of a list one entry is enough; without any of them it is for all mail. What a rule sets holds for each recipient that it is for. Of each setting the first rule that sets it decides; what no rule sets is as section [policy] says. `fanmill rules explain` tells which rule decides about a message."

// RuleSection returns the keys of [[rule]].
func RuleSection() Section {
	s := Section{Name: "rule", Doc: ruleDoc}
	t := reflect.TypeFor[Rule]()
	for i := range t.NumField() {
		k := newKey(s.Name, t.Field(i), []int{i})
		k.Live, k.Default = true, "not set"
		s.Keys = append(s.Keys, k)
	}
	return s
}

// rulePath is the path of a key of rule n, counted from 0.
func rulePath(n int, key string) string {
	if key == "" {
		return fmt.Sprintf("rule[%d]", n+1)
	}
	return fmt.Sprintf("rule[%d].%s", n+1, key)
}

// checkRules checks what the rules' tags say, and what no other package knows.
func (c *Config) checkRules() (ps Problems) {
	for n := range c.Rules {
		r := &c.Rules[n]
		root := reflect.ValueOf(r).Elem()
		bad := func(key, value, text, hint string) {
			p := Problem{Key: rulePath(n, key), Text: text, Hint: hint}
			if value != "" {
				p.Value = clip(tomlString(value))
			}
			ps = append(ps, p)
		}
		for _, k := range RuleSection().Keys {
			if v := root.FieldByIndex(k.index); !v.IsZero() {
				for _, p := range k.check(reflect.Indirect(v)) {
					p.Key = rulePath(n, k.Name)
					ps = append(ps, p)
				}
			}
		}
		if r.RejectText != nil && checkReply(*r.RejectText) != "" {
			bad("reject_text", *r.RejectText, checkReply(*r.RejectText), "write one line of 1 to 200 printable ASCII characters")
		}
		if r.SubjectTag != nil && checkTag(*r.SubjectTag) != "" {
			bad("subject_tag", *r.SubjectTag, checkTag(*r.SubjectTag), tagHint)
		}
		if isTrue(r.Welcome) && isTrue(r.Block) {
			bad("block", "true", "cannot be set beside welcome", "write two rules; the first that is for a message decides")
		}
		for key, set := range map[string]*bool{"welcome": r.Welcome, "block": r.Block} {
			if set != nil && !*set {
				bad(key, "", "is false, which says nothing", "leave the key out; an earlier rule with the other word makes an exception")
			}
		}
		if r.BlockAt != "" && !isTrue(r.Block) {
			bad("block_at", r.BlockAt, "has no block = true to go with", "leave it out: block_file always works at the end")
		}
		if r.Learn != nil && !isTrue(r.Welcome) && !isTrue(r.Block) && r.WelcomeFile == "" && r.BlockFile == "" {
			bad("learn", "", "has no welcome or block to learn from", "leave it out")
		}
	}
	return ps
}

func isTrue(b *bool) bool { return b != nil && *b }

// ListFiles returns the plain text lists that the rules name, each once.
func (c *Config) ListFiles() []string {
	files := map[string]bool{}
	for _, r := range c.Rules {
		for _, path := range []string{r.WelcomeFile, r.BlockFile} {
			if path != "" {
				files[path] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(files))
}

// PolicyRules returns the rules as package policy takes them, with the lists by path.
func (c *Config) PolicyRules(lists map[string]*senders.List) []policy.Rule {
	var rules []policy.Rule
	for _, r := range c.Rules {
		rule := policy.Rule{
			Name: r.Name, Recipients: r.Recipients, Senders: r.Senders, Clients: r.Clients, Authenticated: r.Authenticated,
			From: r.From, Headers: r.Headers, Lists: r.List,
			Filter: r.Filter, AtEnd: r.BlockAt == "end", WelcomeList: lists[r.WelcomeFile], BlockList: lists[r.BlockFile],
			HamCutoff: r.HamCutoff, SpamCutoff: r.SpamCutoff, RejectCutoff: r.RejectCutoff,
			Spam: outcomeOf(r.Spam), Unsure: outcomeOf(r.Unsure),
			Scope: r.Scope, SubjectTag: r.SubjectTag, RejectText: r.RejectText, Learn: r.Learn,
			RejectAttachments: r.RejectAttachments,
		}
		switch {
		case isTrue(r.Welcome):
			rule.Sender = policy.Welcome
		case isTrue(r.Block):
			rule.Sender = policy.Block
		}
		rules = append(rules, rule)
	}
	return rules
}

func outcomeOf(word string) *policy.Outcome {
	if word == "" {
		return nil
	}
	o := outcome(word)
	return &o
}
