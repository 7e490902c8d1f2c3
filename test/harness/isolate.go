package harness

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Isolated are the addresses of the loopback interface inside namespaces made by
// Isolate, and the names that they are looked up as.
var Isolated = []struct{ Addr, Name string }{
	{Stranger.Addr, Stranger.Name},
	{"192.0.2.25", "backup." + NextDomain},
	{"192.0.2.77", "trusted.example.net"},
	{"192.168.7.8", "desk.local"},
	{"198.51.100.20", ""}, // has no name
	{"198.51.100.21", "Host.Example.ORG"},
}

// isolatedName is the name of the host inside: Sendmail waits for a minute at its
// start where the name has no dot.
const isolatedName = "mx." + NextDomain

// inside marks a process that Isolate has started anew.
const inside = "FANMILL_ISOLATED"

// IsIsolated reports whether this process was started by Isolate.
func IsIsolated() bool { return os.Getenv(inside) != "" }

// Isolate starts the running test program anew in network, host name and mount
// namespaces of its own, with the environment added to, and does not return; in the
// program started anew it returns nil at once. No other network is seen from there,
// /run is empty, and every address of Isolated is one of the host's: Sendmail has no
// XCLIENT, so its clients must really come from the addresses they are known by.
//
// It needs root with the capability CAP_SYS_ADMIN. Call it before other goroutines
// have begun.
func Isolate(env ...string) error {
	if IsIsolated() {
		return nil
	}
	self, err := os.Executable()
	if err == nil {
		runtime.LockOSThread() // the thread that moves is the one that goes on
		err = enter()
	}
	if err == nil {
		err = syscall.Exec(self, os.Args, append(append(os.Environ(), inside+"=yes"), env...))
	}
	return fmt.Errorf("isolate the test (it needs root with CAP_SYS_ADMIN; in a container: docker run --privileged): %w", err)
}

// enter moves the calling thread into namespaces of its own.
func enter() error {
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("leave the host's namespaces: %w", err)
	}
	if err := unix.Sethostname([]byte(isolatedName)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to ourselves: %w", err)
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return fmt.Errorf("mount an empty /run: %w", err)
	}
	if err := hostsFile("/run/hosts"); err != nil {
		return err
	}
	return loopback()
}

// hostsFile puts a file of the isolated names over /etc/hosts.
func hostsFile(path string) error {
	text := "127.0.0.1 localhost\n::1 localhost\n"
	for _, h := range Isolated {
		if h.Name != "" {
			text += h.Addr + " " + h.Name + "\n"
		}
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write hosts: %w", err)
	}
	hosts, err := filepath.EvalSymlinks("/etc/hosts")
	if err != nil {
		return fmt.Errorf("find /etc/hosts: %w", err)
	}
	if err := unix.Mount(path, hosts, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount over %s: %w", hosts, err)
	}
	return nil
}

// loopback gives the interface lo its addresses (each on an alias, "lo:1") and turns
// it on.
func loopback() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("configure lo: %w", err)
	}
	defer unix.Close(s)
	ifreq, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("configure lo: %w", err)
	}
	ifreq.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, ifreq); err != nil {
		return fmt.Errorf("turn lo on: %w", err)
	}
	for i, h := range Isolated {
		if ifreq, err = unix.NewIfreq(fmt.Sprintf("lo:%d", i+1)); err != nil {
			return fmt.Errorf("configure lo: %w", err)
		}
		if err = ifreq.SetInet4Addr(net.ParseIP(h.Addr).To4()); err == nil {
			err = unix.IoctlIfreq(s, unix.SIOCSIFADDR, ifreq)
		}
		if err != nil {
			return fmt.Errorf("give lo the address %s: %w", h.Addr, err)
		}
	}
	return nil
}
