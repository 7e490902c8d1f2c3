package authresults

import (
	"slices"
	"strings"
	"testing"
)

// read returns what these fields give where mx.example.org is believed.
func read(fields ...string) *Results {
	var r Results
	for _, f := range fields {
		r.Read(f, NewHosts([]string{"MX.example.org"}))
	}
	return &r
}

// TestVouchFor: a domain is verified by a result that names it or another of its
// organization, and by nothing that a sender could have written.
func TestVouchFor(t *testing.T) {
	for name, tt := range map[string]struct {
		field string
		want  bool
	}{
		"dkim":                       {"mx.example.org; dkim=pass header.d=good.example", true},
		"dkim of a sub-domain":       {"mx.example.org; dkim=pass header.d=mail.good.example header.s=x", true},
		"dkim, header.i":             {"mx.example.org; dkim=pass (2048 bit) header.i=@good.example", true},
		"spf":                        {"mx.example.org; spf=pass smtp.mailfrom=bounce@good.example", true},
		"dmarc":                      {"mx.example.org; dmarc=pass header.from=good.example", true},
		"version":                    {"mx.example.org 1; dmarc=pass header.from=good.example", true},
		"upper case":                 {"Mx.Example.Org; DMARC=Pass Header.From=GOOD.example", true},
		"behind another":             {"mx.example.org; spf=fail smtp.mailfrom=x.example; dkim=pass header.d=good.example", true},
		"dkim failed":                {"mx.example.org; dkim=fail header.d=good.example", false},
		"another's dkim":             {"mx.example.org; dkim=pass header.d=evil.example", false},
		"no result":                  {"mx.example.org; none", false},
		"another host":               {"mx.evil.example; dkim=pass header.d=good.example", false},
		"in a comment":               {"mx.example.org; spf=fail (x; dmarc=pass header.from=good.example) smtp.mailfrom=evil.example", false},
		"in a string":                {`mx.example.org; spf=pass smtp.mailfrom="x; dmarc=pass header.from=good.example ;"@evil.example`, false},
		"a string that is open":      {`mx.example.org; spf=fail smtp.mailfrom="x; dmarc=pass header.from=good.example`, false},
		"a comment that is open":     {"mx.example.org; spf=fail (x; dmarc=pass header.from=good.example", false},
		"an escaped quote":           {`mx.example.org; spf=fail smtp.mailfrom="x\"; dmarc=pass header.from=good.example"@evil.example`, false},
		"same registry, another org": {"mx.example.org; dkim=pass header.d=other.example", false},
		"another method's property":  {"mx.example.org; spf=pass header.from=good.example", false},
		"a method that is not known": {"mx.example.org; x-auth=pass header.from=good.example", false},
		"nothing":                    {"", false},
	} {
		if got := read(tt.field).vouchFor("good.example"); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestBounds: a field that is too long, or one of too many, vouches for nobody; that a host
// has looked is seen all the same. A sender can make a field long.
func TestBounds(t *testing.T) {
	const good = "; dkim=pass header.d=good.example"
	long := "mx.example.org" + good + `; spf=pass smtp.mailfrom="` + strings.Repeat("a", maxField) + `"@evil.example`
	cut := "mx.example.org; spf=pass smtp.mailfrom=" + strings.Repeat("a", maxField-len("mx.example.org; spf=pass smtp.mailfrom=@good.example")) + "@good.example.evil.example"
	for name, fields := range map[string][]string{"long": {long}, "cut off": {cut}, "many": append(slices.Repeat([]string{"mx.example.org; none"}, maxFields), "mx.example.org"+good)} {
		if r := read(fields...); r.vouchFor("good.example") || r.Trust(Present, []string{"good.example"}) {
			t.Errorf("%s: vouches", name)
		}
	}
}

// BenchmarkHostile is as much as a message can make of it.
func BenchmarkHostile(b *testing.B) {
	field := "mx.example.org" + strings.Repeat("; dkim=pass header.d=xn--bcher-kva.x.co.uk", maxField/50)
	for b.Loop() {
		r := read(slices.Repeat([]string{field}, 1000)...)
		for range 2000 {
			r.vouchFor("bücher.y.co.uk")
		}
	}
}

func TestTrust(t *testing.T) {
	none, good := read(), read("mx.example.org; dkim=pass header.d=good.example")
	for _, tt := range []struct {
		r       *Results
		mode    Mode
		domains []string
		want    bool
	}{
		{none, Present, []string{"good.example"}, true},
		{none, Always, []string{"good.example"}, false},
		{none, Never, []string{"good.example"}, true},
		{good, Present, []string{"good.example"}, true},
		{good, Always, []string{"good.example"}, true},
		{good, Present, []string{"good.example", "evil.example"}, false},
		{good, Never, []string{"evil.example"}, true},
		{good, Present, []string{""}, false},
		{good, Always, nil, true},
	} {
		if got := tt.r.Trust(tt.mode, tt.domains); got != tt.want {
			t.Errorf("%+v, %v, %q: %v", *tt.r, tt.mode, tt.domains, got)
		}
	}
}

func TestModeWords(t *testing.T) {
	for _, m := range []Mode{Present, Always, Never} {
		if got, err := ParseMode(m.String()); err != nil || got != m {
			t.Errorf("%v is read as %v, %v", m, got, err)
		}
	}
	if _, err := ParseMode("sometimes"); err == nil || !strings.Contains(err.Error(), "present, always, never") {
		t.Errorf("got %v", err)
	}
	if got := Mode(9).String(); got != "mode(9)" {
		t.Errorf("got %q", got)
	}
}
