// Command demo does `make demo`: it starts a private Postfix on a loopback port
// with fanmill as its milter and an SMTP sink as its next hop, trains fanmill on
// part of a corpus, sends some hundred other messages through SMTP and shows
// what the clients saw, where each message went, and how a moderator's decision
// changes a score. It touches nothing outside a directory of its own, which it
// removes, and fails when any message is unaccounted for.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"fanmill/test/harness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	signal.Ignore(syscall.SIGPIPE) // `make demo | head` must clean up too
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("demo", flag.ExitOnError)
	program := flags.String("fanmill", "", "`program` to show; built when none is named")
	send := flags.Int("n", 300, "how many `messages` to send")
	own := flags.Bool("written", false, "use the mail written for the project, as where the corpus cannot be fetched")
	if err := flags.Parse(args); err != nil {
		return err
	}
	began := time.Now()
	w := &printer{out: out}
	m, err := choose(ctx, w, *send, *own)
	if err != nil {
		return err
	}
	s, err := open(ctx, *program)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := s.close(); err == nil {
			err = cerr
		}
	}()
	d := &demo{site: s, printer: w, mail: m}
	for _, step := range []func(context.Context) error{d.train, d.send, d.explain, d.decide, d.account} {
		if err := step(ctx); err != nil {
			return err
		}
		if w.err != nil {
			return fmt.Errorf("print: %w", w.err)
		}
	}
	w.title("done in %.0f s; every message is accounted for, everything started here is stopped and removed", time.Since(began).Seconds())
	return w.err
}

// site is what the demo starts: Postfix, fanmill behind it, the next hop.
type site struct {
	dir     string
	sink    *harness.Sink
	postfix *harness.Postfix
	daemon  *harness.Daemon
}

// people is the recipient whose mail passes by rule.
const people = "skip@" + harness.NextDomain

// open starts all parts; what was started is stopped again when a later one fails.
func open(ctx context.Context, program string) (_ *site, err error) {
	s := &site{}
	defer func() {
		if err != nil {
			_ = s.close()
		}
	}()
	if s.dir, err = os.MkdirTemp("", "fanmill-demo-"); err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	if program == "" {
		if program, err = harness.Build(ctx, s.dir, false); err != nil {
			return nil, err
		}
	}
	if s.sink, err = harness.StartSink(); err != nil {
		return nil, err
	}
	listen, err := harness.FreeAddr()
	if err != nil {
		return nil, err
	}
	mta := s.dir + "/postfix"
	if err := os.Mkdir(mta, 0o755); err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	s.postfix, err = harness.StartPostfix(ctx, harness.PostfixOptions{Dir: mta, Milter: "inet:" + listen, NextHop: s.sink.Addr})
	if err != nil {
		return nil, err
	}
	s.daemon = &harness.Daemon{Program: program, Data: s.dir + "/data", Config: s.dir + "/fanmill.toml", Listen: listen}
	config := harness.SiteConfig([]string{"inet:" + listen}, s.postfix.Addr).With(harness.Config{"policy": {"unfiltered": []string{people}}})
	if err := config.Write(s.daemon.Config); err != nil {
		return nil, err
	}
	return s, s.daemon.Start()
}

// close stops and removes everything; the first error is returned.
func (s *site) close() error {
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	if s.daemon != nil {
		keep(s.daemon.Stop(time.Minute))
	}
	if s.postfix != nil {
		keep(s.postfix.Stop())
	}
	if s.sink != nil {
		keep(s.sink.Down())
	}
	if s.dir != "" {
		keep(os.RemoveAll(s.dir))
	}
	return first
}
