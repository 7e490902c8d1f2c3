package daytable

import (
	"context"
	"errors"
	"io"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/milter/maillog"
)

// watchEvery is how often rows are printed that have changed.
const watchEvery = time.Second

// watch prints the table, and again each row that changes, until ctx ends or there is
// no more to read.
func (l *Command) watch(ctx context.Context, r *logReader, files []string) error {
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
	live := l.live(r.e)
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
