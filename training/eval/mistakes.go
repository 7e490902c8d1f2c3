package eval

import (
	"cmp"
	"math"
	"slices"

	"fanmill/classify"
	"fanmill/training/eval/figures"
)

// mistakeClues is how many clues are given for a mistake.
const mistakeClues = 8

// Mistake is a message that was on the wrong side of 0.5, as it was scored where
// the model was surest. The clues are those of the model as it stood then.
type Mistake struct {
	Message int     `json:"-"`
	File    string  `json:"file"`
	Spam    bool    `json:"spam"` // the class by the index: a sure mistake is often a wrong label
	Score   float64 `json:"score"`
	LogOdds float64 `json:"log_odds"`
	Runs    int     `json:"runs"`    // in which it was a mistake
	Subject string  `json:"subject"` // hostile text, as are From and the clues
	From    string  `json:"from"`
	Clues   []Clue  `json:"clues"` // the strongest first
}

// Clue is a feature that moved the score.
type Clue struct {
	Text string  `json:"text"`
	Prob float64 `json:"prob"` // 0 ham .. 1 spam
	Ham  uint32  `json:"ham"`  // messages learned with it
	Spam uint32  `json:"spam"`
}

// mistakes keeps the surest mistakes, the surest first.
type mistakes struct {
	most int
	list []Mistake
}

// add puts a result in if it is a mistake, and sure enough to be explained.
func (m *mistakes) add(r figures.Result, explain func() (Mistake, error)) error {
	if !r.Wrong() {
		return nil
	}
	at, _ := slices.BinarySearchFunc(m.list, Mistake{Message: r.Message, LogOdds: r.Score.LogOdds}, surer)
	if at >= m.most {
		return nil
	}
	x, err := explain()
	if err != nil {
		return err
	}
	m.list = slices.Insert(m.list, at, x)
	m.list = m.list[:min(len(m.list), m.most)]
	return nil
}

func surer(a, b Mistake) int {
	return cmp.Or(cmp.Compare(math.Abs(b.LogOdds), math.Abs(a.LogOdds)), cmp.Compare(a.Message, b.Message))
}

// explain reads a message again and asks the model as it stands for the clues.
func (p *pass) explain(r figures.Result) (Mistake, error) {
	raw, err := p.corpus.raw(r.Message)
	if err != nil {
		return Mistake{}, err
	}
	s := classify.NewStream(p.corpus.options)
	s.EnableClues()
	m := s.Stored(raw)
	x := Mistake{
		Message: r.Message, File: p.corpus.entries[r.Message].Path, Spam: r.Spam, Score: r.Score.P, LogOdds: r.Score.LogOdds,
		Subject: m.Subject, From: m.From,
	}
	for _, c := range s.Clues(p.learner.model, r.Score, mistakeClues) {
		x.Clues = append(x.Clues, Clue{c.Text, c.Prob, c.Ham, c.Spam})
	}
	return x, nil
}

// worstOf joins the mistakes of all runs, each message once, and counts in how
// many runs it was one.
func worstOf(runs []*run, most int) []Mistake {
	var all []Mistake
	times := map[int]int{}
	for _, r := range runs {
		for _, p := range r.passes {
			all = append(all, p.mistakes.list...)
		}
		for _, x := range r.places[r.start:] {
			if x.Wrong() {
				times[x.Message]++
			}
		}
	}
	return surest(all, times, most)
}

func surest(all []Mistake, times map[int]int, most int) []Mistake {
	slices.SortStableFunc(all, surer)
	var out []Mistake
	seen := map[int]bool{}
	for _, m := range all {
		if len(out) < most && !seen[m.Message] {
			seen[m.Message] = true
			m.Runs = times[m.Message]
			out = append(out, m)
		}
	}
	return out
}
