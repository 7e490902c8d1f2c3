//go:build race

package store

// raceEnabled: the race detector multiplies the memory of a process.
const raceEnabled = true
