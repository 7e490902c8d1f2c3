package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"fanmill/training/corpus"
)

// problems prints the paths that could not be read as they come, and in the
// end knows the exit code: what is missing is 66, what cannot be used 65.
type problems struct {
	w    io.Writer
	bar  *meter
	n    int
	code int
}

func (p *problems) add(pr corpus.Problem) {
	p.bar.clear()
	p.n++
	err, code := fmt.Errorf("read %w", pr), exitData
	switch {
	case errors.Is(pr.Err, fs.ErrNotExist):
		code = exitNoInput
	case errors.Is(pr.Err, fs.ErrPermission):
		code = exitNoPerm
		err = hint(err, "run it as somebody who may read this mail") // which the daemon's user need not be
	}
	complain(p.w, err)
	if p.code == 0 || code == exitData {
		p.code = code // damaged mail outranks what is missing
	}
}

// err is nil when there was no problem; done messages were dealt with.
func (p *problems) err(done int, verb string) error {
	if p.n == 0 {
		return nil
	}
	return exit(p.code, fmt.Errorf("%s could not be read; %s %s", plural(p.n, "path or message", "paths or messages"), plural(done, "message", "messages"), verb))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
