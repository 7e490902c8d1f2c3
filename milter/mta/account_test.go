package mta

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// self is who runs the test.
func self(t *testing.T) Account {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	a, err := Lookup(u.Username)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestLookup(t *testing.T) {
	me := self(t)
	if me.UID != uint32(os.Getuid()) || len(me.Groups) == 0 || me.Groups[0] != uint32(os.Getgid()) {
		t.Errorf("%+v is not uid %d gid %d", me, os.Getuid(), os.Getgid())
	}
	if a, err := Lookup(strconv.Itoa(os.Getuid())); err != nil || a.UID != me.UID {
		t.Errorf("by number: %+v, %v", a, err)
	}
	if _, err := Lookup("no-such-user"); err == nil || !strings.Contains(err.Error(), "no-such-user") {
		t.Errorf("got %v", err)
	}
}

// stranger is neither the owner of what the test makes, nor in its group.
var stranger = Account{Name: "stranger", UID: 4_000_001, Groups: []uint32{4_000_001}}

// TestRights: what the mode bits say, root finds to be so by trying it, for files,
// directories and sockets.
func TestRights(t *testing.T) {
	member := Account{Name: "member", UID: 4_000_002, Groups: []uint32{4_000_002, uint32(os.Getgid())}}
	top, err := os.MkdirTemp("", "fm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(top) })
	chmod(t, top, 0o755)
	for i, c := range []struct {
		who          Account
		folder, file fs.FileMode
		refused      string // what the refusal names: folder, file or nothing
	}{
		{stranger, 0o755, 0o666, ""},
		{stranger, 0o755, 0o660, "file"},
		{stranger, 0o750, 0o666, "folder"},
		{stranger, 0o754, 0o666, "folder"}, // may look, but not enter
		{stranger, 0o751, 0o666, ""},
		{member, 0o750, 0o660, ""},
		{member, 0o750, 0o640, "file"},
		{member, 0o705, 0o666, "folder"}, // the group's bits hold, not the others'
		{member, 0o750, 0o606, "file"},
	} {
		folder := filepath.Join(top, strconv.Itoa(i))
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, "file"), "")
		ln, err := net.Listen("unix", filepath.Join(folder, "socket"))
		if err != nil {
			t.Fatal(err)
		}
		go speak(ln, string(offer))
		t.Cleanup(func() { ln.Close() })
		chmod(t, filepath.Join(folder, "file"), c.file)
		chmod(t, filepath.Join(folder, "socket"), c.file)
		chmod(t, folder, c.folder)
		name := fmt.Sprintf("%s, %o %o", c.who.Name, c.folder, c.file)
		how, err := c.who.CanWrite(filepath.Join(folder, "file"))
		refusal(t, name+", file", how, err, c.refused, filepath.Join(folder, "file"))
		how, err = (&Client{Account: c.who}).Reach(t.Context(), Milter{Network: "unix", Address: filepath.Join(folder, "socket")})
		refusal(t, name+", socket", how, err, c.refused, filepath.Join(folder, "socket"))
	}
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// refusal compares a refusal with what is to be named in it.
func refusal(t *testing.T, what string, how How, err error, want, path string) {
	t.Helper()
	if tried := os.Getuid() == 0; tried != (how == Tried) {
		t.Errorf("%s: %s", what, how)
	}
	switch want {
	case "":
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	case "folder":
		path = filepath.Dir(path)
	}
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), " "+path+" (") {
		t.Errorf("%s: %v, want a refusal of %s", what, err, path)
	}
}

// TestRightsAreTheThreads: looking with another's rights leaves the process its own,
// and its root directory.
func TestRightsAreTheThreads(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "")
	for range 20 {
		_, _ = stranger.CanWrite(filepath.Join(dir, "file"))
		_, _ = stranger.try(dir, func() error { return nil })
	}
	if how, err := self(t).CanWrite(filepath.Join(dir, "file")); how != Tried || err != nil {
		t.Errorf("%s, %v", how, err)
	}
	if groups, err := os.Getgroups(); err != nil || len(groups) == 1 && groups[0] == int(stranger.Groups[0]) {
		t.Errorf("groups %v, %v", groups, err)
	}
}

// TestUnseen: who may not look is told so, not that the other may not write.
func TestUnseen(t *testing.T) {
	if os.Getuid() == 0 {
		if how, err := stranger.CanWrite("/proc/1/environ"); how != Tried || errors.Is(err, ErrUnseen) {
			t.Errorf("root sees everything: %s, %v", how, err)
		}
		return
	}
	dir := t.TempDir()
	inner := filepath.Join(dir, "inner")
	if err := os.Mkdir(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	chmod(t, dir, 0o600)
	defer chmod(t, dir, 0o700)
	top := Account{Name: "root"}
	if how, err := top.CanWrite(inner); how != ByModeBits || !errors.Is(err, ErrUnseen) || errors.Is(err, fs.ErrPermission) {
		t.Errorf("%s, %v", how, err)
	}
}

// TestDirectories: to write to a directory takes the right to enter it.
func TestDirectories(t *testing.T) {
	dir := t.TempDir()
	fi, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	me := self(t)
	if how, err := me.CanWrite(dir); how != Tried || err != nil {
		t.Errorf("%s, %v", how, err)
	}
	if _, err := me.CanWrite(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
	chmod(t, dir, 0o600)
	defer chmod(t, dir, fi.Mode())
	if fi, err = os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	owner := Account{Name: "owner", UID: uint32(os.Getuid()), Groups: []uint32{uint32(os.Getgid())}}
	if os.Getuid() != 0 && owner.has(fi, unix.W_OK|unix.X_OK) {
		t.Error("may write to a directory that it may not enter")
	}
}
