package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// probe finds out where a value stands: the decoder tells positions in errors
// only, so it is given one.
type probe struct{}

var errProbe = errors.New("probe")

// UnmarshalTOML implements toml.Unmarshaler.
func (*probe) UnmarshalTOML(any) error { return errProbe }

func (d *document) position(prim toml.Primitive) toml.Position {
	var pe toml.ParseError
	if err := d.meta.PrimitiveDecode(prim, &probe{}); errors.As(err, &pe) {
		return pe.Position
	}
	return toml.Position{}
}

// line returns the line a value stands on. A table that is only named in the
// keys of others stands where the first of its keys does.
func (d *document) line(prim toml.Primitive) int {
	line := d.position(prim).Line
	if line > 0 {
		return line
	}
	keys, _ := d.table(prim)
	for _, key := range keys {
		if n := d.position(key).Line; n > 0 && (line == 0 || n < line) {
			line = n
		}
	}
	return line
}

// place finds the file and line of a problem that validate found. One about an
// entry of a list is placed at the entry, as far as it is spelled plainly.
func (d *document) place(p Problem) Problem {
	p.File = d.name
	if d.placeRule(&p) {
		return p
	}
	prim, ok := d.keys[p.Key]
	if !ok { // a default that does not go with what the file says
		section, _, _ := strings.Cut(p.Key, ".")
		if prim, ok = d.sections[section]; ok {
			p.Line = d.line(prim)
		}
		return p
	}
	pos := d.position(prim)
	p.Line = pos.Line
	// The position of a list is the byte after its bracket.
	if p.Value == "" || pos.Start < 1 || pos.Start > len(d.data) || d.data[pos.Start-1] != '[' {
		return p
	}
	list := d.data[pos.Start:]
	for _, spelled := range []string{p.Value, "'" + strings.Trim(p.Value, `"`) + "'"} {
		if i := strings.Index(list, spelled); i >= 0 {
			p.Line += strings.Count(list[:i], "\n")
			return p
		}
	}
	return p
}

// findUnknown reports the sections and keys that the program does not know, in
// the order of the file.
func (d *document) findUnknown() {
	known := map[string]map[string]bool{}
	for _, s := range Sections() {
		known[s.Name] = map[string]bool{}
		for _, k := range s.Keys {
			known[s.Name][k.Name] = true
		}
	}
	var found []unknownKey
	for name, section := range d.sections {
		if name == "rule" {
			continue // decodeRules looks after it
		}
		if known[name] == nil {
			found = append(found, unknownKey{section: name, whole: true, prim: section})
			continue
		}
		keys, _ := d.table(section)
		for key, prim := range keys {
			if !known[name][key] {
				found = append(found, unknownKey{section: name, key: key, prim: prim})
			}
		}
	}
	d.sortUnknown(found)
	for i, u := range found {
		if i == maxUnknown {
			d.add(Problem{Line: d.line(u.prim), Text: fmt.Sprintf("has %d more keys that are not known", len(found)-i), Hint: "is this a file of another program?"})
			break
		}
		d.add(Problem{Line: d.line(u.prim), Key: clip(u.path()), Text: "is not known", Hint: u.hint()})
	}
}

// unknownKey is a key or a whole section that is not known.
type unknownKey struct {
	section, key string
	whole        bool // the section itself
	prim         toml.Primitive
}

func (u unknownKey) path() string {
	if u.whole {
		return printable(u.section)
	}
	return u.section + "." + printable(u.key)
}

func (u unknownKey) hint() string {
	if u.whole {
		return hintSection(u.section)
	}
	return hintKey(u.section, u.key)
}

// printable quotes what a line of an error message cannot carry as it is.
func printable(key string) string {
	if s := tomlString(key); s != `"`+key+`"` || key == "" {
		return s
	}
	return key
}

func (d *document) sortUnknown(found []unknownKey) {
	order := map[string]int{} // first place in the file by section, and by section and key
	for i, key := range d.meta.Keys() {
		for n := 1; n <= min(2, len(key)); n++ {
			path := strings.Join(key[:n], "\x00")
			if _, ok := order[path]; !ok {
				order[path] = i
			}
		}
	}
	place := func(u unknownKey) int {
		if u.whole {
			return order[u.section]
		}
		return order[u.section+"\x00"+u.key]
	}
	slices.SortFunc(found, func(a, b unknownKey) int {
		return cmp.Or(place(a)-place(b), strings.Compare(a.path(), b.path()))
	})
}

// hintSection suggests where a section or a key without section belongs.
func hintSection(name string) string {
	var sections, homes []string
	for _, s := range Sections() {
		sections = append(sections, s.Name)
		for _, k := range s.Keys {
			if k.Name == name {
				homes = append(homes, "["+s.Name+"]")
			}
		}
	}
	if len(homes) > 0 {
		return "put it below " + strings.Join(homes, " or ")
	}
	if best := nearest(name, sections); best != "" {
		return "did you mean [" + best + "]?"
	}
	return "the sections are " + strings.Join(sections, ", ")
}

// hintKey suggests the key that was meant, also one of another section.
func hintKey(section, name string) string {
	var own, homes []string
	for _, s := range Sections() {
		for _, k := range s.Keys {
			if s.Name == section {
				own = append(own, k.Name)
			} else if k.Name == name {
				homes = append(homes, "["+s.Name+"]")
			}
		}
	}
	if best := nearest(name, own); best != "" {
		return "did you mean " + best + "?"
	}
	if len(homes) > 0 {
		return "it belongs below " + strings.Join(homes, " or ")
	}
	return "see fanmill.toml(5) for the keys of [" + section + "]"
}

// nearest returns the word that is at most two typing mistakes away, or "".
func nearest(name string, words []string) string {
	best, least := "", 3
	if len(name) > 40 {
		return ""
	}
	for _, w := range words {
		if d := distance(strings.ToLower(strings.ReplaceAll(name, "-", "_")), w); d < least && d < len(w)/2 {
			best, least = w, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
