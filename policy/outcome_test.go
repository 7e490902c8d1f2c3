package policy

import (
	"encoding/json"
	"testing"
)

func TestOutcomeWords(t *testing.T) {
	for o := Accept; o <= Fail; o++ {
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		var back Outcome
		if err := json.Unmarshal(text, &back); err != nil || back != o {
			t.Errorf("%v written as %s read back as %v, %v", o, text, back, err)
		}
		if got, err := ParseOutcome(o.String()); err != nil || got != o {
			t.Errorf("ParseOutcome(%q) = %v, %v", o.String(), got, err)
		}
	}
	if o, err := ParseOutcome("tempfail"); o != Fail || err != nil {
		t.Errorf("tempfail = %v, %v", o, err)
	}
}

func TestOutcomeOutsideTheSet(t *testing.T) {
	bad := Fail + 1
	if _, err := bad.MarshalText(); err == nil {
		t.Error("an unknown outcome was written")
	}
	if got := bad.String(); got != "outcome(8)" {
		t.Errorf("String = %q", got)
	}
	for _, s := range []string{"", "Reject", "drop", "outcome(8)"} {
		if _, err := ParseOutcome(s); err == nil {
			t.Errorf("ParseOutcome(%q) succeeded", s)
		}
		var o Outcome
		if err := o.UnmarshalText([]byte(s)); err == nil {
			t.Errorf("UnmarshalText(%q) succeeded", s)
		}
	}
}

func TestModeWords(t *testing.T) {
	for m := Split; m <= Strict; m++ {
		if got, err := ParseMode(m.String()); err != nil || got != m {
			t.Errorf("ParseMode(%q) = %v, %v", m.String(), got, err)
		}
	}
	if _, err := ParseMode("loose"); err == nil {
		t.Error(`ParseMode("loose") succeeded`)
	}
	if got := (Strict + 1).String(); got != "mode(3)" {
		t.Errorf("String = %q", got)
	}
}
