package main

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// batchNice is the niceness of commands that work for long.
const batchNice = 10

// beNice lets the process give way: mail that is to be scored does not wait for training.
// Linux gives each thread a niceness of its own, which threads that it starts inherit.
// Where it cannot be had, nothing is lost but time.
func beNice() {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range tasks {
		if tid, err := strconv.Atoi(t.Name()); err == nil && niceness(tid) < batchNice {
			_ = unix.Setpriority(unix.PRIO_PROCESS, tid, batchNice)
		}
	}
}

// niceness of a thread; the system call gives 20 less it, so that it is never negative.
func niceness(tid int) int {
	n, err := unix.Getpriority(unix.PRIO_PROCESS, tid)
	if err != nil {
		return batchNice
	}
	return 20 - n
}
