package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
)

// Each file in testdata/bad is named by its fault; beside it stands what Parse
// says of it, word for word.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d files in testdata/bad", len(files))
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".toml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, err := Parse(name, data, "/data")
			if err == nil || c != nil {
				t.Fatalf("accepted")
			}
			checkProblems(t, name, err)
			golden(t, strings.TrimSuffix(file, ".toml")+".err", []byte(err.Error()+"\n"))
		})
	}
}

// checkProblems wants every problem to say where, what and what to do.
func checkProblems(t *testing.T, name string, err error) {
	t.Helper()
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("%v is not Problems", err)
	}
	for i, p := range problems {
		if p.File != name || p.Text == "" || p.Hint == "" {
			t.Errorf("problem without file, text or hint: %+v", p)
		}
		if strings.ContainsFunc(p.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("problem is not one clean line: %q", p.Error())
		}
		if len(p.Error()) > 1000 {
			t.Errorf("problem of %d bytes", len(p.Error()))
		}
		if i > 0 && p.Line < problems[i-1].Line {
			t.Errorf("line %d comes after line %d", p.Line, problems[i-1].Line)
		}
	}
}

// Huge and twisted files are refused in time and memory that a reload under
// load can bear; the decoder alone would take gigabytes for some of them.
func TestHostileFiles(t *testing.T) {
	for name, text := range map[string]string{
		"over the limit": strings.Repeat("#", maxFile+1),
		"brackets":       "a = " + strings.Repeat("[", maxFile-4),
		"braces":         "a = " + strings.Repeat("{a=", maxFile/4),
		"dots":           strings.Repeat("a.", maxFile/4) + "b = 1",
		"unknown keys":   strings.Repeat("a", 1000) + " = 1\nb = \x1b[31m",
		"long value":     "[policy]\nspam = \"" + strings.Repeat("x", maxFile/2) + "\"",
		"long key":       "[policy]\n" + strings.Repeat("x", maxFile/2) + " = 1",
		"long entry":     "[policy]\nunfiltered = [\"" + strings.Repeat("x", maxFile/2) + "\"]",
		"long list":      "[headers]\nfamilies = [1" + strings.Repeat(", 1", maxFile/4) + "]",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := Parse("hostile.toml", []byte(text), "/data")
			if err == nil {
				t.Fatal("accepted")
			}
			checkProblems(t, "hostile.toml", err)
			t.Logf("%v, %d bytes", time.Since(start), len(err.Error()))
		})
	}
}

func TestTooNested(t *testing.T) {
	for _, tt := range []struct {
		text string
		line int
	}{
		{"", 0},
		{"a = [[[[[[[[1]]]]]]]]", 0},
		{"a = [[[[[[[[[1]]]]]]]]]", 1},
		{"\n\na = {b={b={b={b={b={b={b={b={", 3},
		{"a = \"[[[[[[[[[[[[\"", 0},
		{"a = '[[[[[[[[[[[['\nb = '''\n[[[[[[[[[[[[\n'''\n", 0},
		{"a = \"\"\"\n\\\"\"\"[[[[[[[[[[[[\n\"\"\"\nb=[[[[[[[[[[", 4},
		{"a = \"\\\"[[[[[[[[[[[[\"", 0},
		{"# [[[[[[[[[[[[\n", 0},
		{"a = \"open\nb = [[[[[[[[[[", 2},
		{"a.a.a.a.a.a.a.a.a = 1", 0},
		{"a.a.a.a.a.a.a.a.a.a = 1", 1},
		{"a.a.a.a.a = 1.5\nb.b.b.b.b = 2", 0},
		{"[a]\n[b]\n]]]\n[[c]]", 0},
		{"a = '''open [[[[[[[[[[", 0},
	} {
		if got := tooNested(tt.text); got != tt.line {
			t.Errorf("tooNested(%q) = %d, want %d", tt.text, got, tt.line)
		}
	}
}

// What a program builds is checked as well, only without lines.
func TestValidate(t *testing.T) {
	c := Default("/data")
	c.Policy.Spam, c.Policy.Mixed = "", "x"
	c.Milter.Listen = append(c.Milter.Listen, "nonsense")
	var problems Problems
	if !errors.As(c.Validate(), &problems) || len(problems) != 3 {
		t.Fatalf("got %v", problems)
	}
	for _, p := range problems {
		if p.File != "" || p.Line != 0 || p.Key == "" {
			t.Errorf("problem %+v", p)
		}
	}
}
