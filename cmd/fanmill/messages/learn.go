package messages

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/judge"
	"fanmill/control"
	"fanmill/training/corpus"
)

// Learn learns messages that have gone by.
type Learn struct {
	scope                    string
	ham, spam, forget        bool
	fromMessage, json, quiet bool
}

// Flags is cli.Runner.
func (l *Learn) Flags(fs *flag.FlagSet) {
	fs.Var(cli.ScopeValue(&l.scope), "scope", "teach scope `NAME` instead of the whole site")
	fs.BoolVar(&l.ham, "ham", false, "they are ham")
	fs.BoolVar(&l.spam, "spam", false, "they are spam")
	fs.BoolVar(&l.forget, "forget", false, "take their labels away")
	fs.BoolVar(&l.fromMessage, "message", false, "the arguments are messages and mailboxes, as for train, not ids")
	fs.BoolVar(&l.json, "json", false, "print a JSON object a line")
	fs.BoolVar(&l.quiet, "quiet", false, "print errors only")
}

// Run learns each message of Args.
func (l *Learn) Run(ctx context.Context, e *cli.Env) (err error) {
	q := control.LearnRequest{Scope: l.scope, Actor: e.User()}
	for class, set := range map[string]bool{"ham": l.ham, "spam": l.spam, "forget": l.forget} {
		if set && q.Class != "" {
			return cli.UsageErrorf("say one of --ham, --spam and --forget")
		}
		if set {
			q.Class = class
		}
	}
	if q.Class == "" {
		return cli.UsageErrorf("say --ham, --spam or --forget")
	}
	if !l.fromMessage {
		if e.Args, err = cli.ReadIDs(e, e.Args); err != nil {
			return err
		}
	}
	j, done, err := judge.OpenLearning(ctx, e)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if l.fromMessage {
		return l.messages(ctx, e, j, q)
	}
	return cli.EachArg(ctx, e, func(id string) error {
		q.ID = id
		out, err := j.Learn(ctx, q, nil)
		if err != nil {
			return fmt.Errorf("learn %w", err)
		}
		return l.print(e, id, q.Class, out)
	})
}

// messages learns what is in the paths of Args.
func (l *Learn) messages(ctx context.Context, e *cli.Env, j control.Judge, q control.LearnRequest) error {
	bad, n := cli.NewProblems(e, nil), 0
	err := corpus.Walk(ctx, e.Args, corpus.Options{Stdin: e.Stdin, Problem: bad.Add}, func(i corpus.Item) error {
		out, err := j.Learn(ctx, q, bytes.NewReader(i.Raw))
		if err != nil {
			return fmt.Errorf("learn %s: %w", i.Source, err)
		}
		n++
		return l.print(e, i.Source, q.Class, out)
	})
	return errors.Join(err, bad.Err(n, "learned"))
}

func (l *Learn) print(e *cli.Env, arg, class string, out control.LearnReply) error {
	if l.json {
		return cli.PrintJSON(e.Stdout, out)
	}
	if l.quiet {
		return nil
	}
	if class == "forget" {
		class = "label"
	}
	_, err := fmt.Fprintln(e.Stdout, cli.Safe(arg+" "+class+": "+out.Result))
	if err == nil && out.Held == "copy" {
		_, err = fmt.Fprintf(e.Stdout, "  a copy is kept: fanmill held discard %s\n", cli.Safe(arg))
	} else if err == nil && out.Held != "" {
		_, err = fmt.Fprintf(e.Stdout, "  still held in %s: fanmill held release %[2]s sends it on, fanmill held discard %[2]s removes it\n", cli.Safe(out.Held), cli.Safe(arg))
	}
	return cli.WriteError(err)
}
