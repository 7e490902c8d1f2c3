package address

import (
	"slices"
	"strings"
	"testing"
)

// TestInList: addresses are found in what no grammar admits, and in no name or comment.
func TestInList(t *testing.T) {
	for value, want := range map[string][]string{
		"":                             nil,
		"a@x.example":                  {"a@x.example"},
		"A <a@x.example>":              {"a@x.example"},
		"A <a@x.example>, b@y.example": {"a@x.example", "b@y.example"},
		`"a@x.example" <b@y.example>`:  {"b@y.example"},
		"a@x.example (b@y.example)":    {"a@x.example"},
		"<a@x.\texample>":              {"a@x.example"},
		"<a@x.example":                 {"a@x.example"},
		"a@x.example>":                 {"a@x.example"},
		"undisclosed-recipients:;":     nil,
		"(not closed a@x.example":      {"a@x.example"},
		strings.Repeat("a@x.example,", maxListed+5): slices.Repeat([]string{"a@x.example"}, maxListed),
	} {
		if got := InList(value); !slices.Equal(got, want) {
			t.Errorf("%.60q: %q, want %q", value, got, want)
		}
	}
}

// TestTable: an entry without detail is for addresses with any, the first of two entries
// stays, and a whole address comes before a local part.
func TestTable(t *testing.T) {
	var table Table[int]
	if _, ok := table.Lookup(Parse("a@x.example")); ok {
		t.Error("found in an empty table")
	}
	table.Add("a", "x.example", 1)
	table.Add("a", "x.example", 2)
	table.AddLocal("a", 3)
	table.AddLocal("a+b", 4)
	for addr, want := range map[string]int{"a@x.example": 1, "A+c@x.example": 1, "a@y.example": 3, "a": 3, "a+b@y.example": 4, "b@x.example": 0} {
		if got, _ := table.Lookup(Parse(addr)); got != want {
			t.Errorf("%s: %d, want %d", addr, got, want)
		}
	}
}
