package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/pprof"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/training"
	"fanmill/training/corpus"
)

// play does what `fanmill train` and `fanmill score` do, without their faces.
func play(ctx context.Context, role, dir string, in io.Reader, out io.Writer) (err error) {
	stop, err := profile(role)
	if err != nil {
		return err
	}
	defer stop()
	names, err := readNames(in)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if role == "score" {
		return score(ctx, db, names, out)
	}
	class := map[string]store.Class{"ham": store.Ham, "spam": store.Spam}[role]
	var problem error
	o := corpus.Options{Problem: func(p corpus.Problem) { problem = p }}
	sum, err := training.New(db, training.Options{}).Train(ctx, class, names, o, nil)
	if err == nil && (problem != nil || sum.Messages() < len(names)) {
		err = fmt.Errorf("%d of %d messages: %w", sum.Messages(), len(names), problem)
	}
	return err
}

func score(ctx context.Context, db *store.DB, names []string, out io.Writer) error {
	model, err := db.Model("")
	if err != nil {
		return err
	}
	lines := bufio.NewWriter(out)
	stream := classify.NewStream(classify.DefaultOptions())
	var scorer classify.Scorer
	err = corpus.Walk(ctx, names, corpus.Options{Anything: true}, func(i corpus.Item) error {
		stream.Reset()
		msg := stream.Stored(i.Raw)
		s := scorer.ScoreMessage(msg, model)
		_, err := fmt.Fprintf(lines, "%s %.4f\n", i.Source, s.P)
		return err
	})
	return errors.Join(err, lines.Flush())
}

// profile writes a CPU profile to $FANMILL_BENCH_PROFILE.ROLE, if that is set.
func profile(role string) (stop func(), err error) {
	name := os.Getenv("FANMILL_BENCH_PROFILE")
	if name == "" {
		return func() {}, nil
	}
	f, err := os.Create(name + "." + role)
	if err != nil {
		return nil, err
	}
	return pprof.StopCPUProfile, pprof.StartCPUProfile(f)
}
