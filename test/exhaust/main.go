// Command exhaust measures training to exhaustion on the SpamAssassin corpus, beside
// other ways to train the same messages, and prints the tables of docs/training.md:
//
//	go run ./test/exhaust
package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/store/model"
	"fanmill/test/harness"
	"fanmill/training"
	"fanmill/training/eval/figures"
	"fanmill/training/exhaust"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "exhaust:", err)
		os.Exit(1)
	}
}

const (
	folds     = 5
	foldings  = 2
	resamples = 1000
)

func run(ctx context.Context, out io.Writer) error {
	root, err := harness.Root()
	if err != nil {
		return err
	}
	samples, err := harness.SpamAssassin(root)
	if err != nil {
		return err
	}
	mails := extract(samples)
	fmt.Fprintln(out, "| messages come | labels | rounds | missed in each | of the last, labels made wrong | count | how often, ham and spam | CPU s |\n| --- | --- | ---: | --- | ---: | ---: | ---: | ---: |")
	for _, wrong := range []float64{0, 0.05} {
		for _, order := range []string{"by date", "shuffled"} {
			list := flipped(mails, wrong, 1)
			if order == "shuffled" {
				rand.New(rand.NewPCG(1, 1)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			}
			if err := converge(ctx, out, order, wrong, list); err != nil {
				return err
			}
		}
	}
	fmt.Fprintln(out, "\n| trained | labels | count | 1-ROCA | errors at 0.5 | ham unsure or worse | spam unsure or passed |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |")
	for _, wrong := range []float64{0, 0.05} {
		for _, w := range ways {
			if err := heldOut(ctx, out, w, wrong, mails); err != nil {
				return err
			}
		}
	}
	return nil
}

// mail is a message with its features and two labels.
type mail struct {
	spam  bool // the truth
	class store.Class
	m     classify.Message
}

func extract(samples []harness.Sample) (list []mail) {
	for _, s := range samples {
		m := classify.Extract(classify.DefaultOptions(), s.Data)
		list = append(list, mail{s.Spam, class(s.Spam), *m})
	}
	return list
}

func class(spam bool) store.Class {
	if spam {
		return store.Spam
	}
	return store.Ham
}

// flipped returns the mail with a share of wrong labels.
func flipped(mails []mail, share float64, seed uint64) []mail {
	list := append([]mail(nil), mails...)
	random := rand.New(rand.NewPCG(seed, 5))
	for i := range list {
		if random.Float64() < share {
			list[i].class = class(!list[i].spam)
		}
	}
	return list
}

func labels(wrong float64) string {
	if wrong == 0 {
		return "right"
	}
	return fmt.Sprintf("%g %% wrong", 100*wrong)
}

// converge shows the rounds over all mail.
func converge(ctx context.Context, out io.Writer, order string, wrong float64, list []mail) error {
	model, messages := model.NewDraft(nil), asMessages(list)
	missed, before := "", cpu()
	last, err := exhaust.Run(ctx, model, messages, exhaust.Options{Cutoffs: classify.DefaultCutoffs()}, func(r exhaust.Round) error {
		missed += fmt.Sprintf(" %d", r.Misses())
		return nil
	})
	if err != nil {
		return err
	}
	found, made := wrongLabels(list, messages)
	l := model.Labels()
	fmt.Fprintf(out, "| %s | %s | %d | %s | %d of %d | %.1f %% | %d, %d | %.1f |\n", order, labels(wrong), last.N, missed[1:], found, made,
		percent(needed(messages), len(list)), l.HamAdds, l.SpamAdds, (cpu() - before).Seconds())
	return nil
}

// wrongLabels counts the labels made wrong, and of these those missed in the end.
func wrongLabels(list []mail, messages []*exhaust.Message) (found, made int) {
	wrong := map[classify.Digest]bool{}
	for _, m := range list {
		wrong[m.m.Digest] = m.class != class(m.spam)
		if wrong[m.m.Digest] {
			made++
		}
	}
	for _, m := range messages {
		if m.Missed && wrong[m.Digest] {
			found++
		}
	}
	return found, made
}

func asMessages(list []mail) (out []*exhaust.Message) {
	for i := range list {
		m := &list[i]
		out = append(out, &exhaust.Message{Digest: m.m.Digest, Class: m.class, Features: m.m.Features, Grams: m.m.Grams})
	}
	return out
}

func needed(list []*exhaust.Message) (n int) {
	for _, m := range list {
		if m.Needed() {
			n++
		}
	}
	return n
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(of) }

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // cannot fail for the process itself
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// way is a way to train: it returns the model and how many messages count.
type way struct {
	name  string
	train func(ctx context.Context, list []mail) (*model.Draft, int, error)
}

var ways = []way{
	{"near errors, one pass", onePass},
	{"to exhaustion (`fanmill exhaust`)", exhausted},
	{"to exhaustion as SpamBayes does", asSpamBayes},
}

func exhausted(ctx context.Context, list []mail) (*model.Draft, int, error) {
	model, messages := model.NewDraft(nil), asMessages(list)
	_, err := exhaust.Run(ctx, model, messages, exhaust.Options{Cutoffs: classify.DefaultCutoffs()}, func(exhaust.Round) error { return nil })
	return model, needed(messages), err
}

// onePass trains near errors in the order of the list.
func onePass(_ context.Context, list []mail) (*model.Draft, int, error) {
	model, scorer, count := model.NewDraft(nil), new(classify.Scorer), 0
	rule := training.Rule{Margin: training.DefaultMargin}
	for i := range list {
		m := &list[i]
		s := scorer.Score(m.m.Features, m.m.Grams, model)
		e := rule.Judge(m.class == store.Spam, s, len(m.m.Grams), model, false)
		learn(model, m, store.Mark{}, store.Mark{Class: m.class, Adds: e.Adds, Step: e.Step}, s)
		count += e.Adds
	}
	return model, count, nil
}

func learn(model *model.Draft, m *mail, before, after store.Mark, s classify.Score) {
	model.Change(before, after, m.m.Features, m.m.Grams, classify.Label{C: s.C, E: s.E, L: s.L, Spam: m.class == store.Spam})
}

// asSpamBayes learns what is missed once more in each round, until nothing is missed or
// twenty rounds have passed (contrib/tte.py), with our features and scores.
func asSpamBayes(ctx context.Context, list []mail) (*model.Draft, int, error) {
	model, scorer := model.NewDraft(nil), new(classify.Scorer)
	marks, first := make([]store.Mark, len(list)), make([]classify.Score, len(list))
	for round, missed := 0, 1; missed > 0 && round < exhaust.DefaultRounds; round++ {
		missed = 0
		for i := range list {
			m := &list[i]
			s := scorer.Score(m.m.Features, m.m.Grams, model)
			after := marks[i]
			if round == 0 {
				first[i], after.Class = s, m.class
			}
			if verdict := classify.DefaultCutoffs().Verdict(s.P); (verdict == classify.Spam) != (m.class == store.Spam) || verdict == classify.Unsure {
				missed++
				after.Adds++
				after.Step += classify.Step(m.class == store.Spam, s, len(m.m.Grams), 0)
			}
			if after != marks[i] {
				learn(model, m, marks[i], after, first[i])
				marks[i] = after
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
	}
	count := 0
	for _, m := range marks {
		if m.Adds > 0 {
			count++
		}
	}
	return model, count, nil
}

// heldOut trains four fifths and scores the fifth left, by all fifths.
func heldOut(ctx context.Context, out io.Writer, w way, wrong float64, mails []mail) error {
	var runs []figures.Run
	count, trained := 0, 0
	for seed := range uint64(foldings) {
		list, order := flipped(mails, wrong, seed), rand.New(rand.NewPCG(seed, 3)).Perm(len(mails))
		var results []figures.Result
		for fold := range folds {
			var train []mail
			for i, k := range order {
				if i%folds != fold {
					train = append(train, list[k])
				}
			}
			model, n, err := w.train(ctx, train)
			if err != nil {
				return err
			}
			count, trained = count+n, trained+len(train)
			var scorer classify.Scorer
			for i, k := range order {
				if m := &list[k]; i%folds == fold {
					results = append(results, figures.Result{Message: k, Spam: m.spam, Score: scorer.Score(m.m.Features, m.m.Grams, model)})
				}
			}
		}
		runs = append(runs, figures.NewRun(results))
	}
	r, err := figures.Measure(runs, classify.DefaultCutoffs(), resamples, ctx.Err)
	if err != nil {
		return err
	}
	between := func(get func(figures.Figures) float64) string {
		return fmt.Sprintf("%.3g (%.3g to %.3g)", get(r.Figures), get(r.Low), get(r.High))
	}
	fmt.Fprintf(out, "| %s | %s | %.1f %% | %s | %s | %s | %s |\n", w.name, labels(wrong), percent(count, trained),
		between(func(f figures.Figures) float64 { return f.ROCA }), between(func(f figures.Figures) float64 { return f.Errors }),
		between(func(f figures.Figures) float64 { return f.HamUnsure + f.HamAsSpam + f.HamRejected }), between(func(f figures.Figures) float64 { return f.SpamUnsure + f.SpamPassed }))
	return nil
}
