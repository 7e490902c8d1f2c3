package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"fanmill/cmd/fanmill/cli"
)

var update = flag.Bool("update", false, "write the generated pages anew")

// testEnv is an Env without anything of this machine in it.
func testEnv(t *testing.T) (*cli.Env, *bytes.Buffer, *bytes.Buffer) {
	t.Helper()
	var out, errs bytes.Buffer
	dir := t.TempDir()
	return &cli.Env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" },
		DefaultData: filepath.Join(dir, "no-data"), DefaultConfig: filepath.Join(dir, "no-config"),
	}, &out, &errs
}

// TestTable checks what help, manual and dispatch take for granted.
func TestTable(t *testing.T) {
	table := commands()
	seen := map[string]bool{}
	for _, c := range table {
		if seen[c.Name] {
			t.Errorf("%s is there twice", c.Name)
		}
		seen[c.Name] = true
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || unicode.IsUpper(rune(c.Short[0])) {
			t.Errorf("%s: short text %q", c.Name, c.Short)
		}
		if (c.Max != 0) != (c.Args != "") || c.Max > 0 && c.Min > c.Max {
			t.Errorf("%s: arguments %q do not go with %d to %d", c.Name, c.Args, c.Min, c.Max)
		}
		if c.New() == c.New() && len(c.Options()) > 0 {
			t.Errorf("%s: a runner is shared between runs", c.Name)
		}
		for _, o := range append(c.Options(), cli.CommonOptions()...) {
			if o.Text == "" {
				t.Errorf("%s: flag %s is not explained", c.Name, o.Name)
			}
		}
		for line := range strings.Lines(c.Long) {
			if len(line) > 90 {
				t.Errorf("%s: a line of the long text has %d bytes: %q", c.Name, len(line), line)
			}
		}
	}
}

func TestHelpOfEveryCommand(t *testing.T) {
	for _, c := range commands() {
		for _, args := range [][]string{append([]string{"help"}, strings.Fields(c.Name)...), append(strings.Fields(c.Name), "--help"), append(strings.Fields(c.Name), "-h")} {
			e, out, errs := testEnv(t)
			if code := Main(t.Context(), args, e); code != 0 || errs.Len() > 0 {
				t.Errorf("%q: exit %d, %s", args, code, errs)
			}
			if !strings.HasPrefix(out.String(), "usage: fanmill "+c.Name) || !strings.Contains(out.String(), cli.UpperFirst(c.Short)) {
				t.Errorf("%q prints %q", args, out)
			}
		}
	}
}

func TestUsageErrors(t *testing.T) {
	for args, want := range map[string]string{
		"":                    "",
		"tarin":               `unknown command "tarin"`,
		"held":                "held: say what to do",
		"held eat":            `held: unknown command "eat"`,
		"held --ids list":     "held: unknown flag --ids",
		"held --data":         "held: flag --data needs a value",
		"config lint":         `config: unknown command "lint"`,
		"--colour":            "unknown flag --colour",
		"help tarin":          `help: unknown command "tarin"`,
		"help train x":        `help: train has no part "x"`,
		"train":               "train: too few arguments, want --ham|--spam PATH...",
		"held show":           "held show: too few arguments, want ID...",
		"held show x":         `held show: "x" is no id of a held message`,
		"held list --box tmp": `held list: --box: "tmp" is no box`,
		"stats x":             "stats: too many arguments",
		"stats --days x":      `stats: invalid value "x" for flag --days`,
		"stats --scope a\x01": `stats: invalid value "a\x01" for flag --scope: bad request: "a\x01" is no name of a scope`,
		"eval":                "eval: too few arguments",
	} {
		e, out, errs := testEnv(t)
		e.Data = t.TempDir()
		if code := Main(t.Context(), strings.Fields(args), e); code != cli.ExitUsage {
			t.Errorf("%q: exit %d, want 64", args, code)
		}
		if out.Len() > 0 {
			t.Errorf("%q prints on standard output: %q", args, out)
		}
		if want != "" && !strings.HasPrefix(errs.String(), "fanmill: "+want) {
			t.Errorf("%q says %q, want %q", args, errs, want)
		}
		if want != "" && !strings.Contains(errs.String(), "\nfanmill: hint: ") {
			t.Errorf("%q says not what to do: %q", args, errs)
		}
	}
}

// TestGeneratedPages compares the manual page and docs/commands.md with the
// command table; -update writes them.
func TestGeneratedPages(t *testing.T) {
	for path, want := range map[string]string{
		"../../contrib/man/fanmill.1": manPage(commands()),
		"../../docs/commands.md":      markdownPage(commands()),
	} {
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(got), want); diff != "" {
			t.Errorf("%s is not what the command table says; run go test ./cmd/fanmill -run GeneratedPages -update\n%s", path, diff)
		}
	}
}

func TestManPageLines(t *testing.T) {
	for i, line := range strings.Split(manPage(commands()), "\n") {
		if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !strings.HasPrefix(line, `.\"`) && !slices.Contains(
			[]string{".TH", ".SH", ".SS", ".TP", ".PP", ".BR", ".br"}, strings.Fields(line)[0]) {
			t.Errorf("line %d is taken for a macro: %q", i+1, line)
		}
	}
}
