package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"fanmill/training/corpus"
)

// problems prints the paths that could not be read as they come, and in the
// end knows the exit code: 66 where the system would not give a file, because it
// is missing, forbidden or broken, and 65 where what it gave cannot be used.
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
	if errors.Is(err, fs.ErrPermission) {
		err = hint(err, "run it as somebody who may read this mail") // which the daemon's user need not be
	}
	if errors.As(pr.Err, new(syscall.Errno)) {
		code = exitNoInput
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
