package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// raw sends a request as it stands and returns status and error code.
func raw(t *testing.T, dir, request string) (int, string) {
	t.Helper()
	hc := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", filepath.Join(dir, SocketName))
	}}}
	defer hc.CloseIdleConnections()
	method, path, _ := strings.Cut(request, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, "http://fanmill"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := hc.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out struct{ Error *Error }
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatalf("%s: the answer is no JSON: %v", request, err)
	}
	if out.Error == nil {
		return resp.StatusCode, ""
	}
	return resp.StatusCode, out.Error.Code
}

func TestBadRequests(t *testing.T) {
	svc := &service{}
	_, dir := start(t, svc, &rootPeer, nil)
	for _, c := range []struct {
		request string
		status  int
		code    string
	}{
		{"GET /", 404, "unknown"},
		{"GET /v2/status", 404, "unknown"},
		{"GET /v1/score", 405, "unknown"},
		{"POST /v1/status", 405, "unknown"},
		{"DELETE /v1/held", 405, "unknown"},
		{"DELETE /v1/held/" + heldID, 405, "unknown"},
		{"GET /v1/held/" + heldID + "/ham", 405, "unknown"}, // nothing is done on GET
		{"POST /v1/held/" + heldID + "/eat", 400, "bad_request"},
		{"POST /v1/held/..%2f..%2fetc/ham", 404, "not_held"},
		{"POST /v1/held/0123456789ABCDEF/ham", 404, "not_held"},
		{"GET /v1/held/fedcba9876543210", 404, "not_held"},
		{"GET /v1/held/fedcba9876543210/message", 404, "not_held"},
		{"POST /v1/held/" + heldID + "/release?again=1", 400, "bad_request"},
		{"GET /v1/held?box=tmp", 400, "bad_request"},
		{"GET /v1/held?limit=-1", 400, "bad_request"},
		{"GET /v1/stats?days=many", 400, "bad_request"},
		{"GET /v1/stats?mislabels=-1", 400, "bad_request"},
		{"GET /v1/stats?mislabels=1001", 400, "bad_request"},
		{"POST /v1/learn", 400, "bad_request"},
		{"POST /v1/learn?class=ham&scope=a%0ab", 400, "bad_request"},
		{"POST /v1/learn?class=ham&id=..%2f..%2fetc", 400, "bad_request"},
		{"POST /v1/learn?class=ham&many=true&id=" + heldID, 400, "bad_request"},
		{"POST /v1/score?scope=%ff", 400, "bad_request"},
		{"GET /v1/stats?scope=%1b[2J", 400, "bad_request"},
		{"GET /v1/stats?scope=" + strings.Repeat("x", 256), 400, "bad_request"},
		{"POST /v1/learn?class=eggs", 400, "bad_request"},
		{"POST /v1/learn?class=ham&many=1", 400, "bad_request"},
		{"POST /v1/settle?scope=%1b[2J", 400, "bad_request"},
		{"GET /v1/settle", 405, "unknown"},
		{"POST /v1/score?clues=151", 400, "bad_request"},
		{"POST /v1/score?sources=21", 400, "bad_request"},
	} {
		status, code := raw(t, dir, c.request)
		if status != c.status || code != c.code {
			t.Errorf("%s: %d %s, want %d %s", c.request, status, code, c.status, c.code)
		}
	}
	if len(svc.calls) != 0 {
		t.Errorf("bad requests reached the service: %q", svc.calls)
	}
}

