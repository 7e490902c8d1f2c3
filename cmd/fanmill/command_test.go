package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"fanmill/control"
	"fanmill/spool"
	"fanmill/store/sqlite"
)

var update = flag.Bool("update", false, "write the generated pages anew")

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
			if err == nil || err.Error() != c.fails || exitCode(err) != exitUsage {
				t.Errorf("%q: error %v (exit %d), want %s (exit 64)", c.in, err, exitCode(err), c.fails)
			}
			continue
		}
		if err != nil || strings.Join(args, " ") != c.args || *json != c.json || *scope != c.scope {
			t.Errorf("%q: arguments %q json %v scope %q error %v", c.in, args, *json, *scope, err)
		}
	}
}

// testEnv is an Env without anything of this machine in it.
func testEnv(t *testing.T) (*Env, *bytes.Buffer, *bytes.Buffer) {
	t.Helper()
	var out, errs bytes.Buffer
	dir := t.TempDir()
	return &Env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" },
		DefaultData: filepath.Join(dir, "no-data"), DefaultConfig: filepath.Join(dir, "no-config"),
	}, &out, &errs
}

// TestTable checks what help, manual and dispatch take for granted.
func TestTable(t *testing.T) {
	table := commands()
	seen := map[string]bool{}
	for _, c := range table {
		if seen[c.name] {
			t.Errorf("%s is there twice", c.name)
		}
		seen[c.name] = true
		if c.short == "" || strings.HasSuffix(c.short, ".") || unicode.IsUpper(rune(c.short[0])) {
			t.Errorf("%s: short text %q", c.name, c.short)
		}
		if (c.max != 0) != (c.args != "") || c.max > 0 && c.min > c.max {
			t.Errorf("%s: arguments %q do not go with %d to %d", c.name, c.args, c.min, c.max)
		}
		if c.new() == c.new() && len(c.options()) > 0 {
			t.Errorf("%s: a runner is shared between runs", c.name)
		}
		for _, o := range append(c.options(), commonOptions()...) {
			if o.text == "" {
				t.Errorf("%s: flag %s is not explained", c.name, o.name)
			}
		}
		for line := range strings.Lines(c.long) {
			if len(line) > 90 {
				t.Errorf("%s: a line of the long text has %d bytes: %q", c.name, len(line), line)
			}
		}
		got, rest, err := find(table, append(strings.Fields(c.name), "x"))
		if err != nil || got.name != c.name || !slices.Equal(rest, []string{"x"}) {
			t.Errorf("find %q gives %q, %q, %v", c.name, got.name, rest, err)
		}
	}
}

