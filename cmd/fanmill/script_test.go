package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // to make ledgers older
	"github.com/rogpeppe/go-internal/testscript"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/daemon/daemontest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"fanmill": scriptMain})
}

// scriptMain is main as the scripts run it: the same, less this machine's own
// data directory, configuration, port and MTA.
func scriptMain() {
	e := systemEnv()
	e.DefaultData = filepath.Join(os.Getenv("WORK"), "no-such-default")
	e.DefaultConfig = filepath.Join(os.Getenv("WORK"), "no-such-default.toml")
	e.DefaultInet = "inet:127.0.0.1:0"
	e.Postconf = filepath.Join(os.Getenv("WORK"), "no-such-postconf")
	e.SendmailCf = filepath.Join(os.Getenv("WORK"), "sendmail.cf")
	ctx, stop := cli.WithSignals(context.Background())
	code := Main(ctx, os.Args[1:], e)
	stop()
	os.Exit(code)
}

// TestScripts runs testdata/script. Beside testscript's own commands there are
//
//	exits CODE PROGRAM [ARG...]   the program must exit with exactly this code
//	await PATH                    wait for a unix socket to answer
//	soon PATTERN PROGRAM [ARG...] run it until its output matches, for 3 seconds
//	expand FILE                   replace $WORK in a file
//	id NAME CONDITION...          set $NAME to the id of the one held message that
//	                              `held list` finds
//	idin NAME FILE               set $NAME to the one id that a line of a file has
//	deliver ADDRESS FILE SENDER RCPT...   show a message to a milter; the answer
//	                              stands on standard output
//	mbox ham|spam N FILE          write N short messages of one class, enough of
//	                              which (20) make the filter sure of others
//	corpus N INDEX                write N such messages of each class, a file for each,
//	                              and an index that names ham and spam in turn
//	older LEDGER                  make a ledger one of the feature version before
//	sql LEDGER STATEMENT          change a ledger behind fanmill's back
//	damage gzip|zstd|bzip2 PATH   write a mailbox in this form and cut it short
//	damage large|fifo PATH        write a message over the limit, or make a pipe
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("FANMILL_DATA", filepath.Join(e.WorkDir, "data"))
			e.Setenv("PORT", freePort(t))
			e.Setenv("TZ", "UTC")
			e.Setenv("GORACE", "atexit_sleep_ms=0") // under -race each process would wait a second for its end
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "await": await, "soon": soon, "mbox": mbox, "deliver": deliverCmd, "expand": expand, "id": id, "idin": idIn, "corpus": corpusCmd,
			"damage": damage, "older": older, "sql": sqlCmd,
		},
	})
}

// freePort finds a port that nobody listens on.
func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// older makes a ledger one of the feature version before.
func older(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: older LEDGER")
	}
	change(ts, args[0], "UPDATE meta SET value = value - 1 WHERE key = 'features'")
}

func sqlCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sql LEDGER STATEMENT")
	}
	change(ts, args[0], args[1])
}

func change(ts *testscript.TestScript, ledger, statement string) {
	db, err := sql.Open("sqlite3", ts.MkAbs(ledger))
	ts.Check(err)
	_, err = db.Exec(statement)
	ts.Check(errors.Join(err, db.Close()))
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if x := new(exec.ExitError); errors.As(err, &x) {
		got = x.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await PATH")
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("unix", ts.MkAbs(args[0]))
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("nobody listens: %v", err)
		}
	}
}

func soon(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: soon PATTERN PROGRAM [ARG...]")
	}
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	for end := time.Now().Add(3 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		ts.Check(ts.Exec(args[1], args[2:]...))
		out := ts.ReadFile("stdout")
		if want.MatchString(out) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("after 3 s the output does not match:\n%s", out)
		}
	}
}

func expand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: expand FILE")
	}
	text := strings.NewReplacer("$WORK", ts.Getenv("WORK"), "$PORT", ts.Getenv("PORT")).Replace(ts.ReadFile(args[0]))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

func id(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: id NAME CONDITION...")
	}
	ts.Check(ts.Exec("fanmill", append([]string{"held", "list", "--ids"}, args[1:]...)...))
	ids := strings.Fields(ts.ReadFile("stdout"))
	if len(ids) != 1 {
		ts.Fatalf("%d messages are found", len(ids))
	}
	ts.Setenv(args[0], ids[0])
}

func idIn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: idin NAME FILE")
	}
	var ids []string
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		if id, ok := cli.FindID(line); ok {
			ids = append(ids, id)
		}
	}
	if len(ids) != 1 {
		ts.Fatalf("%d ids are found", len(ids))
	}
	ts.Setenv(args[0], ids[0])
}

func deliverCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: deliver ADDRESS FILE SENDER RCPT...")
	}
	network, address := split(args[0])
	if network == "unix" {
		address = ts.MkAbs(address)
	}
	a, err := daemontest.Deliver(network, address, []byte(ts.ReadFile(args[1])), args[2], args[3:]...)
	ts.Check(err)
	fmt.Fprint(ts.Stdout(), a)
}

func mbox(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: mbox ham|spam N FILE")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(daemontest.Letters(args[0], n)), 0o644))
}

func corpusCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: corpus N INDEX")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	dir := ts.MkAbs(args[1] + ".d")
	ts.Check(os.Mkdir(dir, 0o755))
	var index strings.Builder
	messages := map[string][]string{}
	for _, class := range []string{"ham", "spam"} {
		messages[class] = strings.Split("\n\n"+daemontest.Letters(class, n), "\n\nFrom ")[1:]
	}
	for i := range n {
		for _, class := range []string{"ham", "spam"} {
			path := filepath.Join(dir, fmt.Sprint(class, i))
			ts.Check(os.WriteFile(path, []byte("From "+messages[class][i]), 0o644))
			fmt.Fprintf(&index, "%s %s\n", class, path)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(index.String()), 0o644))
}

// split parts an address as the configuration writes it.
func split(spec string) (network, address string) {
	if path, ok := strings.CutPrefix(spec, "unix:"); ok {
		return "unix", path
	}
	return "tcp", strings.TrimPrefix(spec, "inet:")
}
