package cli

import (
	"slices"
	"strings"
	"testing"
)

func TestParseMixed(t *testing.T) {
	for _, c := range []struct {
		in, args, scope string
		json            bool
		fails           string
	}{
		{in: "", args: ""},
		{in: "a b", args: "a b"},
		{in: "--json a b", args: "a b", json: true},
		{in: "a --json b", args: "a b", json: true},
		{in: "a b --json", args: "a b", json: true},
		{in: "a --scope s b -json", args: "a b", scope: "s", json: true},
		{in: "--scope=s a", args: "a", scope: "s"},
		{in: "- --json", args: "-", json: true},
		{in: "a -- --json b", args: "a --json b"},
		{in: "-- --json", args: "--json"},
		{in: "a --colour", fails: "unknown flag --colour"},
		{in: "a --scope", fails: "flag --scope needs a value"},
		{in: "--json=maybe", fails: `invalid boolean value "maybe" for -json: parse error`},
	} {
		fs := newFlagSet("x")
		json := fs.Bool("json", false, "")
		scope := fs.String("scope", "", "")
		args, err := parseMixed(fs, strings.Fields(c.in))
		if c.fails != "" {
			if err == nil || err.Error() != c.fails || CodeOf(err) != ExitUsage {
				t.Errorf("%q: error %v (exit %d), want %s (exit 64)", c.in, err, CodeOf(err), c.fails)
			}
			continue
		}
		if err != nil || strings.Join(args, " ") != c.args || *json != c.json || *scope != c.scope {
			t.Errorf("%q: arguments %q json %v scope %q error %v", c.in, args, *json, *scope, err)
		}
	}
}

func TestFind(t *testing.T) {
	table := []Command{{Name: "held list"}, {Name: "history"}, {Name: "history show"}}
	for _, c := range table {
		got, rest, err := find(table, append(strings.Fields(c.Name), "x"))
		if err != nil || got.Name != c.Name || !slices.Equal(rest, []string{"x"}) {
			t.Errorf("find %q gives %q, %q, %v", c.Name, got.Name, rest, err)
		}
	}
}
