package eval

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"syscall"
	"time"

	"fanmill/training/eval/figures"
)

// modelMemory bounds what the models of runs that are done at once may take,
// going by modelBytes: as many are done at once as fit, at least one.
const modelMemory = 2 << 30

// modelBytes is an upper bound of what a model takes: a map's entry for every
// feature, were all different, and the linear part.
func (c *corpus) modelBytes() int64 { return 5*c.size + 4<<20 }

// Run measures. All indexes are read before the first message is.
func (b Bench) Run(ctx context.Context) (*Outcome, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	b.Resamples = cmp.Or(b.Resamples, figures.Resamples)
	indexes, err := b.read()
	if err != nil {
		return nil, err
	}
	out := &Outcome{Method: b.Plans[0].String()}
	p := &progress{show: b.Progress, total: b.work(indexes)}
	for i, entries := range indexes {
		series, err := b.measure(ctx, b.Indexes[i], entries, p)
		if err != nil {
			return nil, err
		}
		out.Series = append(out.Series, series...)
	}
	if len(indexes) > 1 {
		out.Series = append(out.Series, b.pool(out.Series)...)
	}
	if err := b.report(ctx, out.Series); err != nil {
		return nil, err
	}
	b.compare(out)
	return out, b.advise(out)
}

// read reads the indexes and refuses plans that do not fit one.
func (b Bench) read() ([][]Entry, error) {
	var all [][]Entry
	for _, name := range b.Indexes {
		entries, err := ReadIndex(name)
		if err != nil {
			return nil, err
		}
		if err := b.Plans[0].fits(entries); err != nil {
			return nil, fmt.Errorf("index %s: %w", name, err)
		}
		all = append(all, entries)
	}
	return all, nil
}

// sharing tells whether the second configuration takes the same features of a
// message, so that its files need not be read again.
func (b Bench) sharing() bool {
	return len(b.Configs) == 2 && reflect.DeepEqual(b.Configs[0].Classify, b.Configs[1].Classify)
}

// work is how many steps the progress has.
func (b Bench) work(indexes [][]Entry) (steps int) {
	loads := len(b.Configs)
	if b.sharing() {
		loads = 1
	}
	passes := 0
	for _, p := range b.Plans {
		passes += len(b.Configs) * p.passes()
	}
	for _, entries := range indexes {
		steps += (loads + passes) * len(entries)
	}
	return steps
}

// measure does all runs over one index.
func (b Bench) measure(ctx context.Context, index string, entries []Entry, p *progress) (out []Series, err error) {
	var c *corpus
	var loading time.Duration
	for i, config := range b.Configs {
		begin := cpuTime()
		if i == 0 || !b.sharing() {
			if c, err = load(ctx, index, entries, config.Classify, featureMemory, p); err != nil {
				return nil, fmt.Errorf("read message: %w", err)
			}
			loading = cpuTime() - begin
			begin = cpuTime()
		}
		runs, err := b.runs(ctx, c, config, p)
		if err != nil {
			return nil, err
		}
		s := Series{Index: index, Config: config.Name, Cutoffs: config.Cutoffs, Entries: entries, Mistakes: worstOf(runs, b.Worst)}
		for _, r := range runs {
			s.Results = append(s.Results, r.counted())
		}
		s.Seconds = (loading + cpuTime() - begin).Seconds()
		out = append(out, s)
	}
	return out, nil
}

// runs does the runs with one configuration, their passes in parallel.
func (b Bench) runs(ctx context.Context, c *corpus, config Config, p *progress) ([]*run, error) {
	var runs []*run
	var passes []*pass
	for _, plan := range b.Plans {
		r := newRun(c, config, plan, b.Worst)
		runs = append(runs, r)
		passes = append(passes, r.passes...)
	}
	workers := min(cpus(), max(int(modelMemory/c.modelBytes()), 1))
	err := inParallel(ctx, len(passes), workers, func() func(int) error {
		return func(i int) error { return passes[i].do(ctx, p) }
	})
	return runs, err
}

// pool puts the indexes together, for each configuration.
func (b Bench) pool(series []Series) []Series {
	var out []Series
	for i := range b.Configs {
		all := Series{Index: fmt.Sprintf("all %d indexes", len(b.Indexes)), Pooled: true, Config: b.Configs[i].Name, Cutoffs: b.Configs[i].Cutoffs}
		var sizes []int
		parts := make([][]figures.Run, len(b.Plans))
		for j := i; j < len(series); j += len(b.Configs) {
			s := series[j]
			all.Entries = append(all.Entries, s.Entries...)
			all.Seconds += s.Seconds
			sizes = append(sizes, len(s.Entries))
			for k, run := range s.Results {
				parts[k] = append(parts[k], run)
			}
		}
		for _, runs := range parts {
			all.Results = append(all.Results, figures.Pool(runs, sizes))
		}
		out = append(out, all)
	}
	return out
}

// report works out the figures of each series.
func (b Bench) report(ctx context.Context, series []Series) error {
	done := 0
	step := func() error {
		if done++; b.Progress != nil {
			b.Progress(Resampling, done, b.Resamples*len(series))
		}
		return ctx.Err()
	}
	for i := range series {
		s := &series[i]
		r, err := figures.Measure(s.Results, s.Cutoffs, b.Resamples, step)
		if err != nil {
			return fmt.Errorf("index %s: %w", s.Index, err)
		}
		if s.Pooled {
			r.Curve, r.Fine = nil, nil // one index ends where the next begins
		}
		r.Seconds = s.Seconds
		s.Report = r
	}
	return nil
}

// compare pairs the two configurations of each index.
func (b Bench) compare(out *Outcome) {
	if len(b.Configs) < 2 {
		return
	}
	for i := 0; i < len(out.Series); i += 2 {
		x, y := out.Series[i], out.Series[i+1]
		c := figures.Compare(figures.Side{Report: x.Report, Runs: x.Results, Cutoffs: x.Cutoffs}, figures.Side{Report: y.Report, Runs: y.Results, Cutoffs: y.Cutoffs})
		for j := range c.Changed {
			c.Changed[j].File = x.Entries[c.Changed[j].Message].Path
		}
		out.Comparisons = append(out.Comparisons, Comparison{x.Index, c})
	}
}

// advise proposes cut-offs, if asked to.
func (b Bench) advise(out *Outcome) error {
	if b.OneIn == 0 {
		return nil
	}
	s := out.Series[0]
	a, err := figures.Advise(s.Results[0], figures.Wish{OneIn: b.OneIn, Drops: b.Drops, Before: s.Cutoffs})
	if err != nil {
		return fmt.Errorf("advise cut-offs: %w", err)
	}
	out.Advice = &Advice{Advice: a, HamCutoff: a.Cutoffs.Ham, SpamCutoff: a.Cutoffs.Spam, RejectCutoff: a.Cutoffs.Reject}
	for _, r := range a.Highest {
		out.Advice.Highest = append(out.Advice.Highest, Highest{s.Entries[r.Message].Path, r.Score.P})
	}
	return nil
}

// cpuTime is the CPU time this process has used, in user and system mode.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0 // cannot fail with these arguments
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