func TestHelpOfEveryCommand(t *testing.T) {
	for _, c := range commands() {
		for _, args := range [][]string{append([]string{"help"}, strings.Fields(c.name)...), append(strings.Fields(c.name), "--help"), append(strings.Fields(c.name), "-h")} {
			e, out, errs := testEnv(t)
			if code := Main(t.Context(), args, e); code != 0 || errs.Len() > 0 {
				t.Errorf("%q: exit %d, %s", args, code, errs)
			}
			if !strings.HasPrefix(out.String(), "usage: fanmill "+c.name) || !strings.Contains(out.String(), upperFirst(c.short)) {
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
		e.data = t.TempDir()
		if code := Main(t.Context(), strings.Fields(args), e); code != exitUsage {
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

func TestExitCodes(t *testing.T) {
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(signalError{syscall.SIGTERM})
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, 0},
		{errors.New("something"), exitSoftware},
		{exit(exitData, errors.New("x")), exitData},
		{fmt.Errorf("more: %w", exit(exitConfig, errors.New("x"))), exitConfig},
		{hint(usageErrorf("x"), "y"), exitUsage},
		{fmt.Errorf("x: %w", fs.ErrNotExist), exitNoInput},
		{fmt.Errorf("x: %w", fs.ErrPermission), exitNoPerm},
		{fmt.Errorf("x: %w", syscall.ENOSPC), exitIO},
		{fmt.Errorf("x: %w", spool.ErrNotHeld), exitNoInput},
		{fmt.Errorf("x: %w", sqlite.ErrDamaged), exitData},
		{fmt.Errorf("x: %w", sqlite.ErrNewer), exitData},
		{fmt.Errorf("x: %w", spool.ErrClaimed), exitTempFail},
		{fmt.Errorf("x: %w", control.ErrForbidden), exitNoPerm},
		{fmt.Errorf("x: %w", control.ErrNextHop), exitUnavailable},
		{context.Canceled, 130},
		{context.Cause(ended), 143},
	} {
		if got := exitCode(c.err); got != c.code {
			t.Errorf("exit code of %v is %d, want %d", c.err, got, c.code)
		}
	}
}

func TestReport(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{exit(3, nil), ""},
		{errors.New("open x: gone"), "fanmill: open x: gone\n"},
		{errors.Join(errors.New("one"), errors.New("two")), "fanmill: one\nfanmill: two\n"},
		{hint(errors.New("evil \x1b[31mpath\u202e"), "say \x07"), "fanmill: evil \\x1b[31mpath\\u202e\nfanmill: hint: say \\x07\n"},
		{fmt.Errorf("open x: %w", fs.ErrPermission), "fanmill: open x: permission denied\nfanmill: hint: run it as root, as the daemon's user, or as a member of its group\n"},
	} {
		var b bytes.Buffer
		report(&b, c.err)
		if b.String() != c.want {
			t.Errorf("report of %v: %q, want %q", c.err, b.String(), c.want)
		}
	}
}

func FuzzPrintJSON(f *testing.F) {
	f.Add("a\x1b[2Jb\u202e\xff\U000e0041")
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		if err := printJSON(&b, s); err != nil {
			t.Fatal(err)
		}
		for i, r := range strings.TrimSuffix(b.String(), "\n") {
			if !unicode.IsPrint(r) {
				t.Fatalf("JSON of %q has %q at %d", s, r, i)
			}
		}
		var back string
		if err := json.Unmarshal(b.Bytes(), &back); err != nil || back != s && utf8.ValidString(s) {
			t.Fatalf("JSON of %q is read as %q (%v)", s, back, err)
		}
	})
}

func TestBar(t *testing.T) {
	for _, c := range []struct {
		width, n    int
		done, total int64
		want        string
	}{
		{79, 500, 50, 100, "training [###############...............]  50% 500 messages, 250/s, 2s left"},
		{79, 500, 100, 100, "training [##############################] 100% 500 messages, 250/s, 0s left"},
		{79, 500, 50, 0, "training 500 messages, 250/s"},
		{50, 500, 25, 100, "training [#....]  25% 500 messages, 250/s, 6s left"},
		{45, 500, 25, 100, "training  25% 500 messages, 250/s, 6s left"},
		{20, 500, 50, 100, "training  50% 500..."},
	} {
		got := bar("training", "messages", c.width, c.n, c.done, c.total, 2*time.Second)
		if got != c.want || len(got) > c.width {
			t.Errorf("bar of %d/%d in %d: %q, want %q", c.done, c.total, c.width, got, c.want)
		}
	}
	var none *meter
	none.show(1, 1, 1)
	none.phase("resampling", "resamples")
	none.clear()
}

func TestDataDir(t *testing.T) {
	e, _, _ := testEnv(t)
	if _, err := e.dataDir(); exitCode(err) != exitUsage || len(hints(err)) == 0 {
		t.Errorf("without any data directory: %v", err)
	}
	e.DefaultData = t.TempDir()
	check := func(want string) {
		t.Helper()
		if got, err := e.dataDir(); err != nil || got != want {
			t.Errorf("data directory %s (%v), want %s", got, err, want)
		}
	}
	check(e.DefaultData)
	e.Getenv = func(string) string { return "/from/environment" }
	check("/from/environment")
	e.data = "/from/flag"
	check("/from/flag")
	e.data = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(e.data, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := e.dataDir(); exitCode(err) != exitCantCreate {
		t.Errorf("a file as data directory: %v", err)
	}
	e.data = filepath.Join(t.TempDir(), "missing")
	if _, err := e.existingData(); exitCode(err) != exitNoInput {
		t.Errorf("a missing data directory: %v", err)
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
