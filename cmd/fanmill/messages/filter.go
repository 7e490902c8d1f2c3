package messages

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/judge"
	"fanmill/cmd/fanmill/settings"
	"fanmill/control"
	"fanmill/headers"
)

// Filter copies a message from standard input to standard output, verdict
// headers on top.
type Filter struct{ scope string }

// Flags is cli.Runner.
func (f *Filter) Flags(fs *flag.FlagSet) {
	fs.Var(cli.ScopeValue(&f.scope), "scope", "score with the training of scope `NAME`")
}

// Run filters. Every error is a temporary failure, so that whoever called keeps
// the message: what stands on standard output then is not to be used.
func (f *Filter) Run(ctx context.Context, e *cli.Env) error {
	err := f.filter(ctx, e)
	if err == nil || cli.CodeOf(err) == cli.ExitUsage {
		return err
	}
	return cli.WithCode(cli.ExitTempFail, err)
}

func (f *Filter) filter(ctx context.Context, e *cli.Env) error {
	set, err := settings.Of(e)
	if err != nil {
		return err
	}
	j, done, err := judge.Open(ctx, e, set)
	if err != nil {
		return err
	}
	defer done()
	msg := new(spill)
	defer msg.Close()
	if _, err := io.Copy(msg, e.Stdin); err != nil {
		return fmt.Errorf("read message from standard input: %w", err)
	}
	if msg.size == 0 {
		return cli.WithCode(cli.ExitTempFail, errors.New("standard input is empty: there is no message to filter"))
	}
	info, err := f.score(ctx, j, set, msg)
	if err != nil {
		return err
	}
	if err := headers.InsertTop(e.Stdout, headers.Render(set.Families, info), msg.Reader()); err != nil {
		return err
	}
	return finish(e.Stdout)
}

// score judges the message and returns what its headers say.
func (f *Filter) score(ctx context.Context, j control.Judge, set *settings.Settings, msg *spill) (headers.Info, error) {
	r, err := j.Score(ctx, control.ScoreRequest{Scope: f.scope, Clues: set.File.Headers.Evidence}, msg.Reader())
	if err != nil {
		return headers.Info{}, err
	}
	info := headers.Info{ID: newID(), Verdict: parseVerdict(r.Verdict), Score: r.Score, Cutoffs: set.Rules.Options().Cutoffs}
	for _, c := range r.Clues {
		info.Clues = append(info.Clues, classify.Clue{Text: c.Text, Prob: c.Prob})
	}
	return info, nil
}

// finish makes sure that what was written has arrived: a write to a full disk
// may be noticed only when the file is closed or synced.
func finish(w io.Writer) error {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	if fi, err := f.Stat(); err == nil && fi.Mode().IsRegular() {
		if err := f.Sync(); err != nil {
			return cli.WriteError(err)
		}
	}
	return nil
}

func parseVerdict(s string) classify.Verdict {
	switch s {
	case "ham":
		return classify.Ham
	case "spam":
		return classify.Spam
	}
	return classify.Unsure
}

// newID returns an id in the spool's form for a message that is in no spool.
func newID() string {
	const letters = "0123456789abcdefghijklmnopqrstuvwxyz"
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b[:])
}

// spillLimit is how much of a message is kept in memory.
const spillLimit = 1 << 20

// spill holds a message that was written to it: in memory first, from
// spillLimit on in a temporary file that has no name.
type spill struct {
	mem  bytes.Buffer
	file *os.File
	size int64
}

func (s *spill) Write(p []byte) (int, error) {
	if s.file == nil && s.mem.Len()+len(p) > spillLimit {
		if err := s.toFile(); err != nil {
			return 0, err
		}
	}
	var n int
	var err error
	if s.file != nil {
		n, err = s.file.Write(p)
	} else {
		n, err = s.mem.Write(p)
	}
	s.size += int64(n)
	return n, err
}

func (s *spill) toFile() error {
	f, err := os.CreateTemp("", "fanmill-*")
	if err != nil {
		return fmt.Errorf("open temporary file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return errors.Join(fmt.Errorf("remove the name of a temporary file: %w", err), f.Close())
	}
	s.file = f
	if _, err := f.Write(s.mem.Bytes()); err != nil {
		return fmt.Errorf("write temporary file: %w", err)
	}
	s.mem = bytes.Buffer{}
	return nil
}

// Reader reads what was written from its beginning.
func (s *spill) Reader() io.Reader {
	if s.file == nil {
		return bytes.NewReader(s.mem.Bytes())
	}
	return io.NewSectionReader(s.file, 0, s.size)
}

// Close drops the message.
func (s *spill) Close() {
	if s.file != nil {
		_ = s.file.Close() // it has no name: nothing is left
	}
}
