package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"fanmill/cmd/fanmill/cli"
	"fanmill/control"
	"fanmill/training/corpus"
)

// learnCmd learns messages that have gone by.
type learnCmd struct {
	scope                    string
	ham, spam, forget        bool
	fromMessage, json, quiet bool
}

func (l *learnCmd) Flags(fs *flag.FlagSet) {
	fs.Var(cli.ScopeValue(&l.scope), "scope", "teach scope `NAME` instead of the whole site")
	fs.BoolVar(&l.ham, "ham", false, "they are ham")
	fs.BoolVar(&l.spam, "spam", false, "they are spam")
	fs.BoolVar(&l.forget, "forget", false, "take their labels away")
	fs.BoolVar(&l.fromMessage, "message", false, "the arguments are messages and mailboxes, as for train, not ids")
	fs.BoolVar(&l.json, "json", false, "print a JSON object a line")
	fs.BoolVar(&l.quiet, "quiet", false, "print errors only")
}

// Run learns each message of Args.
func (l *learnCmd) Run(ctx context.Context, e *cli.Env) (err error) {
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
		if e.Args, err = readIDs(e, e.Args); err != nil {
			return err
		}
	}
	j, done, err := openLearning(ctx, e)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if l.fromMessage {
		return l.messages(ctx, e, j, q)
	}
	return each(ctx, e, func(id string) error {
		q.ID = id
		out, err := j.Learn(ctx, q, nil)
		if err != nil {
			return fmt.Errorf("learn %w", err)
		}
		return l.print(e, id, q.Class, out)
	})
}

// messages learns what is in the paths of Args.
func (l *learnCmd) messages(ctx context.Context, e *cli.Env, j control.Judge, q control.LearnRequest) error {
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

func (l *learnCmd) print(e *cli.Env, arg, class string, out control.LearnReply) error {
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

// maxIDLine bounds a line of standard input: log lines are shorter.
const maxIDLine = 64 << 10

// readIDs returns the ids that the arguments name, and for - those of the lines of
// standard input. All are looked at before anything is done: a slip of the hand
// should not teach half of a list.
func readIDs(e *cli.Env, args []string) ([]string, error) {
	var ids []string
	for _, arg := range args {
		if arg == "-" {
			more, err := idLines(e.Stdin)
			if err != nil {
				return nil, err
			}
			ids = append(ids, more...)
			continue
		}
		id, ok := findID(arg)
		if !ok {
			return nil, cli.Hint(cli.UsageErrorf("%q names no message", arg), "%s", idAdvice(arg))
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func idAdvice(arg string) string {
	if fi, err := os.Stat(arg); err == nil && !fi.IsDir() {
		return "it is a file: to learn what is in it, add --message"
	}
	return "an id has 16 characters 0-9 and a-z; headers, refusals, log lines and `fanmill history` have it"
}

// idLines reads an id from each line that is not empty.
func idLines(r io.Reader) (ids []string, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxIDLine)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		id, ok := findID(lines.Text())
		if !ok {
			return nil, cli.Hint(cli.WithCode(cli.ExitData, fmt.Errorf("read ids: line %d names no message", n)), "nothing was learned")
		}
		ids = append(ids, id)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read ids: %w", err)
	}
	return ids, nil
}

// findID returns the id in a text: of a verdict header, a refusal, a log line, a list,
// or alone; quoted or not. A list begins with it, headers and log lines name it before
// anything that a sender chose, and a refusal ends in it.
func findID(text string) (id string, ok bool) {
	words := strings.FieldsFunc(text, func(r rune) bool {
		return r != '=' && r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	for i, w := range words {
		w, named := strings.CutPrefix(w, "id=")
		switch named = named || i > 0 && words[i-1] == "id"; {
		case !control.IsID(w):
		case i == 0 || named:
			return w, true
		default:
			id = w
		}
	}
	return id, id != ""
}
