package harness

import (
	"context"
	"errors"
	"slices"
	"time"
)

// MTA is a private mail server, Postfix or Sendmail: what the cases that run behind
// both need of one. Start and Stop are not for concurrent use.
type MTA interface {
	Door() Doors
	// Start starts a server that was stopped, with its old ports and queue.
	Start(ctx context.Context) error
	Stop() error
	// Queue lists the queue, Drain waits until nothing but held mail is left in it.
	Queue() ([]Queued, error)
	Drain(limit time.Duration) error
	// Flush asks for a delivery attempt of everything queued.
	Flush() error
	// Release sends a message on that the server holds.
	Release(id string) error
	// Log is what the server said so far.
	Log() string
}

// Doors are the places where a private mail server takes mail in and puts it.
type Doors struct {
	Addr    string // filtered by the milter
	Plain   string // not filtered
	Maildir string // where mail to BoxDomain arrives
}

// Door returns the doors.
func (d Doors) Door() Doors { return d }

// Queued is one message in an MTA's queue.
type Queued struct {
	ID    string `json:"queue_id"`
	Queue string `json:"queue_name"` // active, deferred, incoming, or hold: the MTA's quarantine
}

func drain(m MTA, limit time.Duration) error {
	var last error
	err := WaitFor("an empty queue of the MTA", limit, func() bool {
		list, err := m.Queue()
		last = err
		return err == nil && !slices.ContainsFunc(list, func(q Queued) bool { return q.Queue != "hold" })
	})
	return errors.Join(err, last)
}
