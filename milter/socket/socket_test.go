package socket

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for spec, want := range map[string]Endpoint{
		"unix:/run/fanmill/m.sock":   {"unix", "/run/fanmill/m.sock"},
		"local:/run/m.sock":          {"unix", "/run/m.sock"},
		"inet:127.0.0.1:8891":        {"tcp", "127.0.0.1:8891"},
		"inet:8891@127.0.0.1":        {"tcp", "127.0.0.1:8891"},
		"inet:localhost:8891":        {"tcp", "localhost:8891"},
		"inet:8891@mail.example.com": {"tcp", "mail.example.com:8891"},
		"inet:[::1]:8891":            {"tcp", "[::1]:8891"},
		"inet6:[::1]:8891":           {"tcp6", "[::1]:8891"},
		"inet6:8891@::1":             {"tcp6", "[::1]:8891"},
		"inet6:8891@[::1]":           {"tcp6", "[::1]:8891"},
	} {
		if got, err := Parse(spec); err != nil || got != want {
			t.Errorf("Parse(%q) = %v, %v; want %v", spec, got, err, want)
		}
	}
	for spec, want := range map[string]string{
		"":                                  "no such form",
		"/run/m.sock":                       "no such form",
		"tcp:127.0.0.1:8891":                "write unix:/PATH, inet:HOST:PORT",
		"unix:m.sock":                       "must begin with /",
		"unix:/" + strings.Repeat("x", 107): "may have 107",
		"inet:8891":                         "inet:127.0.0.1:8891",
		"inet::8891":                        "host is missing",
		"inet:8891@":                        "host is missing",
		"inet:127.0.0.1:smtp":               "not a number",
		"inet:127.0.0.1:70000":              "not a number",
	} {
		if _, err := Parse(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want something with %q", spec, err, want)
		}
	}
}

func TestFindGroup(t *testing.T) {
	if _, err := FindGroup("no-such-group-here"); err == nil {
		t.Error("unknown group was found")
	}
	if gid, err := FindGroup(""); err != nil || gid != -1 {
		t.Errorf("no group is %d, %v", gid, err)
	}
}

// What is not a socket is never removed.
func TestOtherFilesStay(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.sock")
	old, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	for name, make := range map[string]func(string) error{
		"file":    func(p string) error { return os.WriteFile(p, []byte("precious"), 0o600) },
		"dir":     func(p string) error { return os.Mkdir(p, 0o700) },
		"symlink": func(p string) error { return os.Symlink(path, p) },
	} {
		p := filepath.Join(dir, name)
		if err := make(p); err != nil {
			t.Fatal(err)
		}
		_, err := listenUnix(p, Rights{Mode: 0o660, Group: -1})
		if err == nil || !strings.Contains(err.Error(), "not a socket") {
			t.Errorf("%s in the place of the socket: %v", name, err)
		}
		if _, err := os.Lstat(p); err != nil {
			t.Errorf("%s was removed: %v", name, err)
		}
	}
}

func TestOnlyTheOwnSocketIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.sock")
	first, err := listenUnix(path, Rights{Mode: 0o660, Group: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	second, err := listenUnix(path, Rights{Mode: 0o660, Group: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the successor's socket is gone: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the own socket stays: %v", err)
	}
}

func ExampleParse() {
	_, err := Parse("inet:8891")
	fmt.Println(err)
	// Output: listen on "inet:8891": host or port is missing; write inet:127.0.0.1:8891, or inet:0.0.0.0:PORT for every address
}
