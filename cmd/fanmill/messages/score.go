// Package messages holds the commands about single messages: score and filter, which ask
// what they look like, learn, and held, at which a moderator looks and decides. Each asks
// the judge or the desk: the daemon's, or where none runs one over the files.
package messages

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/judge"
	"fanmill/cmd/fanmill/settings"
	"fanmill/control"
	"fanmill/training/corpus"
)

// maxScored bounds a message that is scored, as the control socket does.
const maxScored = 256 << 20

// Score says what messages look like.
type Score struct {
	scope         string
	explain, json bool
	exit, quiet   bool
	clues         int
	sources       int
	n             int // messages scored
	last          string
}

// Flags is cli.Runner.
func (s *Score) Flags(fs *flag.FlagSet) {
	fs.Var(cli.ScopeValue(&s.scope), "scope", "score with the training of scope `NAME`")
	fs.BoolVar(&s.explain, "explain", false, "show what each score adds up from, and the strongest clues")
	fs.IntVar(&s.clues, "clues", 15, "with --explain: how `MANY` clues; 0 explains nothing")
	fs.IntVar(&s.sources, "sources", 0, "like --explain, and for each clue the `N` newest messages it was learned from")
	fs.BoolVar(&s.exit, "e", false, "exit like bogofilter: 0 spam, 1 ham, 2 unsure, 3 error")
	fs.BoolVar(&s.json, "json", false, "print a JSON object a line")
	fs.BoolVar(&s.quiet, "quiet", false, "print no verdicts and no progress")
}

// Run scores the messages of Args.
func (s *Score) Run(ctx context.Context, e *cli.Env) error {
	err := s.run(ctx, e)
	switch {
	case !s.exit || cli.CodeOf(err) == cli.ExitUsage: // which WrongUsage gets
		return err
	case err != nil:
		return cli.WithCode(3, err)
	}
	return cli.WithCode(bogoCode(s.last), nil)
}

// WrongUsage is ownCodes: after -e there is one code for all errors.
func (s *Score) WrongUsage(err error) error {
	if s.exit {
		return cli.WithCode(3, err)
	}
	return err
}

// bogoCode is bogofilter's exit code for a verdict; 3 where there was none.
func bogoCode(verdict string) int {
	switch verdict {
	case "spam":
		return 0
	case "ham":
		return 1
	case "unsure":
		return 2
	}
	return 3
}

func (s *Score) run(ctx context.Context, e *cli.Env) error {
	if s.clues < 0 || s.clues > control.MaxClues {
		return cli.UsageErrorf("--clues: %d is not between 0 and %d", s.clues, control.MaxClues)
	}
	if s.sources < 0 || s.sources > control.MaxSources {
		return cli.UsageErrorf("--sources: %d is not between 0 and %d", s.sources, control.MaxSources)
	}
	if len(e.Args) == 0 {
		e.Args = []string{"-"}
	}
	set, err := settings.Of(e)
	if err != nil {
		return err
	}
	j, done, err := judge.Open(ctx, e, set)
	if err != nil {
		return err
	}
	defer done()
	bad := cli.NewProblems(e, nil)
	opts := corpus.Options{Stdin: e.Stdin, Anything: !anyFolder(e.Args), MaxMessage: maxScored, Problem: bad.Add}
	err = corpus.Walk(ctx, e.Args, opts, func(it corpus.Item) error { return s.one(ctx, e, j, it) })
	return errors.Join(err, bad.Err(s.n, "scored"))
}

// anyFolder tells whether a folder is among the paths: a file that is no mail is
// scored when it was named, and passed over where it merely lies about.
func anyFolder(paths []string) bool {
	for _, p := range paths {
		if fi, err := os.Stat(p); err == nil && fi.IsDir() {
			return true
		}
	}
	return false
}

func (s *Score) one(ctx context.Context, e *cli.Env, j control.Judge, it corpus.Item) error {
	q := control.ScoreRequest{Scope: s.scope, Path: it.Source}
	if rest, ok := strings.CutPrefix(it.Source, "standard input"); ok {
		q.Path = "-" + rest
	}
	if s.explain || s.sources > 0 {
		q.Clues, q.Sources = s.clues, s.sources
	}
	r, err := j.Score(ctx, q, bytes.NewReader(it.Raw))
	if err != nil {
		return fmt.Errorf("score %s: %w", it.Source, err)
	}
	s.n++
	s.last = r.Verdict
	switch {
	case s.quiet:
		return nil
	case s.json:
		return cli.PrintJSON(e.Stdout, r)
	}
	return e.Printf("%-6s %.4f %s\n%s", r.Verdict, r.Score, cli.Safe(r.Path), explainText(r))
}
