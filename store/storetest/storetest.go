// Package storetest has what the tests of ledger and history share.
package storetest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fanmill/classify"
	"fanmill/store/sqlite"
)

// Digest returns the nth of many digests.
func Digest(n int) (d classify.Digest) {
	binary.LittleEndian.PutUint64(d[:], uint64(n)*0x9E3779B97F4A7C15+1)
	return d
}

// Eventually waits for what another goroutine or process brings about.
func Eventually(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

// Log collects log lines.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Logger returns a logger that writes to l.
func (l *Log) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String returns all lines.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// Count returns how often text stands there.
func (l *Log) Count(text string) int { return strings.Count(l.String(), text) }

// SQL executes statements on a database.
func SQL(t testing.TB, path, statements string) {
	t.Helper()
	c, err := sqlite.Connect(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Run(statements), c.Close()); err != nil {
		t.Fatal(err)
	}
}

// Edit changes the bytes of a file.
func Edit(t testing.TB, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(b), 0o640)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// OnlyReading runs fn with dir and its files open for reading only. Root may do anything,
// so it looks at them as another user meanwhile.
func OnlyReading(t *testing.T, dir string, fn func()) {
	t.Helper()
	modes := func(folder, file os.FileMode) {
		entries, err := os.ReadDir(dir)
		if err = errors.Join(err, os.Chmod(dir, folder)); err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if err := os.Chmod(filepath.Join(dir, e.Name()), file); err != nil {
				t.Fatal(err)
			}
		}
	}
	modes(0o555, 0o444)
	defer modes(0o755, 0o644)
	if os.Geteuid() == 0 {
		if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // testing makes it for its user only
			t.Fatal(err)
		}
	}
	AsUser(t, fn)
}

// AsUser runs fn in this thread as somebody who is not root, as far as files are
// concerned: root may do anything.
func AsUser(t *testing.T, fn func()) {
	t.Helper()
	if os.Geteuid() == 0 {
		runtime.LockOSThread() // file rights are the thread's
		defer runtime.UnlockOSThread()
		const nobody = 65534
		if err := unix.Setfsuid(nobody); err != nil {
			t.Fatal(err)
		}
		defer unix.Setfsuid(0)
	}
	fn()
}
