package config

import (
	"fmt"
	"strings"
)

// regenerate is how the generated files are made anew.
const regenerate = "go test ./config -run TestGenerated -update"

// intro says of the file as a whole what no key can say.
var intro = []string{
	"The configuration is one TOML file of sections with keys. A key that is not set has its default, so an empty file is a working configuration. A key that is not known is an error: all errors are reported at once, each with its line, by \"fanmill config check\", at start, and at a reload. A reload with errors changes nothing.",
	"A running daemon reads the file again, and the lists that it names, within three seconds after an edit, without being told; SIGHUP and \"fanmill reload\" do not wait for that. Keys marked live take effect then, the others at a restart: \"fanmill status\" names those that wait for one. A program that writes such a file should write a new one and rename it over the old.",
	"A size is a whole number of bytes or a string with a unit, decimal (kB, MB, GB) or binary (KiB, MiB, GiB). A duration is a string such as \"250ms\", \"30s\", \"2h10m\" or \"5d\". A file mode is a string of octal digits. Regular expressions are written in single quotes, so that TOML leaves their backslashes alone.",
	"Paths that are not absolute are below the data directory (--data); the defaults here are those of " + DefaultDataDir + ".",
}

// Example returns the example file: every key with its text, its default
// commented out.
func Example() []byte {
	var b strings.Builder
	b.WriteString("# fanmill.toml: remove the # before a key to change it.\n")
	for _, p := range intro {
		b.WriteString("#\n")
		comment(&b, p)
	}
	for _, s := range Sections() {
		b.WriteString("\n\n")
		comment(&b, s.Doc)
		fmt.Fprintf(&b, "[%s]\n", s.Name)
		for _, k := range s.Keys {
			b.WriteByte('\n')
			comment(&b, k.Doc)
			if values := k.values(); values != "" {
				comment(&b, upper(values)+".")
			}
			comment(&b, "Takes effect: "+k.reload()+".")
			setting := k.Name + " = " + k.Default
			fmt.Fprintf(&b, "#%s\n", strings.ReplaceAll(setting, "\n", "\n#"))
		}
	}
	b.WriteString("\n\n")
	comment(&b, ruleDoc)
	b.WriteString("# The keys are in fanmill.toml(5); remove the # of all lines of an example.\n")
	for line := range strings.Lines(exampleRules) {
		b.WriteString(strings.TrimRight("#"+line, "\n") + "\n")
	}
	return []byte(b.String())
}

// exampleRules show what rules are for.
const exampleRules = `
[[rule]]
name = "people"
recipients = ["anna@example.org", "@board.example.org"]
filter = false

[[rule]]
name = "bert"
recipients = ["bert@example.org"]
welcome_file = "/etc/fanmill/bert.welcome"
block_file = "/etc/fanmill/bert.block"

[[rule]]
name = "lists"
list = ["*.lists.example.org"]
ham_cutoff = 0.05
reject_text = "Looks like spam; write to the list's owner and quote this id:"

[[rule]]
name = "bulk"
headers = ["X-Mailer: *bulk*", 'Subject: /\b(casino|lottery)\b/']
spam_cutoff = 0.7
spam = "hold"
`

// values tells the closed set or the range, or "".
func (k Key) values() string {
	switch {
	case k.OneOf != nil && strings.HasPrefix(k.Type, "list"):
		return "any of " + strings.Join(k.OneOf, ", ")
	case k.OneOf != nil:
		return "one of " + strings.Join(k.OneOf, ", ")
	case k.Max != "":
		return "from " + k.Min + " to " + k.Max
	}
	return ""
}

func (k Key) reload() string {
	if k.Live {
		return "live"
	}
	return "restart"
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// comment writes text as comment lines of at most 79 characters.
func comment(b *strings.Builder, text string) {
	for _, line := range wrap(text, 77) {
		b.WriteString("# " + line + "\n")
	}
}

func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// Markdown returns docs/configuration.md.
func Markdown() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "<!-- Generated from package config: %s -->\n\n# Configuration\n", regenerate)
	for _, p := range intro {
		fmt.Fprintf(&b, "\n%s\n", markdown(p))
	}
	for _, s := range Sections() {
		fmt.Fprintf(&b, "\n## [%s]\n\n%s\n", s.Name, markdown(s.Doc))
		for _, k := range s.Keys {
			fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n", k.Path(), markdown(k.Doc))
			fmt.Fprintf(&b, "- type: %s", k.Type)
			if values := k.values(); values != "" {
				fmt.Fprintf(&b, ", %s", values)
			}
			fmt.Fprintf(&b, "\n- default: `%s`\n- takes effect: %s\n", k.Default, k.reload())
		}
	}
	fmt.Fprintf(&b, "\n## [[rule]]\n\n%s\n\n```toml%s```\n", markdown(ruleDoc), exampleRules)
	for _, k := range RuleSection().Keys {
		fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n- type: %s", k.Path(), markdown(k.Doc), k.Type)
		if values := k.values(); values != "" {
			fmt.Fprintf(&b, ", %s", values)
		}
		fmt.Fprintf(&b, "\n- takes effect: %s\n", k.reload())
	}
	return []byte(b.String())
}

// markdown keeps characters from being taken for markup.
func markdown(s string) string {
	return strings.NewReplacer("*", `\*`, "<", `\<`, "[", `\[`).Replace(s)
}

// Man returns fanmill.toml(5) in the macros of man(7).
func Man() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, ".\\\" Generated from package config: %s\n", regenerate)
	b.WriteString(".TH FANMILL.TOML 5 \"\" fanmill \"File formats\"\n")
	b.WriteString(".SH NAME\nfanmill.toml \\- configuration of fanmill\n.SH DESCRIPTION\n")
	for _, p := range intro {
		fmt.Fprintf(&b, ".PP\n%s\n", roff(p))
	}
	for _, s := range Sections() {
		fmt.Fprintf(&b, ".SH \"SECTION [%s]\"\n%s\n", s.Name, roff(s.Doc))
		for _, k := range s.Keys {
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR = %s\n%s\n", roff(k.Name), roff(k.Default), roff(k.Doc))
			fmt.Fprintf(&b, ".br\n%s", upper(k.Type))
			if values := k.values(); values != "" {
				fmt.Fprintf(&b, ", %s", roff(values))
			}
			fmt.Fprintf(&b, "; %s.\n", k.reload())
		}
	}
	fmt.Fprintf(&b, ".SH \"RULES [[rule]]\"\n%s\n", roff(ruleDoc))
	for _, k := range RuleSection().Keys {
		fmt.Fprintf(&b, ".TP\n\\fB%s\\fR\n%s\n.br\n%s", roff(k.Name), roff(k.Doc), upper(k.Type))
		if values := k.values(); values != "" {
			fmt.Fprintf(&b, ", %s", roff(values))
		}
		fmt.Fprintf(&b, "; %s.\n", k.reload())
	}
	fmt.Fprintf(&b, ".SH EXAMPLE\n.nf\n%s.fi\n", strings.ReplaceAll(exampleRules, `\`, `\e`))
	b.WriteString(".SH SEE ALSO\n.BR fanmill (1)\n")
	return []byte(b.String())
}

// roff escapes a paragraph: no line of it is taken for a request, and hyphens
// can be copied as what they are.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "\n", " ").Replace(s)
	lines := wrap(s, 78)
	for i, line := range lines {
		if strings.HasPrefix(line, ".") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
