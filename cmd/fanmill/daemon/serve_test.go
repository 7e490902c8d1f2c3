package daemon_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fanmill/cmd/fanmill/daemon"
	"fanmill/cmd/fanmill/daemon/daemontest"
)

// TestSupervisor watches what systemd is told.
func TestSupervisor(t *testing.T) {
	dir := daemontest.ShortDir(t)
	path := filepath.Join(dir, "notify")
	pc, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "40000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	a, _ := daemontest.Start(t, dir, daemontest.Filter)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hup := make(chan os.Signal, 1)
	done := make(chan error)
	go func() { done <- daemon.Supervise(ctx, a, hup, time.Second) }()
	told := func(want string) {
		t.Helper()
		buf := make([]byte, 1000)
		for {
			if err := pc.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			n, _, err := pc.ReadFrom(buf)
			if err != nil {
				t.Fatalf("systemd was not told %s: %v", want, err)
			}
			if strings.HasPrefix(string(buf[:n]), want) {
				return
			}
		}
	}
	told("READY=1")
	told("WATCHDOG=1")
	hup <- os.Interrupt
	told("RELOADING=1\nMONOTONIC_USEC=")
	told("READY=1")
	cancel()
	told("STOPPING=1")
	if err := <-done; err != nil {
		t.Error(err)
	}
}
