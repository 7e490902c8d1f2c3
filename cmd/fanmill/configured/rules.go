package configured

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/mail"
	"net/netip"
	"os"
	"slices"
	"strings"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/settings"
	"fanmill/config"
	"fanmill/policy"
	"fanmill/training/corpus"
)

// RulesCheck tells which rules there are, and what is wrong with their lists.
type RulesCheck struct{ json bool }

// Flags is cli.Runner.
func (c *RulesCheck) Flags(fs *flag.FlagSet) {
	fs.BoolVar(&c.json, "json", false, "print JSON")
}

// ruleAnswer is what rules check tells of a rule.
type ruleAnswer struct {
	Name    string         `json:"name"`
	Entries map[string]int `json:"entries,omitempty"` // in force, by list file
}

// Run prints a line for each rule, and each line of a list that is passed over.
func (c *RulesCheck) Run(_ context.Context, e *cli.Env) error {
	set, err := settings.Of(e)
	if err != nil {
		return err
	}
	rules := make([]ruleAnswer, 0, len(set.File.Rules))
	for i, name := range set.Rules.RuleNames() {
		a := ruleAnswer{Name: name, Entries: map[string]int{}}
		for _, path := range []string{set.File.Rules[i].WelcomeFile, set.File.Rules[i].BlockFile} {
			if path != "" {
				a.Entries[path] = set.Lists[path].Len()
			}
		}
		rules = append(rules, a)
	}
	if text := set.Unverified(); text != "" {
		fmt.Fprintf(e.Stderr, "fanmill: note: %s\n", text)
	}
	if c.json {
		err = cli.PrintJSON(e.Stdout, struct {
			Rules    []ruleAnswer    `json:"rules"`
			Warnings config.Problems `json:"warnings"`
		}{rules, append(config.Problems{}, set.Warnings...)})
	} else {
		err = c.print(e, set, rules)
	}
	if err == nil && len(set.Warnings) > 0 {
		err = cli.WithCode(cli.ExitData, fmt.Errorf("%s of lists passed over", cli.Plural(len(set.Warnings), "line", "lines")))
	}
	return err
}

func (c *RulesCheck) print(e *cli.Env, set *settings.Settings, rules []ruleAnswer) error {
	var b strings.Builder
	for _, r := range rules {
		b.WriteString(cli.Safe(r.Name))
		for _, path := range slices.Backward(slices.Sorted(maps.Keys(r.Entries))) { // welcome before block, as they are usually called
			fmt.Fprintf(&b, ", %s in %s", cli.Plural(r.Entries[path], "entry", "entries"), cli.Safe(path))
		}
		b.WriteByte('\n')
	}
	if len(rules) == 0 {
		b.WriteString("there are no rules: section [policy] decides about all mail\n")
	}
	_, err := io.WriteString(e.Stdout, b.String())
	if len(set.Warnings) > 0 {
		cli.Complain(e.Stderr, set.Warnings)
	}
	return cli.WriteError(err)
}

// RulesExplain tells which rules decide about a message, and why.
type RulesExplain struct {
	json, local       bool
	from, client, log string
	to                cli.Repeated
}

// Flags is cli.Runner.
func (c *RulesExplain) Flags(fs *flag.FlagSet) {
	fs.StringVar(&c.from, "from", "", "the envelope `SENDER`; without a MESSAGE also its From field; left out: the null sender")
	fs.Var(&c.to, "to", "a `RECIPIENT`; may be given several times")
	fs.StringVar(&c.client, "client", "", "the `CLIENT`: an address, a verified host name, or NAME[ADDRESS]")
	fs.StringVar(&c.log, "login", "", "the client logged in as `NAME`")
	fs.BoolVar(&c.local, "local", false, "the message is submitted on this host")
	fs.BoolVar(&c.json, "json", false, "print a JSON object for each recipient")
}

// explainedRecipient is what rules explain tells of a recipient.
type explainedRecipient struct {
	Recipient    string          `json:"recipient"`
	Filtered     bool            `json:"filtered"`
	Rule         string          `json:"rule"`
	List         string          `json:"list,omitempty"`
	Outcome      string          `json:"outcome,omitempty"`  // of a listed sender's mail
	Unproven     bool            `json:"unproven,omitempty"` // it would be welcome, had its domain been verified
	RefusedRCPT  bool            `json:"refused_at_rcpt,omitempty"`
	Observed     bool            `json:"observe,omitempty"` // policy.observe: nothing of this has an effect
	Scope        string          `json:"scope"`
	Spam         string          `json:"spam"`
	Unsure       string          `json:"unsure"`
	HamCutoff    float64         `json:"ham_cutoff"`
	SpamCutoff   float64         `json:"spam_cutoff"`
	RejectCutoff float64         `json:"reject_cutoff"`
	Reasons      []policy.Reason `json:"reasons"`
}

// Run explains each recipient.
func (c *RulesExplain) Run(_ context.Context, e *cli.Env) error {
	if len(c.to) == 0 {
		return cli.Hint(cli.UsageErrorf("--to is missing"), "rules are for recipients: name at least one")
	}
	set, err := settings.Of(e)
	if err != nil {
		return err
	}
	env := &policy.Envelope{Sender: plainSender(c.from), Authenticated: c.log, Local: c.local}
	if env.Client, err = parseClient(c.client); err != nil {
		return err
	}
	content, err := c.content(e, set.Rules)
	if err != nil {
		return err
	}
	for _, to := range c.to {
		x := explainRecipient(set, env, content, to)
		if c.json {
			err = cli.PrintJSON(e.Stdout, x)
		} else {
			_, err = io.WriteString(e.Stdout, x.text())
		}
		if err != nil {
			return cli.WriteError(err)
		}
	}
	return nil
}

