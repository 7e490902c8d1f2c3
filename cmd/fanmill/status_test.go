package main

import (
	"strings"
	"testing"
	"time"

	"fanmill/control"
)

// TestStatusText: lines that are about nothing are left out, and text from elsewhere is
// escaped.
func TestStatusText(t *testing.T) {
	quiet := control.Status{Version: "1", Data: "/data", Listen: []string{"unix:a", "inet:b"}}
	busy := quiet
	busy.Config, busy.Observe, busy.Delayed, busy.Reloads, busy.Reloaded = "/etc/f.toml", true, 2, 1, time.Unix(0, 0)
	busy.LastFail, busy.Restart, busy.Warnings = "line 3\x1b", []string{"milter.listen"}, []string{"a list shrank"}
	more := []string{
		"config:   /etc/f.toml", "mode:     observes only", "delayed:  2 not back yet", "reloaded: 1 times, last ",
		`refused:  line 3\x1b`, "waits:    milter.listen: changed, in force after a restart", "warning:  a list shrank",
	}
	few := []string{"listens:  unix:a, inet:b", "config:   none, built-in defaults", "mode:     filters"}
	for _, c := range []struct {
		in         control.Status
		want, none []string
	}{{quiet, few, more}, {busy, append(more, few[0]), few[1:]}} {
		got := statusText(c.in)
		for _, line := range c.want {
			if !strings.Contains(got, line) {
				t.Errorf("no %q in\n%s", line, got)
			}
		}
		for _, line := range c.none {
			if strings.Contains(got, line) {
				t.Errorf("%q in\n%s", line, got)
			}
		}
	}
}
