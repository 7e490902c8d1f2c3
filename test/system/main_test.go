//go:build system

// Package system is the end-to-end suite: the fanmill program as a real process
// behind a real, private Postfix or Sendmail with an SMTP sink as its next hop.
//
// It needs root, Postfix and Sendmail (`make setup` installs the one and unpacks the
// other) and fails without them. It runs in a network of its own, where it can send
// mail from public addresses. FANMILL_RACE=1 puts the race detector into the daemon,
// FANMILL_KILL_ROUNDS sets how often the stress test kills it (default 5).
package system

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"fanmill/test/harness"
)

// scratch is removed at the end.
var scratch = os.Getenv(scratchName)

const scratchName = "FANMILL_TEST_SCRATCH"

func TestMain(m *testing.M) {
	if scratch == "" {
		if err := isolate(); err != nil { // then Sendmail's tests fail
			fmt.Fprintln(os.Stderr, err)
		}
	}
	code := m.Run()
	if err := os.RemoveAll(scratch); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// isolate moves the suite into a network of its own, where it goes on in TestMain.
// What can only be had outside, modules to build the program from, is fetched before.
func isolate() (err error) {
	if scratch, err = os.MkdirTemp("", "fanmill-system"); err != nil {
		return fmt.Errorf("make a directory for the suite: %w", err)
	}
	if _, err := program(); err != nil {
		return err
	}
	return harness.Isolate(scratchName + "=" + scratch)
}

// program builds the fanmill under test, once; the first test that asks waits.
// (Not in TestMain: what happens before m.Run is hidden from the test cache.)
var program = sync.OnceValues(func() (string, error) {
	return harness.Build(context.Background(), scratch, os.Getenv("FANMILL_RACE") == "1")
})

// trained makes, once, a data directory trained on composed mail, for the sites
// to copy.
var trained = sync.OnceValues(func() (string, error) {
	p, err := program()
	if err != nil {
		return "", err
	}
	return train(&harness.Daemon{Program: p, Data: filepath.Join(scratch, "trained")})
})

// train makes a data directory with 80 + 80 composed messages learned.
func train(d *harness.Daemon) (string, error) {
	for _, k := range []kind{ham, spam} {
		dir := filepath.Join(scratch, "mail", k.String())
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
		for n := range 80 {
			name := filepath.Join(dir, fmt.Sprintf("%03d", n))
			if err := os.WriteFile(name, compose(k, 1_000_000+n), 0o644); err != nil {
				return "", err
			}
		}
		if _, err := d.Run("train", "--all", "--"+k.String(), dir); err != nil {
			return "", fmt.Errorf("train the suite's model: %w", err)
		}
	}
	return d.Data, nil
}
