// Package imports tests the walls of the house: which room may know which
// other, what the pure rooms must not touch, and how large a file may grow.
// The rules stand in docs/design.md, section 1; the table here is what holds
// them up. Tests themselves may import any room, since they drive rooms
// together; only what is built into the program is judged.
package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "fanmill"

// maxLines is how long a file that is not a test may be.
const maxLines = 500

// all stands in the table for a room that may know every other.
const all = "*"

// arrows maps a room to the rooms it may import, each with the reason.
var arrows = map[string]map[string]string{
	"classify": {},
	"policy": {
		"classify": "cut-offs turn a score into a verdict, the client is part of the envelope",
	},
	"headers": {
		"classify": "a header states the verdict, the score and the clues",
		"policy":   "a header names the outcome",
	},
	"store": {
		"classify": "the model answers classify.Model; rows carry digests, features and scores",
	},
	"training": {
		"classify": "what is learned is the features of a message",
		"store":    "what is learned goes into the ledger",
	},
	"spool":  {},
	"submit": {},
	"config": {
		"classify": "the [classify] section is classify.Options, checked by it",
		"policy":   "rules are compiled while the file and line of an error are known",
	},
	"milter": {
		"classify": "feeds the stream stage by stage",
		"policy":   "asks for the outcome",
		"headers":  "adds ours and strips forged ones",
		"spool":    "holds, and knows what is held, decided or on its way out",
		"store":    "looks the model up and writes history",
	},
	"review": {
		"classify": "explains a held message",
		"policy":   "shows by which rule a message is held",
		"headers":  "strips verdict headers from what it exports",
		"spool":    "lists and decides held messages",
		"store":    "shows the history of a message",
		"submit":   "releases",
		"training": "learns from the decision",
	},
	"gate": {
		"classify": "scores what comes through a pipe",
		"policy":   "applies the same rules as at SMTP time",
		"headers":  "writes the verdict into the message",
		"spool":    "holds for the moderator",
		"store":    "opens the model",
		"submit":   "hands on what passed",
		"training": "learns what is sent to the training address",
	},
	"control": {
		"classify": "answers score requests",
		"policy":   "rights of peers are rules",
		"spool":    "types of the held list",
		"store":    "status of ledger and model",
		"training": "learn requests",
		"review":   "decisions about held messages",
	},
	"cmd":  {all: "wiring, and commands"},
	"test": {all: "end-to-end suites drive the rooms from outside"},
	// No Go inside; a room all the same, so that a stray program is noticed.
	"contrib": {},
}

// walls are those within a room, and around a module that one package stands for: may
// tells which packages may import the one at to.
var walls = []struct {
	to, why string
	may     func(path string) bool
}{
	{
		"github.com/mattn/go-sqlite3", "store/sqlite says how databases are opened, and what their errors mean",
		func(path string) bool { return path == module+"/store/sqlite" },
	},
	{
		module + "/store/sqlite", "the model in memory knows no database",
		func(path string) bool { return path != module+"/store/model" },
	},
	{
		module + "/store/history", "the ledger is read where there is no history",
		func(path string) bool { return room(path) != "store" },
	},
	{
		module + "/store/ledger", "the history is written where there is no ledger",
		func(path string) bool { return path != module+"/store/history" },
	},
	{
		module + "/store/follow", "store says whose turn it is to change the model",
		func(path string) bool { return path == module+"/store" },
	},
	{
		module + "/store", "what stands below it knows no transaction",
		func(path string) bool { return !strings.HasPrefix(path, module+"/store/") },
	},
	{
		module + "/classify/extract", "a message is read by classify.Stream; words that another filter has counted are no message",
		only("/classify", "/training/rival"),
	},
	{
		module + "/classify/attached", "what is attached is a matter of reading messages, and of rules",
		only("/classify", "/classify/extract", "/policy", "/policy/match"),
	},
	{module + "/classify/canon", "the canonical form has one reader", only("/classify", "/classify/extract")},
	{module + "/classify/received", "others have classify.Client", only("/classify", "/classify/extract")},
	{module + "/classify/feature", "to others a feature is a number", only("/classify", "/classify/extract")},
	{module + "/classify/grams", "to others a bucket is a number", only("/classify", "/classify/extract")},
	{module + "/classify/exact", "scores are made in one place", only("/classify")},
}

// only allows the packages with these paths in the module.
func only(paths ...string) func(path string) bool {
	return func(path string) bool { return slices.Contains(paths, strings.TrimPrefix(path, module)) }
}

// program is the package of the program, and groups are those below it that hold
// commands: each with the other groups that may know it, beside the program.
const program = module + "/cmd/fanmill"

