package main

import (
	"context"
	"fmt"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/test/harness"
	"fanmill/training"
	"fanmill/training/corpus"
)

// judge is a trained model and what it takes to ask it. It is for one goroutine.
type judge struct {
	db     *store.DB
	model  classify.Model
	stream *classify.Stream
	scorer classify.Scorer
}

// train teaches a model in dir, as `fanmill train` does: all ham, then all spam.
func train(ctx context.Context, dir string, mails []harness.Sample) (*judge, error) {
	db, err := store.Open(ctx, store.Options{Dir: dir})
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	j := &judge{db: db, stream: classify.NewStream(classify.DefaultOptions())}
	if err := j.learn(ctx, mails); err != nil {
		j.close()
		return nil, err
	}
	if j.model, err = db.Model(""); err != nil {
		j.close()
		return nil, fmt.Errorf("train: %w", err)
	}
	return j, nil
}

func (j *judge) learn(ctx context.Context, mails []harness.Sample) error {
	paths := map[store.Class][]string{}
	for _, m := range mails {
		paths[classOf(m.Spam)] = append(paths[classOf(m.Spam)], m.Path)
	}
	trainer := training.New(j.db, training.Options{})
	for _, class := range []store.Class{store.Ham, store.Spam} {
		sum, err := trainer.Train(ctx, class, paths[class], corpus.Options{Anything: true}, nil)
		if err != nil {
			return fmt.Errorf("train %s: %w", class, err)
		}
		if sum.Failed > 0 {
			return fmt.Errorf("train %s: %d messages could not be read", class, sum.Failed)
		}
	}
	return nil
}

func classOf(spam bool) store.Class {
	if spam {
		return store.Spam
	}
	return store.Ham
}

func (j *judge) close() { _ = j.db.Close() }

// score is the model's opinion of a message.
func (j *judge) score(raw []byte) classify.Score {
	j.stream.Reset()
	return j.scorer.ScoreMessage(j.stream.Stored(raw), j.model)
}

// called returns the messages of a class whose score says that class.
func (j *judge) called(mails []harness.Sample, spam bool) (raws [][]byte) {
	want := classify.Ham
	if spam {
		want = classify.Spam
	}
	for _, m := range mails {
		if m.Spam == spam && verdict(j.score(m.Data).P) == want {
			raws = append(raws, m.Data)
		}
	}
	return raws
}

func verdict(p float64) classify.Verdict { return classify.DefaultCutoffs().Verdict(p) }
