package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"fanmill/training/corpus"
)

// Problems prints the paths that could not be read as they come, and in the
// end knows the exit code: 66 where the system would not give a file, because it
// is missing, forbidden or broken, and 65 where what it gave cannot be used.
type Problems struct {
	w    io.Writer
	bar  *Meter
	n    int
	code int
}

// NewProblems counts problems beside a progress bar, which may be nil.
func NewProblems(e *Env, bar *Meter) *Problems { return &Problems{w: e.Stderr, bar: bar} }

// Count is how many there were.
func (p *Problems) Count() int { return p.n }

// Add is corpus.Options.Problem.
func (p *Problems) Add(pr corpus.Problem) {
	p.bar.Clear()
	p.n++
	err, code := fmt.Errorf("read %w", pr), ExitData
	if errors.Is(err, fs.ErrPermission) {
		err = Hint(err, "run it as somebody who may read this mail") // which the daemon's user need not be
	}
	if errors.As(pr.Err, new(syscall.Errno)) {
		code = ExitNoInput
	}
	Complain(p.w, err)
	if p.code == 0 || code == ExitData {
		p.code = code // damaged mail outranks what is missing
	}
}

// Err is nil when there was no problem; done messages were dealt with.
func (p *Problems) Err(done int, verb string) error {
	if p.n == 0 {
		return nil
	}
	return WithCode(p.code, fmt.Errorf("%s could not be read; %s %s", Plural(p.n, "path or message", "paths or messages"), Plural(done, "message", "messages"), verb))
}
