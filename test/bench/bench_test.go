// Package bench measures training and scoring from mail files against
// bogofilter, both as whole processes and in CPU time: what a machine with
// other work to do has to give. Run it with `make bench`.
//
// Each program starts from nothing for training and from what it was trained
// with for scoring. Mail is the SpamAssassin corpus (`make corpus`), or what
// mixed_test.go makes of it: to be scored, one file a message; to be trained, a
// mailbox of each class.
package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fanmill/test/harness"
	"fanmill/training/corpus"
	"fanmill/training/eval"
)

// mailFiles are the corpus' files by class.
type mailFiles struct{ ham, spam []string }

func (m mailFiles) all() []string { return append(append([]string(nil), m.ham...), m.spam...) }

// sets are the mail that is measured.
var sets = []struct {
	name  string
	files func(*testing.B) mailFiles
}{
	{"spamassassin", corpusFiles},
	{"mixed", mixedFiles},
}

func indexFile(b *testing.B) string {
	b.Helper()
	file, err := harness.Index("../..")
	if err != nil {
		b.Fatal(err)
	}
	return file
}

func corpusFiles(b *testing.B) (m mailFiles) {
	b.Helper()
	index, err := eval.ReadIndex(indexFile(b))
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range index {
		if e.Spam {
			m.spam = append(m.spam, e.Path)
		} else {
			m.ham = append(m.ham, e.Path)
		}
	}
	return m
}

// filter is a program that can be trained and can score. train and score read the
// names of files from standard input, mbox trains a mailbox; all return the CPU time used.
type filter interface {
	mbox(b *testing.B, dir, class, path string) time.Duration
	train(b *testing.B, dir, class string, files []string) time.Duration
	score(b *testing.B, dir string, files []string) time.Duration
}

var filters = []struct {
	name string
	filter
}{
	{"fanmill", fanmill{}},
	{"bogofilter", bogofilter{}},
}

func trainAll(b *testing.B, f filter, dir string, m mailFiles) time.Duration {
	b.Helper()
	return f.train(b, dir, "ham", m.ham) + f.train(b, dir, "spam", m.spam)
}

// BenchmarkTrain trains two mailboxes: ours by the near-error rule, with ledger and
// kept messages; bogofilter registers each message, as `bogofilter -M -n` does.
func BenchmarkTrain(b *testing.B) {
	for _, set := range sets {
		m := set.files(b)
		dir := b.TempDir()
		ham, spam := writeMbox(b, filepath.Join(dir, "ham"), m.ham), writeMbox(b, filepath.Join(dir, "spam"), m.spam)
		for _, f := range filters {
			b.Run(set.name+"/"+f.name, func(b *testing.B) {
				var used time.Duration
				for b.Loop() {
					dir := b.TempDir()
					used += f.mbox(b, dir, "ham", ham) + f.mbox(b, dir, "spam", spam)
				}
				report(b, used, m)
			})
		}
	}
}