func TestOversizedRequests(t *testing.T) {
	svc := &service{}
	c, dir := start(t, svc, &rootPeer, func(o *Options) { o.MaxMessage = 1000 })
	if _, err := c.Score(t.Context(), ScoreRequest{}, strings.NewReader(strings.Repeat("x", 1000))); err != nil {
		t.Errorf("a message of the greatest size: %v", err)
	}
	_, err := c.Score(t.Context(), ScoreRequest{}, strings.NewReader(strings.Repeat("x", 1001)))
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("a message above it: %v, want %v", err, ErrTooLarge)
	}
	_, err = c.Learn(t.Context(), LearnRequest{Class: "ham"}, io.LimitReader(zeros{}, 50<<20))
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("a message far above it: %v, want %v", err, ErrTooLarge)
	}
	conn, err := net.Dial("unix", filepath.Join(dir, SocketName))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "GET /v1/status HTTP/1.1\r\nHost: x\r\nX-Long: %s\r\n\r\n", strings.Repeat("y", 4*maxHeader))
	answer, _ := io.ReadAll(conn)
	if !bytes.HasPrefix(answer, []byte("HTTP/1.1 431 ")) {
		t.Errorf("64 kB of header fields: %q", cut(string(answer), 100))
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestDialWithoutDaemon(t *testing.T) {
	dir := t.TempDir()
	if _, err := Dial(t.Context(), dir); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("no socket: %v, want %v", err, ErrNoDaemon)
	}
	path := filepath.Join(dir, SocketName)
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), dir); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("stale socket: %v, want %v", err, ErrNoDaemon)
	}
	if _, err := Dial(t.Context(), filepath.Join(dir, strings.Repeat("long/", 40))); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("path too long for a socket: %v, want %v", err, ErrNoDaemon)
	}
	s, err := New(Options{Path: path, GID: -1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("a stale socket is in the way: %v", err)
	}
	s.Start()
	if fi, err := os.Lstat(path); err != nil || fi.Mode().Perm() != 0o660 {
		t.Errorf("socket has mode %v (%v), want 0660", fi.Mode(), err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("socket is there after Stop: %v", err)
	}
}

func TestListenLeavesOtherFilesAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), SocketName)
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Path: path, GID: -1, Logger: slog.New(slog.DiscardHandler)}); err == nil {
		t.Fatal("a socket was put over a file")
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "precious" {
		t.Errorf("the file holds %q (%v)", got, err)
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	if _, err := New(Options{Path: long, GID: -1, Logger: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("a path too long for a socket: %v", err)
	}
}

// TestManyConnections fills all slots with idle connections; one that ends
// makes room again.
func TestManyConnections(t *testing.T) {
	c, dir := start(t, &service{}, &rootPeer, func(o *Options) { o.MaxConns = 3 })
	c.Close()
	var idle []net.Conn
	for range 3 {
		conn, err := net.Dial("unix", filepath.Join(dir, SocketName))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		idle = append(idle, conn)
	}
	for _, conn := range idle {
		_ = conn.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		_, err := c.Status(ctx)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("no connection became free: %v", err)
		}
	}
}

func TestStopWithoutStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), SocketName)
	s, err := New(Options{Path: path, GID: -1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// TestMain lets the test program be the other process of TestOtherProcess.
func TestMain(m *testing.M) {
	dir := os.Getenv("CONTROL_TEST_ASK")
	if dir == "" {
		os.Exit(m.Run())
	}
	c, err := Dial(context.Background(), dir)
	if err == nil {
		_, err = c.Status(context.Background())
	}
	switch {
	case err == nil:
		fmt.Println("answered")
	case errors.Is(err, ErrForbidden):
		fmt.Println("forbidden")
	default:
		fmt.Println(err)
	}
	os.Exit(0)
}

// TestOtherProcess asks from another process, for root also as another user:
// the kernel's word on user and groups decides.
func TestOtherProcess(t *testing.T) {
	const otherUID, otherGID = 65534, 54321
	var cred *syscall.Credential
	group := uint32(os.Getgid())
	if os.Geteuid() == 0 {
		cred = &syscall.Credential{Uid: otherUID, Gid: otherUID, Groups: []uint32{otherGID}}
		group = otherGID
	}
	for want, gid := range map[string]uint32{"answered": group, "forbidden": NoGroup - 1} {
		dir, err := os.MkdirTemp("", "fm")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		s, err := New(Options{
			Path: filepath.Join(dir, SocketName), GID: -1, Mode: 0o666, Access: Access{UID: otherUID + 1, GID: gid},
			Keeper: &service{}, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		if got := askAs(t, cred, dir); got != want {
			t.Errorf("a process with the groups of %+v is told %q, want %q", cred, got, want)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// askAs runs this program as the user and returns what it says. The program
// is copied to where every user may run it.
func askAs(t *testing.T, cred *syscall.Credential, dir string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ask")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path)
	cmd.Env = []string{"CONTROL_TEST_ASK=" + dir, "GORACE=atexit_sleep_ms=0"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestScopeOfPeer: addresses map to scopes before rights are looked at, and whoever maps
// to the site has no scope, not the site's.
func TestScopeOfPeer(t *testing.T) {
	names := map[string]string{"anna": "anna@example.org", "anna@example.org": "anna@example.org", "Anna+x": "anna@example.org", "ben": "ben@example.org"}
	a := Access{UID: 990, GID: NoGroup, ScopeOf: func(address string) string { return names[address] }}
	anna, nobody, root := Peer{UID: 1000, Name: "anna"}, Peer{UID: 1001, Name: "nobody"}, Peer{Name: "root"}
	for _, c := range []struct {
		peer        Peer
		asked, want string
		err         error
	}{
		{anna, "", "anna@example.org", nil},
		{anna, "Anna+x", "anna@example.org", nil},
		{anna, "ben", "", ErrForbidden},
		{anna, "noreply", "", ErrForbidden},
		{nobody, "", "", ErrForbidden},
		{nobody, "noreply", "", ErrForbidden},
		{root, "", "", nil},
		{root, "ben", "ben@example.org", nil},
		{root, "noreply", "", ErrRequest},
	} {
		if got, err := a.Scope(c.peer, c.asked); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s asks for %q: scope %q, error %v, want %q, %v", c.peer.Name, c.asked, got, err, c.want, c.err)
		}
	}
}
