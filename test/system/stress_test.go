//go:build system

package system

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// The daemon is killed (SIGKILL) at random moments while clients that retry send
// mail of all kinds: every message ends rejected, delivered or held, in exactly
// one place. FANMILL_KILL_ROUNDS sets the rounds.
func TestKillUnderLoad(t *testing.T) {
	rounds := 5
	if v := os.Getenv("FANMILL_KILL_ROUNDS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			t.Fatalf("FANMILL_KILL_ROUNDS=%q: want a number from 1", v)
		}
		rounds = n
	}
	s := newSite(t, plan{config: clearCutoffs})
	l := loadOn(s, 8)
	l.more(20)
	for range rounds {
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		check(t, s.Daemon.Kill())
		s.start()
		l.more(10)
	}
	l.end()
}
