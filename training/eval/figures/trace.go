package figures

import (
	"math"
	"slices"
)

// Slots is how many slots the histogram of the scores has.
const Slots = 20

// perDecade is at how many shares of ham the ROC curve is read between a share and a
// tenth of it.
const perDecade = 20

// maxTraces bounds how many resamples the bands are made from, and with them the
// memory: for 4,000 ham a trace has some 430 numbers, so 1,000 of them take 3.5 MB
// and 10,000 take 35 MB.
const maxTraces = 10_000

// trace is all curves of one weighted sample, one behind the other: see parts.
type trace []float64

// parts are the curves of a trace.
type parts struct {
	roc          []float64 // share of spam below, for each of the shares of ham above
	coarse, fine []float64 // errors up to each of the coarse and of the fine places
	hams, spams  []float64 // the histogram
}

func (t *tracer) parts(all trace) (p parts) {
	next := func(n int) (part []float64) {
		part, all = all[:n:n], all[n:]
		return part
	}
	p.roc, p.coarse, p.fine = next(len(t.shares)), next(len(t.coarse)), next(len(t.fine))
	p.hams, p.spams = next(Slots), next(Slots)
	return p
}

// tracer draws the curves of weighted samples of the same runs. It goes through all
// scored messages twice for each, in an order that was found once: on the SpamAssassin
// corpus (6,046 messages) that is a fifth of the 0.3 ms that a resample takes.
type tracer struct {
	runs   float64
	marks  []mark    // of all runs, by score
	wrong  [][]wrong // of each run, by place
	shares []float64 // of ham, descending from 1
	coarse []int     // places of the learning curve: ascending numbers of messages
	fine   []int
}

// mark is a scored message.
type mark struct {
	message int32
	class   uint8
	slot    uint8
	last    bool // of those with this score
}

// wrong is an error at 0.5.
type wrong struct{ place, message int32 }

func newTracer(runs []Run) *tracer {
	all := slices.Concat(runs...)
	slices.SortStableFunc(all, byScore)
	t := &tracer{runs: float64(len(runs)), marks: make([]mark, len(all))}
	hams := 0
	for i, r := range all {
		last := i+1 == len(all) || byScore(r, all[i+1]) != 0
		slot := min(max(int(r.Score.P*Slots), 0), Slots-1)
		t.marks[i] = mark{int32(r.Message), uint8(class(r.Spam)), uint8(slot), last}
		if !r.Spam {
			hams++
		}
	}
	shortest := len(runs[0])
	for _, run := range runs {
		t.wrong = append(t.wrong, wrongOf(run))
		shortest = min(shortest, len(run))
	}
	t.shares, t.coarse, t.fine = sharesOf(hams/len(runs)), coarsePlaces(shortest), finePlaces(shortest)
	return t
}

func wrongOf(run Run) (out []wrong) {
	for place, r := range run {
		if r.Wrong() {
			out = append(out, wrong{int32(place), int32(r.Message)})
		}
	}
	return out
}

// sharesOf go from all of n ham to the power of ten below the share of one.
func sharesOf(n int) (out []float64) {
	decades := int(math.Ceil(math.Log10(float64(n) / 0.99)))
	for i := range decades*perDecade + 1 {
		out = append(out, math.Pow(10, -float64(i)/perDecade))
	}
	return out
}

// coarsePlaces are 100, 200, 500, 1,000 messages and so on, and n.
func coarsePlaces(n int) (out []int) {
	for decade := 100; decade < n; decade *= 10 {
		for _, m := range []int{1, 2, 5} {
			if m*decade < n {
				out = append(out, m*decade)
			}
		}
	}
	return append(out, n)
}

// finePlaces are at most 300, evenly up to n.
func finePlaces(n int) (out []int) {
	step := (n + 299) / 300
	for i := step; i < n; i += step {
		out = append(out, i)
	}
	return append(out, n)
}

// trace counts each message as often as its weight says.
func (t *tracer) trace(weight []float64) trace {
	out := make(trace, len(t.shares)+len(t.coarse)+len(t.fine)+2*Slots)
	p := t.parts(out)
	sides := [2][]float64{ham: p.hams, spam: p.spams}
	var all [2]float64
	for i := range t.marks {
		m := &t.marks[i]
		w := weight[m.message]
		sides[m.class][m.slot] += w
		all[m.class] += w
	}
	t.roc(weight, all, p.roc)
	for _, run := range t.wrong {
		errorsUpTo(t.coarse, run, weight, p.coarse)
		errorsUpTo(t.fine, run, weight, p.fine)
	}
	for i := range out[len(p.roc):] {
		out[len(p.roc)+i] /= t.runs
	}
	return out
}

// roc lets the cut-off rise from below all scores, and reads the spam below it as
// soon as the ham above it is no more than each share.
func (t *tracer) roc(weight []float64, all [2]float64, out []float64) {
	var below [2]float64
	next := 0
	read := func() {
		for next < len(out) && all[ham]-below[ham] <= t.shares[next]*all[ham]*(1+1e-12) { // a share may be rounded down
			out[next] = below[spam] / all[spam]
			next++
		}
	}
	read()
	for i := range t.marks {
		m := &t.marks[i]
		below[m.class] += weight[m.message]
		if m.last {
			read()
		}
	}
}

// errorsUpTo adds to out the errors of a run up to each of the places.
func errorsUpTo(places []int, run []wrong, weight []float64, out []float64) {
	sum, i := 0.0, 0
	for j, after := range places {
		for ; i < len(run) && int(run[i].place) < after; i++ {
			sum += weight[run[i].message]
		}
		out[j] += sum
	}
}