// writeMbox writes messages to a mailbox and returns its path.
func writeMbox(b *testing.B, path string, files []string) string {
	b.Helper()
	box, err := corpus.CreateMbox(b.Context(), path, false, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err == nil {
			err = box.Add(raw)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := box.Commit(); err != nil {
		b.Fatal(err)
	}
	return path
}

// BenchmarkScore scores mail with what was trained from it, a line of output for
// each message.
func BenchmarkScore(b *testing.B) {
	for _, set := range sets {
		m := set.files(b)
		for _, f := range filters {
			b.Run(set.name+"/"+f.name, func(b *testing.B) {
				dir := b.TempDir()
				trainAll(b, f, dir, m)
				var used time.Duration
				for b.Loop() {
					used += f.score(b, dir, m.all())
				}
				report(b, used, m)
			})
		}
	}
}

// BenchmarkAccuracy scores the corpus in the order its messages came, learning
// each after it was scored, and fails when the filter has become worse than
// 1-ROCA 0.15 %.
func BenchmarkAccuracy(b *testing.B) {
	corpusFiles(b)
	for b.Loop() {
		r, err := eval.Run(b.Context(), eval.DefaultOptions(indexFile(b)))
		if err != nil {
			b.Fatal(err)
		}
		if r.ROCA > 0.15 {
			b.Fatalf("1-ROCA is %.4f %%, at most 0.32 %% was reached before", r.ROCA)
		}
		b.ReportMetric(r.ROCA, "roca-%")
		b.ReportMetric(r.LAM50, "lam50-%")
		b.ReportMetric(r.Seconds*1e6/float64(r.N), "us-cpu/msg")
		b.ReportMetric(0, "ns/op")
	}
}

// report turns the CPU time that b.N rounds over m took into figures.
func report(b *testing.B, used time.Duration, m mailFiles) {
	b.Helper()
	size := int64(0)
	for _, file := range m.all() {
		info, err := os.Stat(file)
		if err != nil {
			b.Fatal(err)
		}
		size += info.Size()
	}
	round := used.Seconds() / float64(b.N)
	b.ReportMetric(round*1e6/float64(len(m.all())), "us-cpu/msg")
	b.ReportMetric(float64(len(m.all()))/round, "msg/cpu-s")
	b.ReportMetric(float64(size)/1e6/round, "MB/cpu-s")
	b.ReportMetric(0, "ns/op")
}

// run runs a program to its end, with one line of input for each file, checks
// that it wrote as many lines as it should, and returns its CPU time.
func run(b *testing.B, cmd *exec.Cmd, files []string, wantLines int, ok func(code int) bool) time.Duration {
	b.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(strings.Join(files, "\n")+"\n"), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || !ok(exit.ExitCode())) {
		b.Fatalf("%s: %v: %s", cmd.Path, err, stderr.String())
	}
	if got := bytes.Count(stdout.Bytes(), []byte("\n")); got != wantLines {
		b.Fatalf("%s wrote %d lines, want %d: %s", cmd.Path, got, wantLines, stderr.String())
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

type bogofilter struct{}

func (bogofilter) command(b *testing.B, dir string, args ...string) *exec.Cmd {
	b.Helper()
	path, err := exec.LookPath("bogofilter")
	if err != nil {
		b.Fatal("bogofilter is missing: apt-get install bogofilter")
	}
	return exec.Command(path, append([]string{"-C", "-d", dir, "-b"}, args...)...)
}

func (f bogofilter) mbox(b *testing.B, dir, class, path string) time.Duration {
	b.Helper()
	flag := map[string]string{"ham": "-n", "spam": "-s"}[class]
	cmd := exec.Command("bogofilter", "-C", "-d", dir, "-M", flag, "-I", path)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("bogofilter: %v: %s", err, out)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

func (f bogofilter) train(b *testing.B, dir, class string, files []string) time.Duration {
	flag := map[string]string{"ham": "-n", "spam": "-s"}[class]
	return run(b, f.command(b, dir, flag), files, 0, func(int) bool { return false })
}

func (f bogofilter) score(b *testing.B, dir string, files []string) time.Duration {
	return run(b, f.command(b, dir, "-T"), files, len(files), func(code int) bool { return code < 3 })
}

// fanmill is this test's own program in another role, see TestMain.
type fanmill struct{}

func (fanmill) command(b *testing.B, dir, role string) *exec.Cmd {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role, dirVariable+"="+dir)
	return cmd
}

func (f fanmill) mbox(b *testing.B, dir, class, path string) time.Duration {
	b.Helper()
	return f.train(b, dir, class, []string{path})
}

func (f fanmill) train(b *testing.B, dir, class string, files []string) time.Duration {
	return run(b, f.command(b, dir, class), files, 0, func(int) bool { return false })
}

func (f fanmill) score(b *testing.B, dir string, files []string) time.Duration {
	return run(b, f.command(b, dir, "score"), files, len(files), func(int) bool { return false })
}

const (
	roleVariable = "FANMILL_BENCH_ROLE"
	dirVariable  = "FANMILL_BENCH_DIR"
)

// TestMain plays fanmill when a benchmark asks for it: ham, spam or score.
func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := play(context.Background(), role, os.Getenv(dirVariable), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func readNames(r io.Reader) ([]string, error) {
	names, err := io.ReadAll(r)
	return strings.Fields(string(names)), err
}
