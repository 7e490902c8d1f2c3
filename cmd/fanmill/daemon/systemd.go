package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	systemd "github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// supervisor tells systemd how the daemon fares (sd_notify(3)). Without
// NOTIFY_SOCKET in the environment nothing is told to nobody.
type supervisor struct{ log *slog.Logger }

func (s supervisor) tell(state string) {
	if _, err := systemd.SdNotify(false, state); err != nil {
		s.log.Warn("systemd cannot be told", "state", state, "error", err)
	}
}

func (s supervisor) ready()    { s.tell(systemd.SdNotifyReady + "\nSTATUS=") }
func (s supervisor) stopping() { s.tell(systemd.SdNotifyStopping) }

// starting says what takes so long, and asks for more time from now on
// (TimeoutStartSec).
func (s supervisor) starting(status string, more time.Duration) {
	s.tell(fmt.Sprintf("STATUS=%s\nEXTEND_TIMEOUT_USEC=%d", status, more.Microseconds()))
}

// reloading needs the time of the monotonic clock (Type=notify-reload).
func (s supervisor) reloading() {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		s.log.Warn("systemd cannot be told", "state", systemd.SdNotifyReloading, "error", err)
		return
	}
	s.tell(fmt.Sprintf("%s\nMONOTONIC_USEC=%d", systemd.SdNotifyReloading, ts.Nano()/1000))
}

// watch sends the watchdog's keep-alives, twice as often as asked for, as long
// as alive says so and until ctx ends.
func (s supervisor) watch(ctx context.Context, alive func() error) {
	every, err := systemd.SdWatchdogEnabled(false)
	if err != nil || every <= 0 {
		return
	}
	tick := time.NewTicker(every / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := alive(); err != nil {
			s.log.Error("not telling the watchdog that all is well", "error", err)
			continue
		}
		s.tell(systemd.SdNotifyWatchdog)
	}
}

// activated returns the listening sockets that systemd handed over
// (systemd.socket(5)), none where it did not.
func activated() ([]net.Listener, error) {
	ls, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("take sockets from systemd: %w", err)
	}
	for i, l := range ls {
		if l == nil {
			return nil, fmt.Errorf("take sockets from systemd: descriptor %d is not a listening socket", 3+i)
		}
	}
	return ls, nil
}
