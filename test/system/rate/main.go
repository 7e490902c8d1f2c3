// Command rate measures how many messages a second go through a private Postfix
// without and with fanmill as its milter, in interleaved rounds; part of `make
// bench`. The figure to reach: at least 90 % of the rate without. It needs root
// and Postfix.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"fanmill/test/harness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if socket := os.Getenv(serveHasher); socket != "" {
		if err := hashBodies(socket); err != nil {
			fmt.Fprintln(os.Stderr, "rate:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "rate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	rounds := flag.Int("rounds", 7, "`rounds` with and without")
	messages := flag.Int("messages", 1000, "`messages` a round")
	sessions := flag.Int("sessions", 20, "SMTP `sessions` at a time")
	noop := flag.Bool("noop", false, "measure a milter that only hashes bodies, on the same library, in place of fanmill")
	flag.Parse()
	dir, err := os.MkdirTemp("", "fanmill-rate-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	defer os.RemoveAll(dir)
	mail, err := goodMail()
	if err != nil {
		return err
	}
	p, d, err := start(ctx, dir, *noop)
	if err != nil {
		return err
	}
	defer func() { _ = p.Stop() }()
	defer func() { _ = d.Stop(time.Minute) }()
	before, err := d.CPU()
	if err != nil {
		return err
	}
	rates, err := harness.Load{Rounds: *rounds, Messages: *messages, Sessions: *sessions, Mail: mail}.Measure(ctx, p)
	if err != nil {
		return err
	}
	after, err := d.CPU()
	if err != nil {
		return err
	}
	for i := range rates.Plain {
		fmt.Printf("round %d: %5.0f messages/s without, %5.0f with\n", i+1, rates.Plain[i], rates.Filtered[i])
	}
	fmt.Printf("through Postfix: %.0f %% of the rate without (median of %d rounds; wanted: at least 90 %%)\n", 100*rates.Ratio(), *rounds)
	fmt.Printf("processor time of the milter: %.3f ms a message\n", 1000*(after-before).Seconds()/float64(*rounds**messages))
	return nil
}

// goodMail returns the project's own good mail, all of about the same few
// kilobytes: it is delivered, so both doors do the same work for it.
func goodMail() ([]harness.Mail, error) {
	root, err := harness.Root()
	if err != nil {
		return nil, err
	}
	list, err := harness.Written(root, "ham")
	if err != nil {
		return nil, err
	}
	var mail []harness.Mail
	for _, s := range list {
		mail = append(mail, harness.Mail{From: "sender@example.net", To: []string{"list@" + harness.NextDomain}, Data: harness.StripFrom(s.Data)})
	}
	return mail, nil
}

// start trains a site on the project's mail and starts it; Postfix drops what it
// takes, so that no next hop is measured.
func start(ctx context.Context, dir string, noop bool) (*harness.Postfix, milter, error) {
	program, err := harness.Build(ctx, dir, false)
	if err != nil {
		return nil, nil, err
	}
	root, err := harness.Root()
	if err != nil {
		return nil, nil, err
	}
	socket := filepath.Join(dir, "data", "milter.sock")
	listen, err := harness.FreeAddr()
	if err != nil {
		return nil, nil, err
	}
	d := &harness.Daemon{Program: program, Data: filepath.Join(dir, "data"), Config: filepath.Join(dir, "fanmill.toml"), Listen: listen}
	config := harness.SiteConfig([]string{"unix:" + socket, "inet:" + listen}, "127.0.0.1:25").With(harness.Config{"policy": {"unsure": "tag", "spam": "tag"}})
	if err := config.Write(d.Config); err != nil {
		return nil, nil, err
	}
	if err := os.Mkdir(d.Data, 0o755); err != nil { // Postfix must get at the socket
		return nil, nil, fmt.Errorf("make a directory: %w", err)
	}
	for _, class := range []string{"ham", "spam"} {
		if _, err := d.Run("train", "--"+class, filepath.Join(root, "test", "mail", class)); err != nil {
			return nil, nil, err
		}
	}
	mta := filepath.Join(dir, "postfix")
	if err := os.Mkdir(mta, 0o755); err != nil {
		return nil, nil, fmt.Errorf("make a directory: %w", err)
	}
	p, err := harness.StartPostfix(ctx, harness.PostfixOptions{
		Dir: mta, Milter: "unix:" + socket, Settings: map[string]string{"relay_transport": "discard:"},
	})
	if err != nil {
		return nil, nil, err
	}
	if noop {
		m, err := startHasher(socket)
		if err != nil {
			return nil, nil, errors.Join(err, p.Stop())
		}
		return p, m, nil
	}
	if err := d.Start(); err != nil {
		return nil, nil, errors.Join(err, p.Stop())
	}
	return p, d, nil
}