var groups = map[string][]string{
	program + "/configured": nil,
	program + "/daemon":     {program + "/daemon/daemontest"},
	program + "/daytable":   {program + "/insight"}, // stats prints the daily table too
	program + "/doctor":     nil,
	program + "/exhaustion": nil,
	program + "/labels":     nil,
	program + "/mailboxes":  {program + "/exhaustion"}, // which names and makes mailboxes as they do
	program + "/measure":    nil,
	program + "/messages":   nil,
	program + "/moving":     nil,
	program + "/past":       nil,
}

// wallFault returns why the package at from must not import the one at to, or "" when it
// may.
func wallFault(from, to string) string {
	if known, group := groups[to]; group && from != program && !slices.Contains(known, from) {
		return "a group of commands is for the table of commands alone"
	}
	for _, w := range walls {
		if w.to == to && !w.may(from) {
			return w.why
		}
	}
	return ""
}

// pure lists the rooms without I/O, clock or logger, and impure what they must
// therefore not import: a package and all below it, save for the exceptions.
var (
	pure   = []string{"classify", "policy"}
	impure = map[string]string{
		"context":       "nothing in a pure room waits",
		"crypto/rand":   "the same bytes give the same result",
		"database/sql":  "no I/O",
		"io/fs":         "no I/O",
		"io/ioutil":     "no I/O",
		"log":           "no logger: what is worth saying is returned",
		"math/rand":     "the same bytes give the same result",
		"net":           "no I/O",
		"os":            "no I/O",
		"path/filepath": "no I/O",
		"runtime/debug": "no process",
		"syscall":       "no I/O",
		"time":          "no clock: budgets count work",
	}
	pureAnyway = []string{"net/mail", "net/netip", "net/textproto", "net/url"}
)

// pkg is what `go list -json` says of a package, as far as it matters here.
type pkg struct {
	ImportPath     string
	Dir            string
	Imports        []string
	GoFiles        []string
	CgoFiles       []string
	IgnoredGoFiles []string
}

// room returns the room of an import path, "" when it is not ours.
func room(path string) string {
	below, ours := strings.CutPrefix(path, module+"/")
	if !ours {
		return ""
	}
	name, _, _ := strings.Cut(below, "/")
	return name
}

// root returns the directory of the module.
func root(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Fatalf("find the module: %v", describe(err))
	}
	return strings.TrimSpace(string(out))
}

func describe(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("%w\n%s", err, exit.Stderr)
	}
	return err
}

// list returns every package of the module, seen with the given build tags.
func list(t *testing.T, tags string) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json", "-tags", tags, "./...")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list packages: %v", describe(err))
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("read the list of packages: %v", err)
		}
		pkgs = append(pkgs, p)
	}
	if len(pkgs) == 0 {
		t.Fatal("the module has no package: this test would find nothing")
	}
	return pkgs
}

// arrowFault returns why the package at from must not import the one at to, or
// "" when it may.
func arrowFault(from, to string) string {
	source, target := room(from), room(to)
	allowed, known := arrows[source]
	switch {
	case !known:
		return fmt.Sprintf("room %q is not in the table: give it its place in docs/design.md and here", source)
	case target == "" || target == source:
		return ""
	case allowed[all] != "" || allowed[target] != "":
		return ""
	}
	return fmt.Sprintf("room %q may not know room %q: declare an interface where it is used", source, target)
}

// purityFault returns why a pure room must not import path, or "" when it may.
func purityFault(path string) string {
	if slices.Contains(pureAnyway, path) {
		return ""
	}
	for banned, reason := range impure {
		if path == banned || strings.HasPrefix(path, banned+"/") {
			return reason
		}
	}
	return ""
}

func TestRoomsKnowOnlyWhomTheyMay(t *testing.T) {
	for _, p := range list(t, "system") {
		if p.ImportPath == module {
			t.Errorf("%s: no Go file belongs at the top of the repository", p.ImportPath)
			continue
		}
		for _, imported := range append(p.Imports, p.ImportPath) {
			if fault := arrowFault(p.ImportPath, imported); fault != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, fault)
			}
		}
	}
}

func TestWallsWithinRooms(t *testing.T) {
	for _, p := range list(t, "system") {
		for _, imported := range p.Imports {
			if fault := wallFault(p.ImportPath, imported); fault != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, fault)
			}
		}
	}
}

func TestPureRoomsTouchNothing(t *testing.T) {
	for _, p := range list(t, "") {
		if !slices.Contains(pure, room(p.ImportPath)) {
			continue
		}
		for _, imported := range p.Imports {
			if fault := purityFault(imported); fault != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, fault)
			}
		}
	}
}

