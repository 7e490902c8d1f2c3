package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// Section is one section of the file with its keys.
type Section struct {
	Name string
	Doc  string
	Keys []Key
}

// Key is one key of the file: what its struct field's tags say.
type Key struct {
	Section string
	Name    string
	Type    string // for people: "string", "list of strings", "size" ...
	Default string // as TOML text, for DefaultDataDir
	OneOf   []string
	Min     string // "" when there is no range
	Max     string
	Live    bool // in force after a reload; else after a restart
	Doc     string

	index []int
	typ   reflect.Type
}

// Path returns section.key.
func (k Key) Path() string { return k.Section + "." + k.Name }

// value returns the key's field in c.
func (k Key) value(c *Config) reflect.Value { return reflect.ValueOf(c).Elem().FieldByIndex(k.index) }

// typeNames names the types of fields for people, with an example to copy.
var typeNames = map[reflect.Type]struct{ name, example string }{
	reflect.TypeFor[string]():   {"string", `"text"`},
	reflect.TypeFor[bool]():     {"boolean", "true or false"},
	reflect.TypeFor[int]():      {"integer", "10"},
	reflect.TypeFor[float64]():  {"number", "0.5"},
	reflect.TypeFor[[]string](): {"list of strings", `["one", "two"]`},
	reflect.TypeFor[Size]():     {"size", `a whole number of bytes or "64kB", "64MiB"`},
	reflect.TypeFor[Duration](): {"duration", `"250ms", "30s", "2h10m" or "5d"`},
	reflect.TypeFor[FileMode](): {"file mode", `"0660"`},
}

// Sections returns all sections and keys, in the order of the documentation.
func Sections() []Section {
	defaults := Default(DefaultDataDir)
	var sections []Section
	root := reflect.TypeFor[Config]()
	for i := range root.NumField() {
		f := root.Field(i)
		if f.Type.Kind() != reflect.Struct {
			continue // the rules: see RuleSection
		}
		s := Section{Name: f.Tag.Get("toml"), Doc: f.Tag.Get("doc")}
		for j := range f.Type.NumField() {
			k := newKey(s.Name, f.Type.Field(j), []int{i, j})
			k.Default = tomlValue(k.value(defaults))
			s.Keys = append(s.Keys, k)
		}
		sections = append(sections, s)
	}
	return sections
}

func newKey(section string, f reflect.StructField, index []int) Key {
	if f.Type.Kind() == reflect.Pointer {
		f.Type = f.Type.Elem()
	}
	k := Key{
		Section: section, Name: f.Tag.Get("toml"), Type: typeNames[f.Type].name,
		Min: f.Tag.Get("min"), Max: f.Tag.Get("max"),
		Live: f.Tag.Get("reload") == "live", Doc: f.Tag.Get("doc"),
		index: index, typ: f.Type,
	}
	if words := f.Tag.Get("oneof"); words != "" {
		k.OneOf = strings.Split(words, "|")
	}
	return k
}

// number returns a value as it is compared with its range.
func number(v reflect.Value) float64 {
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanFloat():
		return v.Float()
	}
	return math.NaN()
}

// bound reads Min or Max.
func (k Key) bound(s string) float64 {
	switch k.typ {
	case reflect.TypeFor[Size]():
		n, err := ParseSize(s)
		return orPanic(float64(n), err, k)
	case reflect.TypeFor[Duration]():
		d, err := ParseDuration(s)
		return orPanic(float64(d), err, k)
	}
	n, err := strconv.ParseFloat(s, 64)
	return orPanic(n, err, k)
}

// orPanic is for tags of this package's own fields; a test reads them all.
func orPanic(n float64, err error, k Key) float64 {
	if err != nil {
		panic(fmt.Sprintf("config: range of %s: %v", k.Path(), err))
	}
	return n
}
