package daytable

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/milter/maillog"
	"fanmill/training/corpus"
)

// Command makes the daily table from log files.
type Command struct {
	csv, json, follow bool
	since, until      cli.Moment
}

// Flags is cli.Runner.
func (l *Command) Flags(fs *flag.FlagSet) {
	l.until.End = true
	fs.BoolVar(&l.csv, "csv", false, "print comma-separated values, all columns")
	fs.BoolVar(&l.json, "json", false, "print a JSON object a line, all columns")
	fs.BoolVar(&l.follow, "f", false, "go on with what is written to the last FILE, until interrupted")
	fs.Var(&l.since, "since", "only messages at or after `TIME`: 2h or 3d ago, 2006-01-02, or 2006-01-02T15:04")
	fs.Var(&l.until, "until", "only messages before `TIME`; of a date, before its end")
}

// Run reads the logs and prints the table.
func (l *Command) Run(ctx context.Context, e *cli.Env) error {
	files, err := l.files(e)
	if err != nil {
		return err
	}
	r := &logReader{e: e, table: maillog.NewTable(time.Local), since: l.since.Time, until: l.until.Time}
	if l.follow {
		return l.watch(ctx, r, files)
	}
	err = r.readAll(ctx, files)
	if errors.Is(err, context.Canceled) {
		return err
	}
	return errors.Join(l.print(e, r.table.Rows()), err)
}

// files are those named on the command line.
func (l *Command) files(e *cli.Env) ([]string, error) {
	files := e.Args
	if l.csv && l.json {
		return nil, cli.UsageErrorf("--csv and --json exclude each other")
	}
	if len(files) == 0 {
		if in, ok := e.Stdin.(io.Writer); ok && e.Terminal(in) > 0 {
			return nil, cli.UsageErrorf("say which log to read, or pipe one in: journalctl -u fanmill -o json | fanmill log")
		}
		files = []string{"-"}
	}
	if last := files[len(files)-1]; l.follow && slices.Contains([]string{".gz", ".bz2", ".zst"}, filepath.Ext(last)) {
		return nil, cli.UsageErrorf("-f: nothing is added to %s, which is compressed; name the log that is written to last", last)
	}
	return files, nil
}

func (l *Command) writer(e *cli.Env) writer {
	switch {
	case l.csv:
		return newCSV(e.Stdout)
	case l.json:
		return newJSON(e.Stdout)
	}
	return newText(e.Stdout)
}

// people tells whether the table is for people to read.
func (l *Command) people() bool { return !l.csv && !l.json }

func (l *Command) live(e *cli.Env) *live {
	return newLive(l.writer(e), e.Stdout, l.people() && e.Terminal(e.Stdout) > 0)
}

func (l *Command) print(e *cli.Env, rows []maillog.Row) error {
	if !l.people() {
		return l.writer(e).write(rows)
	}
	return e.Print(Page(rows, Zone()))
}

// logReader reads one log after another into a table.
type logReader struct {
	e            *cli.Env
	table        *maillog.Table
	since, until time.Time
}

// readAll reads files to their ends. One that cannot be read does not keep it from the
// others.
func (r *logReader) readAll(ctx context.Context, files []string) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, r.read(ctx, f))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.Join(errs...)
}

// read reads a file to its end, "-" being standard input.
func (r *logReader) read(ctx context.Context, path string) error {
	in, size := r.e.Stdin, int64(0)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil {
			size = info.Size()
		}
		in = f
	}
	raw := &readCounter{r: cli.NewInterruptible(ctx, in)}
	log, err := corpus.Unpack(bufio.NewReaderSize(raw, 64<<10))
	if err != nil {
		return r.fault(path, err)
	}
	defer log.Close()
	m := cli.NewMeter(r.e, false, "reading")
	if m != nil {
		m.Unit = "lines"
	}
	defer m.Clear()
	return r.count(path, log, func(lines int64) { m.Show(int(lines), raw.n, size) })
}

// count reads an open log and says on standard error what was wrong with it.
func (r *logReader) count(name string, log io.Reader, progress func(lines int64)) error {
	c := maillog.Counter{Table: r.table, Since: r.since, Until: r.until, Progress: progress}
	report, err := c.Count(log)
	if report.Broken > 0 {
		fmt.Fprintf(r.e.Stderr, "fanmill: %s: %s of messages could not be read and %s not counted; the first is line %d: %s\n",
			cli.Safe(logName(name)), cli.Plural(int(report.Broken), "line", "lines"), wasWere(report.Broken), report.First, cli.Safe(report.Why.Error()))
	}
	if err != nil {
		return r.fault(name, err)
	}
	if report.Lines > 0 && report.Messages+report.Broken == 0 {
		fmt.Fprintf(r.e.Stderr, "fanmill: %s: no message in %s; `fanmill help log` says which logs are read\n",
			cli.Safe(logName(name)), cli.Plural(int(report.Lines), "line", "lines"))
	}
	return nil
}

func wasWere(n int64) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

func logName(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}

// fault is an error of reading: of the file, or else of what is in it.
func (r *logReader) fault(path string, err error) error {
	err = fmt.Errorf("%s: %w", logName(path), err)
	var file *fs.PathError
	switch {
	case cli.CodeOf(err) != cli.ExitSoftware:
		return err
	case errors.As(err, &file):
		return cli.WithCode(cli.ExitIO, err)
	}
	return cli.WithCode(cli.ExitData, err)
}

// readCounter counts the bytes read.
type readCounter struct {
	r io.Reader
	n int64
}

// Read is io.Reader.
func (c *readCounter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
