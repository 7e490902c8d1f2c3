package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Load is how a rate is measured.
type Load struct {
	Rounds   int // of each kind, interleaved
	Messages int // per round
	Sessions int // at a time; every message has an SMTP session of its own
	Mail     []Mail
}

// Rates are messages per second of each round, without and with the filter.
type Rates struct {
	Plain, Filtered []float64
}

// Ratio is the median over the rounds of filtered by plain: each round is
// compared with the one beside it, so that what else the machine does at the
// time weighs on both.
func (r Rates) Ratio() float64 {
	var list []float64
	for i := range r.Plain {
		list = append(list, r.Filtered[i]/r.Plain[i])
	}
	slices.Sort(list)
	return list[len(list)/2]
}

// Measure sends rounds of mail through both doors of p in turn.
func (l Load) Measure(ctx context.Context, p *Postfix) (Rates, error) {
	var r Rates
	if l.Rounds < 1 || l.Messages < 1 || l.Sessions < 1 || len(l.Mail) == 0 {
		return r, fmt.Errorf("measure a rate: nothing to send: %d rounds of %d messages in %d sessions", l.Rounds, l.Messages, l.Sessions)
	}
	for i := range l.Rounds {
		doors := []string{p.Plain, p.Addr}
		if i%2 == 1 {
			slices.Reverse(doors)
		}
		for _, door := range doors {
			rate, err := l.round(ctx, door)
			if err != nil {
				return r, err
			}
			if door == p.Plain {
				r.Plain = append(r.Plain, rate)
			} else {
				r.Filtered = append(r.Filtered, rate)
			}
			if err := p.Drain(time.Minute); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

var errNotTaken = errors.New("the message was not taken")

func (l Load) round(ctx context.Context, door string) (float64, error) {
	work := make(chan Mail)
	var wg sync.WaitGroup
	faults := make([]error, l.Sessions)
	began := time.Now()
	for i := range l.Sessions {
		wg.Go(func() {
			for m := range work {
				if res, err := Send(ctx, door, m); err != nil || !res.Final.OK() {
					faults[i] = fmt.Errorf("measure a rate: answer %v: %w", res.Final, errors.Join(err, errNotTaken))
				}
			}
		})
	}
	for n := range l.Messages {
		work <- l.Mail[n%len(l.Mail)]
	}
	close(work)
	wg.Wait()
	return float64(l.Messages) / time.Since(began).Seconds(), errors.Join(faults...)
}
