package mailboxes

import (
	"flag"
	"io"
	"strings"
	"testing"

	"fanmill/cmd/fanmill/cli"
	"fanmill/training/cull"
)

// TestTrimCheck: each class has a mailbox to go to, and something is left out.
func TestTrimCheck(t *testing.T) {
	for line, want := range map[string]string{
		"--newest 5 --out x":                                    "",
		"--newest 5 --ham a --ham-out x":                        "",
		"--balance 2 --ham a --spam b --ham-out x --spam-out y": "",
		"--out x":                                 "say what to leave out",
		"--newest -1 --out x":                     "want a number from 1 on",
		"--balance 2 --ham a --ham-out x":         "--balance wants --ham and --spam",
		"--newest 5 --ham-out x":                  "--ham-out and --spam-out want",
		"--newest 5 --ham a --out x":              "--out would mix the classes",
		"--newest 5":                              "say where to write to",
		"--newest 5 --ham a --spam b --ham-out x": "say where to write to",
	} {
		c, set := new(Trim), flag.NewFlagSet("", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		c.Flags(set)
		if err := set.Parse(strings.Fields(line)); err != nil {
			t.Fatal(err)
		}
		err := c.check()
		if want == "" && err != nil || want != "" && (cli.CodeOf(err) != cli.ExitUsage || !strings.Contains(err.Error(), want)) {
			t.Errorf("trim %s: %v, want %q", line, err, want)
		}
	}
}

// TestBalanceText warns from the same number on that --balance would keep.
func TestBalanceText(t *testing.T) {
	for _, c := range []struct {
		ham, spam int
		want      string
	}{
		{40, 10, "40 ham, 10 spam\n"},
		{41, 10, "41 ham, 10 spam: 4.1 ham for each one of the other"},
		{10, 41, "10 ham, 41 spam: 4.1 spam for each one of the other"},
		{0, 3, "one class only"},
	} {
		if got := balanceText(c.ham, c.spam); !strings.Contains(got, c.want) {
			t.Errorf("%d ham, %d spam: %q", c.ham, c.spam, got)
		}
	}
}

// TestHostileGroups: what mail says of itself reaches the terminal escaped and cut.
func TestHostileGroups(t *testing.T) {
	bad := oneOfKind{letter: letter{Source: "a\x1b]0;", MessageID: strings.Repeat("i", 500), Subject: "\u202eeman", Class: "ham"}}
	same := bad
	same.Same = true
	near := bad
	near.Likeness = 0.875
	dups := dupsReport{Messages: 3, Same: 1, Near: 1, Groups: [][]oneOfKind{{bad, same, near}}, Written: []Written{{"\x07", 1}}}.text()
	for _, text := range []string{dups, mailReport{Mixed: [][]oneOfKind{{bad, near}}}.text()} {
		if strings.ContainsAny(text, "\x1b\u202e\x07") || strings.Contains(text, strings.Repeat("i", 100)) {
			t.Errorf("hostile text: %q", text)
		}
	}
	for i, mark := range []string{"first ", "same  ", "0.88  "} {
		if line := strings.Split(dups, "\n")[i]; !strings.HasPrefix(line, mark) {
			t.Errorf("line %d is %q, want it marked %q", i, line, mark)
		}
	}
	many := mailReport{Mixed: make([][]oneOfKind, maxMixed+3)}
	if got := many.text(); !strings.HasSuffix(got, "\nand 3 more; --json lists all\n") {
		t.Errorf("many groups end with %q", got[max(0, len(got)-60):])
	}
}

// TestNear takes likenesses that near-duplicates can be found by.
func TestNear(t *testing.T) {
	for text, ok := range map[string]bool{"1": true, "90%": true, "0.9": true, "1.1": false, "0": false, "": false, "NaN": false} {
		if err := new(nearValue).Set(text); (err == nil) != ok {
			t.Errorf("--near %q: %v", text, err)
		}
	}
	if v := nearValue(cull.LeastNear); new(nearValue).Set(v.String()) != nil {
		t.Errorf("--near %s, the least there is, is refused", v.String())
	}
}
