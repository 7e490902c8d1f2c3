package figures

import (
	"math"
	"testing"

	"fanmill/classify"
)

// Newcombe (1998), table I: 81 of 263 and 0 of 20 by Wilson's method.
func TestWilson(t *testing.T) {
	for _, c := range []struct{ seen, of, low, high float64 }{
		{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718},
	} {
		low, high := wilson(c.seen/c.of, c.of)
		if math.Abs(low-c.low) > 6e-5 || math.Abs(high-c.high) > 6e-5 {
			t.Errorf("%v of %v: %.4f-%.4f, want %.4f-%.4f", c.seen, c.of, low, high, c.low, c.high)
		}
	}
}

// tenths makes a run of ten bins of n messages with scores in steps, of which
// the share that spam says is spam.
func tenths(n int, spam func(score float64) float64) Run {
	var results []Result
	for b := range Bins {
		p := 0.05 + float64(b)/10
		for i := range n {
			results = append(results, scored((float64(i)+0.5)/float64(n) < spam(p), p))
		}
	}
	return newRun(results...)
}

func TestCalibration(t *testing.T) {
	right := measure(t, tenths(400, func(p float64) float64 { return p }))
	near(t, "error of the calibrated", right.ECE, 0)
	for i, b := range right.Bins {
		near(t, "score", b.Score, 0.05+float64(i)/10)
		if b.N != 400 || b.Off || b.Low > b.Share || b.High < b.Share || math.Abs(b.Share-b.Score) > 1e-9 {
			t.Errorf("bin %d: %+v", i, b)
		}
	}
	wrong := measure(t, tenths(200, func(p float64) float64 { return p / 2 }))
	near(t, "error of twice the share", wrong.ECE, 25)
	for i, b := range wrong.Bins {
		if off := i > 0; b.Off != off { // 2.5 points at 0.05 are within the interval
			t.Errorf("bin %d: off %v, want %v: %+v", i, b.Off, off, b)
		}
	}
}

// 1.5 points off is let pass however sure it is.
func TestCalibrationTolerance(t *testing.T) {
	s, err := newSample([]Run{tenths(10_000, func(p float64) float64 { return p - 0.015 })}, classify.DefaultCutoffs())
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range calibration(s) {
		if b.Off || b.Score < b.High {
			t.Errorf("bin %d: %+v", i, b)
		}
	}
}

// With two runs over the same messages the interval stays that of one.
func TestCalibrationOfRuns(t *testing.T) {
	run := tenths(50, func(p float64) float64 { return p })
	one, two := measure(t, run).Bins, measure(t, run, run).Bins
	for i := range one {
		if one[i] != two[i] {
			t.Errorf("bin %d: %+v and %+v", i, one[i], two[i])
		}
	}
}

func TestFewerMessagesThanBins(t *testing.T) {
	if bins := measure(t, newRun(scored(false, 0.1), scored(true, 0.9))).Bins; len(bins) != 2 {
		t.Errorf("%d bins of two messages: %+v", len(bins), bins)
	}
}
