package measure

import (
	"flag"
	"slices"
	"testing"
)

// TestValues: what the flags take, and what they refuse.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		value flag.Value
		in    string
		want  string // "" is refused
	}{
		{new(firstValue), "7", "7"},
		{new(firstValue), "0", ""},
		{new(shareValue), "5%", "0.05"},
		{new(shareValue), "1", "1"},
		{new(shareValue), "101%", ""},
		{new(shareValue), "-0.1", ""},
		{new(shareValue), "NaN", ""},
		{new(splitValue), "half", "0.5"},
		{new(splitValue), "70%", "0.7"},
		{new(splitValue), "1", ""},
		{new(oneInValue), "1 in 1,000", "1000"},
		{new(oneInValue), "250", "250"},
		{new(oneInValue), "1", ""},
	} {
		err := c.value.Set(c.in)
		if (err == nil) != (c.want != "") || err == nil && c.value.String() != c.want {
			t.Errorf("%T %q: %q, %v, want %q", c.value, c.in, c.value, err, c.want)
		}
	}
}

func TestSeeds(t *testing.T) {
	for in, want := range map[string][]uint64{
		"3": {3}, "1-4": {1, 2, 3, 4}, "1,5,9": {1, 5, 9}, "2-3,7": {2, 3, 7}, "4-1": nil, "1-": nil, "": nil, "1-1001": nil, "0-18446744073709551615": nil,
	} {
		var v seedsValue
		if err := v.Set(in); (err == nil) != (want != nil) || err == nil && !slices.Equal(v, want) {
			t.Errorf("%q: %v, %v, want %v", in, v, err, want)
		}
	}
}