// The session is a table of events and outcomes; only the adapter beside it
// speaks the library's language.
func TestSessionKnowsNoMilterLibrary(t *testing.T) {
	path := filepath.Join(root(t), "milter", "session.go")
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatalf("read the session: %v", err)
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(imported, "go-milter") {
			t.Errorf("milter/session.go imports %s: that belongs in milter/adapter.go", imported)
		}
	}
}

func TestFilesStaySmall(t *testing.T) {
	for _, p := range list(t, "") {
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.IgnoredGoFiles) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(text, []byte("\n")); n > maxLines {
				t.Errorf("%s/%s has %d lines, more than %d: divide it", p.ImportPath, name, n, maxLines)
			}
		}
	}
}

// Every module we ask for ourselves has its reason in docs/dependencies.md.
func TestDependenciesAreExplained(t *testing.T) {
	cmd := exec.Command("go", "list", "-m", "-f", "{{if not (or .Main .Indirect)}}{{.Path}}{{end}}", "all")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list modules: %v", describe(err))
	}
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		if !strings.Contains(string(text), "`"+path+"`") {
			t.Errorf("docs/dependencies.md does not say why %s is needed", path)
		}
	}
}

// The rules themselves are tested on arrows that must be refused, so that a
// slip in the table's reading cannot make the tests above pass for nothing.
func TestRulesRefuse(t *testing.T) {
	for _, c := range []struct {
		from, to string
		refused  bool
	}{
		{"fanmill/classify", "fanmill/store", true},
		{"fanmill/classify/mime", "fanmill/classify/words", false},
		{"fanmill/classify/mime", "fanmill/policy", true},
		{"fanmill/spool", "fanmill/classify", true},
		{"fanmill/training/eval", "fanmill/store", false},
		{"fanmill/policy", "fanmill/config", true},
		{"fanmill/milter", "fanmill/training", true},
		{"fanmill/review/web", "fanmill/submit", false},
		{"fanmill/cmd/fanmill", "fanmill/milter", false},
		{"fanmill/attic", "strings", true},
		{"fanmill/store", "database/sql", false},
	} {
		if got := arrowFault(c.from, c.to) != ""; got != c.refused {
			t.Errorf("%s -> %s refused: %v, want %v", c.from, c.to, got, c.refused)
		}
	}
	for _, c := range []struct {
		from, to string
		refused  bool
	}{
		{"fanmill/store/sqlite", "github.com/mattn/go-sqlite3", false},
		{"fanmill/store", "github.com/mattn/go-sqlite3", true},
		{"fanmill/store/model", "fanmill/store/sqlite", true},
		{"fanmill/store/history", "fanmill/store/sqlite", false},
		{"fanmill/store/history", "fanmill/store", true},
		{"fanmill/store", "fanmill/store/history", true},
		{"fanmill/store/query", "fanmill/store/history", true},
		{"fanmill/milter", "fanmill/store/history", false},
		{"fanmill/store/history", "fanmill/store/ledger", true},
		{"fanmill/store/dump", "fanmill/store/ledger", false},
		{"fanmill/store/renew", "fanmill/store", true},
		{"fanmill/store/query", "fanmill/store/follow", true},
		{"fanmill/training", "fanmill/store/follow", true},
		{"fanmill/training", "fanmill/store", false},
		{"fanmill/classify", "fanmill/classify/exact", false},
		{"fanmill/classify/extract", "fanmill/classify/exact", true},
		{"fanmill/policy/match", "fanmill/classify/attached", false},
		{"fanmill/milter", "fanmill/classify/extract", true},
		{"fanmill/store/model", "fanmill/classify/grams", true},
		{"fanmill/cmd/fanmill", "fanmill/cmd/fanmill/doctor", false},
		{"fanmill/cmd/fanmill/cli", "fanmill/cmd/fanmill/doctor", true},
		{"fanmill/cmd/fanmill/insight", "fanmill/cmd/fanmill/daytable", false},
		{"fanmill/cmd/fanmill/moving", "fanmill/cmd/fanmill/mailboxes", true},
		{"fanmill/cmd/fanmill/judge", "fanmill/cmd/fanmill/labels", true},
		{"fanmill/cmd/fanmill/desk", "fanmill/cmd/fanmill/daemon", true},
	} {
		if got := wallFault(c.from, c.to) != ""; got != c.refused {
			t.Errorf("wall: %s -> %s refused: %v, want %v", c.from, c.to, got, c.refused)
		}
	}
	for path, refused := range map[string]bool{
		"os": true, "os/exec": true, "net": true, "net/http": true, "net/netip": false, "log/slog": true,
		"time": true, "database/sql": true, "database/sql/driver": true, "strings": false, "net/mail": false,
	} {
		if got := purityFault(path) != ""; got != refused {
			t.Errorf("purity: %s refused: %v, want %v", path, got, refused)
		}
	}
}
