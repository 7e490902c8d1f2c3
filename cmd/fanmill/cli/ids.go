package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"fanmill/control"
)

// maxIDLine bounds a line of standard input: log lines are shorter.
const maxIDLine = 64 << 10

// ReadIDs returns the ids that the arguments name, and for - those of the lines of
// standard input. All are looked at before anything is done: a slip of the hand
// should not teach half of a list.
func ReadIDs(e *Env, args []string) ([]string, error) {
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
		id, ok := FindID(arg)
		if !ok {
			return nil, Hint(UsageErrorf("%q names no message", arg), "%s", idAdvice(arg))
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
		id, ok := FindID(lines.Text())
		if !ok {
			return nil, Hint(WithCode(ExitData, fmt.Errorf("read ids: line %d names no message", n)), "nothing was learned")
		}
		ids = append(ids, id)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read ids: %w", err)
	}
	return ids, nil
}

// FindID returns the id in a text: of a verdict header, a refusal, a log line, a list,
// or alone; quoted or not. A list begins with it, headers and log lines name it before
// anything that a sender chose, and a refusal ends in it.
func FindID(text string) (id string, ok bool) {
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

// EachArg does f for every id of Args: an error is printed and the rest goes on.
// The exit code is that of the last error.
func EachArg(ctx context.Context, e *Env, f func(id string) error) error {
	var last error
	failed := 0
	for _, id := range e.Args {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := f(id)
		if err == nil {
			continue
		}
		if last != nil {
			Complain(e.Stderr, last)
		}
		last = err
		failed++
	}
	if failed > 1 {
		Complain(e.Stderr, last)
		return WithCode(CodeOf(last), fmt.Errorf("%d of %d messages not done", failed, len(e.Args)))
	}
	return last
}
