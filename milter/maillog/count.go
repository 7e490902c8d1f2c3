package maillog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxLine bounds a line. Ours have at most some 100 kB, however hostile the mail and
// whatever quotes them again.
const maxLine = 256 << 10

// Counter adds what logs say to a table.
type Counter struct {
	Table        *Table
	Since, Until time.Time         // at or after Since, before Until; zero: no bound
	Progress     func(lines int64) // called now and then while a log is read; nil: not

	parser Parser
}

// Report is what was found in one log.
type Report struct {
	Lines    int64 // of all kinds
	Messages int64 // lines of messages, also those outside Since and Until
	Broken   int64 // lines of messages that could not be read
	First    int64 // number of the first of these
	Why      error // what is wrong with it
}

// Count reads a log to its end. Lines that cannot be read are counted and passed over;
// an error is one of the reader. What came before it has been counted.
func (c *Counter) Count(log io.Reader) (r Report, err error) {
	in := bufio.NewReaderSize(log, maxLine)
	for err == nil {
		var line []byte
		line, err = in.ReadSlice('\n')
		if len(line) > 0 {
			r.Lines++
			c.line(&r, bytes.TrimSuffix(line, []byte("\n")))
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			err = skipLine(in)
		}
		if c.Progress != nil && r.Lines%1024 == 0 {
			c.Progress(r.Lines)
		}
	}
	if errors.Is(err, io.EOF) {
		return r, nil
	}
	return r, fmt.Errorf("read log: %w", err)
}

// skipLine passes over the rest of a line that is too long.
func skipLine(in *bufio.Reader) error {
	for {
		if _, err := in.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func (c *Counter) line(r *Report, line []byte) {
	e, err := c.parser.Parse(line)
	if errors.Is(err, ErrOther) {
		return
	}
	if err == nil {
		r.Messages++
		if !c.Since.IsZero() && e.Time.Before(c.Since) || !c.Until.IsZero() && !e.Time.Before(c.Until) {
			return
		}
		err = c.Table.Add(e)
	}
	if err != nil {
		if r.Broken++; r.Broken == 1 {
			r.First, r.Why = r.Lines, err
		}
	}
}
