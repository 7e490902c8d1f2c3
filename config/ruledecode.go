package config

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"strings"

	"github.com/BurntSushi/toml"
)

// decodeRules reads the entries [[rule]].
func (d *document) decodeRules(c *Config) {
	section, ok := d.sections["rule"]
	if !ok {
		return
	}
	var tables []map[string]toml.Primitive
	if !d.isRules(section) || d.meta.PrimitiveDecode(section, &tables) != nil {
		d.add(Problem{Line: d.line(section), Key: "rule", Text: "is not a list of rules", Hint: "write [[rule]], in two brackets, on a line of its own above the keys of each rule"})
		return
	}
	lines := findRules(d.data)
	for n, table := range tables {
		var r Rule
		var at ruleLines
		if n < len(lines) {
			at = lines[n]
		}
		d.ruleLines = append(d.ruleLines, at)
		d.decodeRule(n, &r, table)
		c.Rules = append(c.Rules, r)
	}
}

// ruleField finds the field of a rule by its key.
func ruleField(key string) (reflect.StructField, bool) {
	t := reflect.TypeFor[Rule]()
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("toml") == key {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// isRules tells a list of tables from everything else, of which the decoder makes tables
// without keys.
func (d *document) isRules(section toml.Primitive) bool {
	var v any
	if d.meta.PrimitiveDecode(section, &v) != nil {
		return false
	}
	switch list := v.(type) {
	case []map[string]any:
		return true
	case []any:
		for _, item := range list {
			if _, ok := item.(map[string]any); !ok {
				return false
			}
		}
		return true
	}
	return false
}

func (d *document) decodeRule(n int, r *Rule, table map[string]toml.Primitive) {
	known := map[string]bool{}
	root := reflect.ValueOf(r).Elem()
	for _, k := range RuleSection().Keys {
		alias := cmp.Or(reflect.TypeFor[Rule]().FieldByIndex(k.index).Tag.Get("alias"), k.Name)
		prim, ok := table[k.Name]
		other, twice := table[alias]
		switch known[k.Name], known[alias] = true, true; {
		case ok && twice && alias != k.Name:
			d.addRule(n, alias, Problem{Text: "stands there twice: it is another word for " + k.Name, Hint: "write it once"})
		case twice:
			prim = other
		case !ok:
			continue
		}
		k.Section = rulePath(n, "")
		p, bad := d.value(k, prim, root.FieldByIndex(k.index))
		if bad {
			d.addRule(n, k.Name, p)
		}
	}
	for key := range table {
		if !known[key] {
			d.addRule(n, cmp.Or(printable(key), `""`), Problem{Text: "is not known", Hint: hintRuleKey(key)})
		}
	}
}

func (d *document) addRule(n int, key string, p Problem) {
	p.Key, p.Line = rulePath(n, key), d.ruleLine(n, key)
	d.add(p)
}

func (d *document) ruleLine(n int, key string) int {
	if n >= len(d.ruleLines) {
		return 0
	}
	at := d.ruleLines[n]
	alias := ""
	if f, ok := ruleField(key); ok {
		alias = f.Tag.Get("alias")
	}
	return cmp.Or(at.keys[key], at.keys[alias], at.line)
}

func hintRuleKey(name string) string {
	var own []string
	for _, k := range RuleSection().Keys {
		own = append(own, k.Name)
	}
	if best := nearest(name, own); best != "" {
		return "did you mean " + best + "?"
	}
	return "the keys of a rule are " + strings.Join(own, ", ")
}

// ruleLines tells where a rule stands in the file. The decoder does not: it knows one
// place only for the keys of all tables of one name.
type ruleLines struct {
	line int            // of [[rule]]
	keys map[string]int // lines
}

// findRules finds the tables [[rule]] and their keys.
func findRules(s string) (rules []ruleLines) {
	line, depth, start := 1, 0, true // start: of a line outside brackets
	inRule := false
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '#':
			i += lineEnd(s[i:])
			continue
		case c == '\n':
			line, start = line+1, depth == 0
		case start && c == '[':
			header, _, _ := strings.Cut(s[i:i+lineEnd(s[i:])], "#")
			header = strings.Join(strings.Fields(header), "")
			inRule = header == "[[rule]]" || header == `[["rule"]]`
			if inRule {
				rules = append(rules, ruleLines{line: line, keys: map[string]int{}})
			}
			i += lineEnd(s[i:])
			continue
		case start && c > ' ' && inRule:
			key, _, _ := strings.Cut(s[i:i+lineEnd(s[i:])], "=")
			rules[len(rules)-1].keys[strings.Trim(key, " \t\"'")] = line
			start = false
			continue
		case c == '"' || c == '\'':
			n := stringEnd(s[i:])
			line += strings.Count(s[i:i+n], "\n")
			i += n
			start = false
			continue
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth = max(0, depth-1)
		}
		if s[i] > ' ' {
			start = false
		}
		i++
	}
	return rules
}

// placeRule finds file and line of a problem of a rule; false: it is of none.
func (d *document) placeRule(p *Problem) bool {
	var n int
	if _, err := fmt.Sscanf(p.Key, "rule[%d]", &n); err != nil {
		return false
	}
	_, key, _ := strings.Cut(p.Key, "].")
	p.Line = d.ruleLine(n-1, key)
	if n > len(d.ruleLines) || p.Line == 0 || p.Value == "" {
		return true
	}
	// The entry of a list, as far as it is spelled plainly, before the next key.
	end := math.MaxInt
	for _, line := range d.ruleLines[n-1].keys {
		if line > p.Line {
			end = min(end, line)
		}
	}
	number := 0
	for line := range strings.Lines(d.data) {
		if number++; number >= p.Line && number < end && strings.Contains(line, p.Value) {
			p.Line = number
			break
		}
	}
	return true
}
