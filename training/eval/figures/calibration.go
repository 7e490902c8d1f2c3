package figures

import "math"

// Bins is how many bins the calibration is judged in.
const Bins = 10

// Bin is a tenth of the messages, by rank of the score. Of messages that score
// 0.3 on average three in ten should be spam: the expected calibration error is
// the mean distance of score and share over the bins, weighted by their size (M.
// Naeini and others, "Obtaining Well Calibrated Probabilities Using Bayesian
// Binning", AAAI 2015, with bins of equal count).
type Bin struct {
	N     float64 `json:"n"`     // messages, the mean over the runs
	Score float64 `json:"score"` // mean, 0 to 1
	Share float64 `json:"spam"`  // of spam, 0 to 1
	Low   float64 `json:"low"`   // 95 % interval of the share (Wilson)
	High  float64 `json:"high"`  //
	Off   bool    `json:"off"`   // the score is outside the interval and 2 points or more off
}

// tolerance is a distance of score and share that is let pass however many
// messages show it.
const tolerance = 0.02

type sums struct{ n, score, spam float64 }

func (b sums) gap() float64 { return math.Abs(b.score - b.spam) } // times n

func calibrationError(bins [Bins]sums) float64 {
	gap, n := 0.0, 0.0
	for _, b := range bins {
		gap += b.gap()
		n += b.n
	}
	return gap / n
}

// calibration joins the bins of all runs. Runs score the same messages, so the
// interval is that of one run's count.
func calibration(s sample) []Bin {
	var bins [Bins]sums
	weight := s.once()
	for _, r := range s.runs {
		t := r.tally(weight)
		for i, b := range t.bins {
			bins[i].n += b.n
			bins[i].score += b.score
			bins[i].spam += b.spam
		}
	}
	var out []Bin
	for _, b := range bins {
		if b.n == 0 { // fewer messages than bins
			continue
		}
		x := Bin{N: b.n / float64(len(s.runs)), Score: b.score / b.n, Share: b.spam / b.n}
		x.Low, x.High = wilson(x.Share, x.N)
		x.Off = math.Abs(x.Score-x.Share) > tolerance && (x.Score < x.Low || x.Score > x.High)
		out = append(out, x)
	}
	return out
}

// wilson is the 95 % score interval of a share seen in n trials (E. Wilson,
// "Probable Inference", JASA 1927).
func wilson(share, n float64) (low, high float64) {
	const z = 1.959964
	scale := 1 / (1 + z*z/n)
	middle := scale * (share + z*z/(2*n))
	half := scale * z * math.Sqrt(share*(1-share)/n+z*z/(4*n*n))
	return max(middle-half, 0), min(middle+half, 1)
}