func explainRecipient(set *settings.Settings, env *policy.Envelope, content *policy.Content, to string) explainedRecipient {
	early := set.Rules.Recipient(env, to)
	r, reasons := set.Rules.Reasons(env, content, to)
	for i, reason := range reasons {
		if reason.Line == 0 {
			continue
		}
		for n, name := range set.Rules.RuleNames() {
			if name != reason.Rule {
				continue
			}
			if reasons[i].File = set.File.Rules[n].BlockFile; r.Sender == policy.Welcome {
				reasons[i].File = set.File.Rules[n].WelcomeFile
			}
		}
	}
	x := explainedRecipient{
		Observed: set.Policy.Observe, Unproven: r.Unproven && r.Sender == policy.Unlisted,
		Recipient: to, Filtered: r.Filtered, Rule: r.Rule, List: r.Sender.String(), RefusedRCPT: early.Refused, Scope: r.Scope,
		Spam: r.Spam.String(), Unsure: r.Unsure.String(), Reasons: append([]policy.Reason{}, reasons...),
		HamCutoff: r.Cutoffs.Ham, SpamCutoff: r.Cutoffs.Spam, RejectCutoff: r.Cutoffs.Reject,
	}
	if early.Refused {
		x.Rule = early.Rule
	}
	if r.Filtered && r.Sender != policy.Unlisted {
		x.Outcome = set.Rules.Would(r, policy.Scored{Score: 1, Trained: true, Relayed: set.Rules.Relayed(env)}).Outcome.String()
	}
	return x
}

func (x *explainedRecipient) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", cli.Safe(x.Recipient))
	switch {
	case x.RefusedRCPT:
		fmt.Fprintf(&b, "refused at RCPT (%s)\n", cli.Safe(x.Rule))
	case !x.Filtered:
		fmt.Fprintf(&b, "passed unfiltered (%s)\n", cli.Safe(x.Rule))
	case x.List == "welcome":
		fmt.Fprintf(&b, "ham, since the sender is welcome (%s)\n", cli.Safe(x.Rule))
	case x.List == "block":
		fmt.Fprintf(&b, "spam, since the sender is blocked (%s): %s\n", cli.Safe(x.Rule), x.Outcome)
	default:
		fmt.Fprintf(&b, "judged by its score (%s): unsure from %v on: %s, spam from %v on: %s", cli.Safe(x.Rule), x.HamCutoff, x.Unsure, x.SpamCutoff, x.Spam)
		if x.Spam == policy.Reject.String() {
			fmt.Fprintf(&b, " from %v on, else hold", x.RejectCutoff)
		}
		if x.Scope != "" {
			fmt.Fprintf(&b, ", in the scope %s", cli.Safe(x.Scope))
		}
		b.WriteByte('\n')
	}
	if x.Unproven {
		b.WriteString("  the sender is on a list of welcome ones, but no host that is believed has verified the domain\n")
	}
	if x.Observed {
		b.WriteString("  policy.observe is set: all of this is only logged\n")
	}
	for _, r := range x.Reasons {
		fmt.Fprintf(&b, "  %s = %s, by rule %s", r.Setting, cli.Safe(r.Value), cli.Safe(r.Rule))
		if r.Line > 0 {
			fmt.Fprintf(&b, ", line %d of %s", r.Line, cli.Safe(r.File))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// parseClient reads what --client names.
func parseClient(s string) (c classify.Client, err error) {
	name, rest, bracket := strings.Cut(s, "[")
	if !bracket {
		if a, err := netip.ParseAddr(s); err == nil {
			c.Addr = a.Unmap()
			return c, nil
		}
		c.Name = s
		return c, nil
	}
	c.Name = strings.TrimSpace(name)
	if c.Addr, err = netip.ParseAddr(strings.TrimSuffix(strings.TrimSpace(rest), "]")); err != nil {
		return c, cli.Hint(cli.UsageErrorf("--client: %v", err), "write an address, a host name, or mail.example.org[192.0.2.1]")
	}
	c.Addr = c.Addr.Unmap()
	return c, nil
}

// content is what rules see of the MESSAGE.
func (c *RulesExplain) content(e *cli.Env, rules *policy.Policy) (*policy.Content, error) {
	content := rules.NewContent()
	if len(e.Args) == 0 {
		content.Field([]byte("From"), []byte(c.from))
		return content, nil
	}
	raw, err := readMessage(e, e.Args[0])
	if err != nil {
		return nil, err
	}
	var head corpus.Head
	head.Read(raw)
	for _, f := range head.Fields {
		content.Field(f.Name, f.Value)
	}
	return content, nil
}

// plainSender is the address of what --from names, which may have a name beside it.
func plainSender(from string) string {
	if a, err := mail.ParseAddress(from); err == nil {
		return a.Address
	}
	return strings.Trim(from, "<>")
}

// maxHeaderRead bounds what is read of a message to explain.
const maxHeaderRead = 1 << 20

// readMessage reads the beginning of a single message, "-" for standard input.
func readMessage(e *cli.Env, path string) ([]byte, error) {
	in := e.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, cli.WithCode(cli.ExitNoInput, err)
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxHeaderRead))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, cli.WithCode(cli.ExitData, errors.New("there is no message in "+path))
	}
	return raw, nil
}
