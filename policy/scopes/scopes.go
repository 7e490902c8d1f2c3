// Package scopes maps addresses to scopes: whose training judges the mail of a recipient,
// and is taught by it. An alias file says which addresses are the same person's.
package scopes

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"fanmill/policy/address"
	"fanmill/policy/match"
)

// Options say how an address names the scope whose training its mail is
// judged by. Their names in match.OptionError are the keys of the configuration
// file's section [scope].
type Options struct {
	Enabled     bool   // mail is judged by its recipients' scopes; else all of it by the site's
	Separator   string // any of these characters begins the detail of a local part; "": none does
	LocalDomain string // of login names, which have none
	Aliases     []Alias
}

// Alias is one line of an alias file: an address, a login name or @domain, and the
// address or login name it stands for. A target of "<>" is the site.
type Alias struct {
	Line       int
	Key, Value string
}

// Map maps addresses to scopes. It is immutable and safe for concurrent use; nil
// maps as Options{Separator: "+"} does.
type Map struct {
	opts    Options
	aliases map[string]string // by scope, or @domain; what an alias leads to is followed already
}

// maxName bounds the name of a scope in bytes, as the ledger does.
const maxName = 255

// siteTarget is the alias target that means the site.
const siteTarget = "<>"

// Compile checks and compiles o. The error joins one *OptionError for each
// problem.
func Compile(o Options) (*Map, error) {
	s := &Map{opts: o, aliases: make(map[string]string, len(o.Aliases))}
	errs := s.checkOptions()
	lines := map[string]int{}
	for _, a := range o.Aliases {
		key, value, err := s.compileAlias(a)
		if first := lines[key]; err == nil && first > 0 {
			err = fmt.Errorf("is an alias already, in line %d", first)
		}
		if err != nil {
			errs = append(errs, aliasError(a, err))
			continue
		}
		lines[key], s.aliases[key] = a.Line, value
	}
	for _, a := range o.Aliases {
		if err := s.followAlias(a); err != nil {
			errs = append(errs, aliasError(a, err))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return s, nil
}

func (s *Map) checkOptions() (errs []error) {
	if strings.ContainsFunc(s.opts.Separator, func(r rune) bool { return r <= ' ' || r > '~' || r == '@' || r == '"' || r == '\\' }) {
		errs = append(errs, &match.OptionError{
			Option: "separator", Entry: s.opts.Separator,
			Err: errors.New("has a character that cannot begin a detail"), Hint: `write the MTA's recipient_delimiter, such as "+", or nothing`,
		})
	}
	if d := s.opts.LocalDomain; d != "" && written("user", d) != "user@"+d {
		errs = append(errs, &match.OptionError{
			Option: "local_domain", Entry: d,
			Err: errors.New("is not a domain in lower case"), Hint: "write a domain such as example.org, or nothing",
		})
	}
	return errs
}

func aliasError(a Alias, err error) error {
	return &match.OptionError{
		Option: "aliases", Entry: a.Key, Err: fmt.Errorf("in line %d %w", a.Line, err),
		Hint: "write one alias a line, such as `sales@example.org anna@example.org`",
	}
}

func (s *Map) compileAlias(a Alias) (key, value string, err error) {
	if domain, ok := strings.CutPrefix(a.Key, "@"); ok {
		key = "@" + address.Domain(domain)
		if written("user", key[1:]) == "" || key == "@" {
			return "", "", errors.New("is not a domain")
		}
	} else {
		whole := address.Parse(a.Key)
		if key = s.name(whole); key == "" {
			return "", "", errors.New("is not an address")
		}
		if s.cut(whole.Local) != whole.Local {
			return "", "", errors.New("has a detail, which is cut off before aliases are looked up")
		}
	}
	if a.Value == siteTarget {
		return key, "", nil
	}
	if value = s.name(address.Parse(a.Value)); value == "" {
		return "", "", errors.New("does not stand for an address")
	}
	return key, value, nil
}

// followAlias lets an alias lead to where its target leads.
func (s *Map) followAlias(a Alias) error {
	key, _, err := s.compileAlias(a)
	if err != nil {
		return nil // told already
	}
	end := s.aliases[key]
	for range len(s.aliases) + 1 {
		next, ok := s.alias(end)
		if !ok || next == end { // what stands for itself is an exception from its @domain
			s.aliases[key] = end
			return nil
		}
		end = next
	}
	return errors.New("leads back to itself")
}

// alias looks a scope up among the aliases, then its domain.
func (s *Map) alias(name string) (target string, ok bool) {
	if target, ok = s.aliases[name]; ok || name == "" {
		return target, ok
	}
	if i := strings.LastIndexByte(name, '@'); i >= 0 {
		target, ok = s.aliases[name[i:]]
	}
	return target, ok
}

// Of returns the scope that an address or login name maps to: in lower case,
// without detail, with the local domain if it has none, and by the aliases. What
// can be no scope (the null sender, what is no address, is too long or cannot be
// printed) is the site, "". Of(Of(x)) is Of(x).
func (s *Map) Of(addr string) string {
	if s == nil {
		s = &Map{opts: Options{Separator: "+"}}
	}
	name := s.name(address.Parse(addr))
	if target, ok := s.alias(name); ok {
		return target
	}
	return name
}

// OfMail is Of for a recipient: the site's scope where scopes are not enabled.
func (s *Map) OfMail(recipient string) string {
	if s == nil || !s.opts.Enabled {
		return ""
	}
	return s.Of(recipient)
}

// Enabled tells whether mail is judged by its recipients' scopes.
func (s *Map) Enabled() bool { return s != nil && s.opts.Enabled }

// Step is one step of the way from an address to its scope.
type Step struct {
	Name   string `json:"name"` // after the step; "" is the site
	Reason string `json:"reason"`
}

// Steps tells how Of comes to its answer; steps that change nothing are left out.
func (s *Map) Steps(addr string) (steps []Step) {
	a := address.Parse(addr)
	last := addr
	step := func(name, reason string) {
		if name != last {
			steps = append(steps, Step{name, reason})
			last = name
		}
	}
	if s.name(a) == "" {
		step("", "it is no address that can name a scope: the site")
		return steps
	}
	step(address.Join(a.Local, a.Domain), "in lower case, without brackets and needless quotes")
	a.Local = s.cut(a.Local)
	step(address.Join(a.Local, a.Domain), "without the detail")
	step(s.name(a), "local_domain, since it is a login name")
	if target, ok := s.alias(last); ok {
		step(target, "by the alias file")
	}
	return steps
}

// name is the scope of an address before aliases.
func (s *Map) name(a address.Address) string {
	a.Local = s.cut(a.Local)
	if a.Domain == "" {
		a.Domain = s.opts.LocalDomain
	}
	return written(a.Local, a.Domain)
}

// cut returns user for user+detail. What begins with the separator has no detail:
// nothing would be left.
func (s *Map) cut(local string) string {
	if i := strings.IndexAny(local, s.opts.Separator); i > 0 {
		return local[:i]
	}
	return local
}

// written writes an address as a scope's name, "" where that cannot be: what is
// not read again as the same address is none.
func written(local, domain string) string {
	name := address.Join(local, domain)
	if local == "" || strings.ContainsAny(domain, ` "\<>(),;`) || len(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, unprintable) {
		return ""
	}
	if again := address.Parse(name); again.Local != local || again.Domain != domain {
		return ""
	}
	return name
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }

// ParseAliases reads an alias file as Postfix writes them: one "key: value" or
// "key value" a line; # begins a comment, and a line that begins with a blank goes on
// the one before. Keys that stand for several addresses, a file or a command are left
// out: such an address is a scope of its own.
func ParseAliases(text string) (list []Alias, err error) {
	var errs []error
	for _, l := range logicalLines(text) {
		key, value := cutAlias(l.text)
		switch {
		case key == "" || value == "":
			errs = append(errs, aliasError(Alias{Line: l.number, Key: l.text}, errors.New("lacks an address")))
		case !strings.ContainsAny(value, ",|/ \t") && !strings.HasPrefix(value, ":include:"):
			list = append(list, Alias{Line: l.number, Key: key, Value: value})
		}
	}
	return list, errors.Join(errs...)
}

// aliasLine is a line with those that go on it.
type aliasLine struct {
	number int
	text   string
}

func logicalLines(text string) (lines []aliasLine) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		body := strings.TrimSpace(line)
		switch {
		case body == "" || body[0] == '#':
		case (line[0] == ' ' || line[0] == '\t') && len(lines) > 0:
			lines[len(lines)-1].text += " " + body
		default:
			lines = append(lines, aliasLine{n, body})
		}
	}
	return lines
}

// cutAlias parts key and value, at the first blank or colon outside quotes.
func cutAlias(line string) (key, value string) {
	_, rest, quoted := address.CutQuoted(line)
	begin := 0
	if quoted {
		begin = len(line) - len(rest)
	}
	i := strings.IndexAny(line[begin:], ": \t")
	if i < 0 {
		return line, ""
	}
	key, value = line[:begin+i], strings.TrimSpace(line[begin+i:])
	return key, strings.TrimSpace(strings.TrimPrefix(value, ":"))
}
