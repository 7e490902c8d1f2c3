package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/milter/maillog"
)

// watchEvery is how often rows are printed that have changed.
const watchEvery = time.Second

// watch prints the table, and again each row that changes, until ctx ends or there is
// no more to read.
func (l *logCmd) watch(ctx context.Context, r *logReader, files []string) error {
	last := files[len(files)-1]
	if err := r.readAll(ctx, files[:len(files)-1]); err != nil {
		return err
	}
	log, caught, err := openFollowed(ctx, r.e, last)
	if err != nil {
		return err
	}
	defer log.Close()
	done := make(chan error, 1)
	go func() { done <- r.count(last, log, nil) }()
	select {
	case <-caught:
	case <-ctx.Done():
	case err = <-done:
		done <- err // for below
	}
	live := newLiveTable(r.e, l.writer(r.e))
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		if err := live.update(r.table.Rows()); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case err := <-done:
			if errors.Is(err, context.Canceled) {
				err = nil // to be interrupted is the way this ends
			}
			return errors.Join(live.update(r.table.Rows()), err)
		}
	}
}

// openFollowed opens what is followed. caught is closed when all that is there has
// been read; of a pipe nobody knows.
func openFollowed(ctx context.Context, e *cli.Env, path string) (log io.ReadCloser, caught <-chan struct{}, err error) {
	if path == "-" {
		now := make(chan struct{})
		close(now)
		return io.NopCloser(cli.NewInterruptible(ctx, e.Stdin)), now, nil
	}
	t, err := maillog.OpenTail(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	return t, t.Caught(), nil
}

// liveTable prints rows when they are new or have changed.
type liveTable struct {
	tableWriter
	out    io.Writer
	redraw bool                   // a row that changes takes the place of itself
	known  map[string]maillog.Row // by day
	last   string                 // the day printed last
}

func newLiveTable(e *cli.Env, w tableWriter) *liveTable {
	_, people := w.(*dayTable)
	return &liveTable{tableWriter: w, out: e.Stdout, redraw: people && e.Terminal(e.Stdout) > 0, known: map[string]maillog.Row{}}
}

func (t *liveTable) update(rows []maillog.Row) error {
	var changed []maillog.Row
	for _, r := range rows {
		if old, ok := t.known[r.Day]; !ok || old != r {
			changed = append(changed, r)
			t.known[r.Day] = r
		}
	}
	if len(changed) == 0 {
		return nil
	}
	if t.redraw && changed[0].Day == t.last {
		if _, err := fmt.Fprint(t.out, "\x1b[A\r\x1b[J"); err != nil {
			return cli.WriteError(err)
		}
	}
	t.last = changed[len(changed)-1].Day
	return t.write(changed)
}
