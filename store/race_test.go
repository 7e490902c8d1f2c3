//go:build race

package store

import "flag"

// raceEnabled: the race detector multiplies the memory of a process.
const raceEnabled = true

// It also makes a sequence of decisions, with two processes and rebuilds beside them, some
// ten times slower. Without it there are four times as many (go test ./store).
func init() {
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
}
