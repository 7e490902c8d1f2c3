package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Show writes the configuration in force as TOML, every key with its value.
// Parse reads it back to an equal Config.
func (c *Config) Show() []byte {
	var b strings.Builder
	for i, s := range Sections() {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "[%s]\n", s.Name)
		for _, k := range s.Keys {
			fmt.Fprintf(&b, "%s = %s\n", k.Name, tomlValue(k.value(c)))
		}
	}
	for i := range c.Rules {
		b.WriteString("\n[[rule]]\n")
		root := reflect.ValueOf(&c.Rules[i]).Elem()
		for _, k := range RuleSection().Keys {
			if v := root.FieldByIndex(k.index); !v.IsZero() {
				fmt.Fprintf(&b, "%s = %s\n", k.Name, tomlValue(reflect.Indirect(v)))
			}
		}
	}
	return []byte(b.String())
}

// RestartKeys returns the paths (section.key) of the keys that differ between
// two configurations and take effect only after a restart.
func RestartKeys(old, next *Config) []string {
	var keys []string
	for _, s := range Sections() {
		for _, k := range s.Keys {
			if !k.Live && tomlValue(k.value(old)) != tomlValue(k.value(next)) {
				keys = append(keys, k.Path())
			}
		}
	}
	return keys
}

// tomlValue writes a field as TOML.
func tomlValue(v reflect.Value) string {
	if list, ok := v.Interface().([]string); ok {
		return tomlList(list)
	}
	if n, ok := v.Interface().(Size); ok && n.String() == strconv.FormatInt(int64(n), 10) {
		return n.String()
	}
	if s, ok := v.Interface().(fmt.Stringer); ok {
		return tomlString(s.String())
	}
	return anyValue(v.Interface())
}

// anyValue writes a decoded TOML value; of a table only that it is one.
func anyValue(v any) string {
	switch v := v.(type) {
	case string:
		return tomlString(v)
	case float64:
		return tomlFloat(v)
	case []any:
		items := make([]string, 0, min(len(v), 20)) // more is clipped in any case
		for _, item := range v[:cap(items)] {
			items = append(items, anyValue(item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any, []map[string]any:
		return "{...}"
	case time.Time:
		return v.Format(time.RFC3339)
	}
	return fmt.Sprint(v)
}

// tomlList writes a short list on one line, a long one an entry a line.
func tomlList(list []string) string {
	items := make([]string, len(list))
	for i, s := range list {
		items[i] = tomlString(s)
	}
	line := "[" + strings.Join(items, ", ") + "]"
	if len(line) <= 70 {
		return line
	}
	return "[\n  " + strings.Join(items, ",\n  ") + ",\n]"
}

func tomlFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 0):
		return strings.ToLower(strconv.FormatFloat(f, 'f', -1, 64))
	}
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// tomlString writes a basic string (TOML 1.0, "String"): Go's escapes for
// control characters are not all TOML's.
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
