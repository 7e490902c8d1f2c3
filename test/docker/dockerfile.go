// Package docker checks that the Dockerfile works, on machines that have a
// container engine and on those that have none: without one its steps are run
// as a script, each stage in a clean directory that stands for the root of its
// file system.
package docker

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// step is one instruction of a Dockerfile.
type step struct {
	line int
	name string // upper case
	args string // continuation lines joined by blanks
}

// stage is what stands between one FROM and the next.
type stage struct {
	base, name string
	steps      []step
}

// known are the instructions that the rehearsal understands; any other is an
// error, so that a new one cannot go untried.
var known = []string{"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "RUN", "USER", "VOLUME", "WORKDIR"}

// parse reads a Dockerfile: comments, continuation lines and the instructions
// in known, without heredocs and parser directives.
func parse(r io.Reader) ([]stage, error) {
	var stages []stage
	lines := bufio.NewScanner(r)
	var pending string
	for n, began := 1, 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		if pending == "" {
			began = n
		}
		if head, more := strings.CutSuffix(text, `\`); more {
			pending += head + " "
			continue
		}
		name, args, _ := strings.Cut(pending+text, " ")
		pending = ""
		next, err := add(stages, step{began, strings.ToUpper(name), strings.TrimSpace(args)})
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", began, err)
		}
		stages = next
	}
	if pending != "" {
		return nil, fmt.Errorf("the last line is continued by nothing: %s", pending)
	}
	return stages, lines.Err()
}

func add(stages []stage, s step) ([]stage, error) {
	if s.name == "FROM" {
		words := strings.Fields(s.args)
		switch {
		case len(words) == 1:
			return append(stages, stage{base: words[0]}), nil
		case len(words) == 3 && strings.EqualFold(words[1], "AS"):
			return append(stages, stage{base: words[0], name: words[2]}), nil
		}
		return nil, fmt.Errorf("FROM %s: want IMAGE or IMAGE AS NAME", s.args)
	}
	if !slices.Contains(known, s.name) {
		return nil, fmt.Errorf("instruction %s: the rehearsal does not know it", s.name)
	}
	if len(stages) == 0 {
		return nil, fmt.Errorf("instruction %s before the first FROM", s.name)
	}
	last := &stages[len(stages)-1]
	last.steps = append(last.steps, s)
	return stages, nil
}

// find returns the arguments of the last instruction with that name.
func (s stage) find(name string) (string, bool) {
	for _, st := range slices.Backward(s.steps) {
		if st.name == name {
			return st.args, true
		}
	}
	return "", false
}

// words reads an exec form, such as ["fanmill", "status"].
func words(execForm string) ([]string, error) {
	var w []string
	if err := json.Unmarshal([]byte(execForm), &w); err != nil || len(w) == 0 {
		return nil, fmt.Errorf("%q is no list of words (the exec form)", execForm)
	}
	return w, nil
}

// absolute finds absolute paths where a shell line or a list has them: at the
// beginning and after a blank, a quote, = or >.
var absolute = regexp.MustCompile(`(^|[\s"'=>])(/[a-z])`)

// below puts every absolute path in text below root.
func below(root, text string) string {
	return absolute.ReplaceAllString(text, "${1}"+strings.ReplaceAll(root, "$", "$$")+"${2}")
}
