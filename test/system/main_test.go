//go:build system

// Package system is the end-to-end suite: the fanmill program as a real process
// behind a real, private Postfix with an SMTP sink as its next hop.
//
// It needs root and Postfix (`make setup` installs it) and fails without them.
// FANMILL_RACE=1 puts the race detector into the daemon, FANMILL_KILL_ROUNDS
// sets how often the stress test kills it (default 5).
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
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "fanmill-system"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(scratch); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
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
