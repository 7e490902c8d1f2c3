package main

import (
	"math/rand/v2"
	"testing"

	"fanmill/classify"
	"fanmill/test/harness"
)

// Each way to train tells the classes of the project's own mail apart, and none but the
// unbounded one lets a message count often.
func TestWays(t *testing.T) {
	root, err := harness.Root()
	if err != nil {
		t.Fatal(err)
	}
	var mails []mail
	for _, class := range []string{"ham", "spam"} {
		samples, err := harness.Written(root, class)
		if err != nil {
			t.Fatal(err)
		}
		mails = append(mails, extract(samples)...)
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(mails), func(i, j int) { mails[i], mails[j] = mails[j], mails[i] })
	for _, w := range ways {
		model, count, err := w.train(t.Context(), mails)
		if err != nil || count < 2*classify.MinLabels || count > len(mails) {
			t.Errorf("%s: %d of %d count, %v", w.name, count, len(mails), err)
		}
		var scorer classify.Scorer
		wrong := 0
		for _, m := range mails {
			if (scorer.Score(m.m.Features, m.m.Grams, model).P >= 0.5) != m.spam {
				wrong++
			}
		}
		if wrong > len(mails)/20 {
			t.Errorf("%s: %d of %d on the wrong side", w.name, wrong, len(mails))
		}
	}
	turned := 0
	for _, m := range flipped(mails, 0.2, 1) {
		if m.class != class(m.spam) {
			turned++
		}
	}
	if turned == 0 || turned > len(mails)/2 || mails[0].class != class(mails[0].spam) {
		t.Errorf("%d of %d labels are wrong", turned, len(mails))
	}
}
