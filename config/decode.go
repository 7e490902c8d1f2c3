package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/BurntSushi/toml"
)

// maxFile is how large a configuration file may be, in bytes.
const maxFile = 1 << 20

// maxUnknown bounds how many unknown keys are reported one by one.
const maxUnknown = 50

// Load reads the file at path for the given data directory, by read, which takes no
// more than limit bytes. It returns Problems when the content is wrong, another error
// when it cannot be read.
func Load(path, dataDir string, read func(path string, limit int64) ([]byte, error)) (*Config, error) {
	data, err := read(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return parse(path, data, dataDir, func(c *Config) Problems { return c.checkFiles(read) })
}

// Parse reads a configuration. name is the file's name for error messages,
// dataDir the directory relative paths are below. The error is Problems: all
// that is wrong, not only the first.
func Parse(name string, data []byte, dataDir string) (*Config, error) {
	return parse(name, data, dataDir)
}

func parse(name string, data []byte, dataDir string, more ...func(*Config) Problems) (*Config, error) {
	d := &document{name: name, data: string(data)}
	if !d.read() {
		return nil, d.problems.err()
	}
	c := Default("")
	d.decode(c)
	c.resolve(dataDir)
	undecoded := d.problems // their keys still have the defaults
	found := c.validate()
	for _, check := range more {
		found = append(found, check(c)...)
	}
	for _, p := range found {
		if !undecoded.about(p.Key) {
			d.problems = append(d.problems, d.place(p))
		}
	}
	if err := d.problems.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// document is a file while it is being decoded.
type document struct {
	name     string
	data     string
	meta     toml.MetaData
	sections map[string]toml.Primitive
	keys     map[string]toml.Primitive // by path
	problems Problems

	ruleLines []ruleLines
}

// read parses the TOML; false when there is nothing to decode.
func (d *document) read() bool {
	if len(d.data) > maxFile {
		d.add(Problem{Text: "is larger than 1 MiB", Hint: "a configuration file is a few lines of text: is this the right file?"})
		return false
	}
	if line := tooNested(d.data); line > 0 {
		d.add(Problem{Line: line, Text: "is nested too deeply", Hint: "the configuration has sections with keys in them, nothing deeper"})
		return false
	}
	var err error
	if d.meta, err = toml.Decode(d.data, &d.sections); err != nil {
		d.add(syntaxProblem(err))
		return false
	}
	return true
}

func syntaxProblem(err error) Problem {
	p := Problem{
		Text: "is not TOML: " + clip(strings.TrimPrefix(err.Error(), "toml: ")),
		Hint: `write key = value, one a line, strings in "double quotes", sections as [name]`,
	}
	var pe toml.ParseError
	if errors.As(err, &pe) {
		p.Line, p.Text = pe.Position.Line, "is not TOML: "+clip(strings.TrimSuffix(pe.Message, "."))
	}
	return p
}

func (d *document) add(p Problem) {
	p.File = d.name
	d.problems = append(d.problems, p)
}

// decode sets the fields of c that the file sets, and notes what does not fit.
func (d *document) decode(c *Config) {
	d.keys = map[string]toml.Primitive{}
	for _, s := range Sections() {
		section, ok := d.sections[s.Name]
		if !ok {
			continue
		}
		keys, ok := d.table(section)
		if !ok {
			d.add(Problem{Line: d.line(section), Key: s.Name, Text: "is not a section", Hint: "write [" + s.Name + "] on a line of its own, and its keys below"})
			continue
		}
		for _, k := range s.Keys {
			if prim, ok := keys[k.Name]; ok {
				d.keys[k.Path()] = prim
				d.set(k, prim, c)
			}
		}
	}
	d.decodeRules(c)
	d.findUnknown()
}

// table returns the keys of a table. The decoder itself takes a value of any
// other type for a table without keys.
func (d *document) table(prim toml.Primitive) (keys map[string]toml.Primitive, ok bool) {
	var v any
	if d.meta.PrimitiveDecode(prim, &v) != nil {
		return nil, false
	}
	if _, ok = v.(map[string]any); !ok {
		return nil, false
	}
	return keys, d.meta.PrimitiveDecode(prim, &keys) == nil
}

// set decodes the value of a key.
func (d *document) set(k Key, prim toml.Primitive, c *Config) {
	if p, bad := d.value(k, prim, k.value(c)); bad {
		d.add(p)
	}
}

// value decodes a value into a field; bad says that p tells what is wrong with it.
func (d *document) value(k Key, prim toml.Primitive, field reflect.Value) (p Problem, bad bool) {
	p = Problem{Line: d.line(prim), Key: k.Path(), Hint: "write " + typeNames[k.typ].example}
	var v any
	if err := d.meta.PrimitiveDecode(prim, &v); err != nil {
		p.Text = clip(err.Error())
		return p, true
	}
	to := field
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		to = field.Elem()
	}
	if err := assign(to, v); err != nil {
		p.Value, p.Text = clip(anyValue(v)), clip(err.Error())
		return p, true
	}
	return p, false
}

// assign stores a TOML value in a field of one of the types of typeNames.
func assign(field reflect.Value, v any) error {
	switch p := field.Addr().Interface().(type) {
	case *Size:
		if n, ok := v.(int64); ok && n >= 0 {
			*p = Size(n)
			return nil
		}
		return assignText(p, v, ParseSize)
	case *Duration:
		return assignText(p, v, ParseDuration)
	case *FileMode:
		return assignText(p, v, ParseFileMode)
	case *[]string:
		return assignList(p, v)
	case *float64:
		if n, ok := v.(int64); ok {
			v = float64(n)
		}
		return assignSame(p, v)
	case *int:
		if n, ok := v.(int64); ok {
			v = int(n)
		}
		return assignSame(p, v)
	case *string:
		return assignSame(p, v)
	case *bool:
		return assignSame(p, v)
	}
	return fmt.Errorf("has a type the program does not know: %v", field.Type())
}

func assignSame[T any](p *T, v any) error {
	t, ok := v.(T)
	if !ok {
		return wrongType(v, typeNames[reflect.TypeFor[T]()].name)
	}
	*p = t
	return nil
}

func assignText[T any](p *T, v any, parse func(string) (T, error)) error {
	s, ok := v.(string)
	if !ok {
		return wrongType(v, typeNames[reflect.TypeFor[T]()].name)
	}
	t, err := parse(s)
	if err != nil {
		return err
	}
	*p = t
	return nil
}

func assignList(p *[]string, v any) error {
	items, ok := v.([]any)
	if !ok {
		return wrongType(v, "list of strings")
	}
	list := make([]string, 0, len(items))
	for _, item := range items {
		s, ok := item.(string)
		if !ok {
			return fmt.Errorf("has %s in a list of strings", article(tomlType(item)))
		}
		list = append(list, s)
	}
	*p = list
	return nil
}

func wrongType(v any, want string) error {
	return fmt.Errorf("is %s, not %s", article(tomlType(v)), article(want))
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

// tomlType names the type of a decoded value.
func tomlType(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case int64:
		return "integer"
	case float64:
		return "number"
	case []any:
		return "list"
	case map[string]any, []map[string]any:
		return "table"
	}
	return "date"
}
