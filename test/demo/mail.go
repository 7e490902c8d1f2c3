package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"

	"fanmill/classify"
	"fanmill/test/harness"
)

// mail is what the demo learns and what it sends: no message is in both.
type mail struct {
	learn []harness.Sample
	send  []harness.Sample
}

// learnAtMost keeps the demo short; a third of the corpus is plenty.
const learnAtMost = 2000

// choose takes the SpamAssassin corpus, fetching it when it is not there, or
// else the mail written for the project.
func choose(ctx context.Context, w *printer, send int, own bool) (mail, error) {
	root, err := harness.Root()
	if err != nil {
		return mail{}, err
	}
	if own {
		w.title("mail: the messages written for this project (test/mail)")
		return written(root, send)
	}
	all, err := harness.SpamAssassin(root)
	if errors.Is(err, fs.ErrNotExist) {
		w.title("the SpamAssassin corpus is not here: make corpus")
		cmd := exec.CommandContext(ctx, "go", "run", "./test/corpus")
		cmd.Dir, cmd.Stdout, cmd.Stderr = root, w.out, w.out
		if err := cmd.Run(); err != nil {
			w.line("could not fetch it (%v)", err)
		}
		all, err = harness.SpamAssassin(root)
	}
	if err == nil {
		w.title("mail: the SpamAssassin public corpus, %d real messages of 2000 to 2004", len(all))
		return split(all, send), nil
	}
	w.title("mail: the SpamAssassin corpus cannot be had, so the messages written for this project (test/mail)")
	return written(root, send)
}

func written(root string, send int) (mail, error) {
	good, err := harness.Written(root, "ham")
	if err != nil {
		return mail{}, err
	}
	bad, err := harness.Written(root, "spam")
	if err != nil {
		return mail{}, err
	}
	var all []harness.Sample
	for i := range max(len(good), len(bad)) {
		if i < len(good) {
			all = append(all, good[i])
		}
		if i < len(bad) {
			all = append(all, bad[i])
		}
	}
	// At least 50 of each class must be learned before fanmill refuses anything.
	return split(all, min(send, len(all)/3)), nil
}

// split picks evenly over the whole list: first what is sent, then, of the rest,
// what is learned.
func split(all []harness.Sample, send int) mail {
	var m mail
	send = min(send, len(all)/3)
	var rest []harness.Sample
	for i, s := range all {
		if i*send/len(all) != (i+1)*send/len(all) {
			m.send = append(m.send, s)
		} else {
			rest = append(rest, s)
		}
	}
	n := min(learnAtMost, len(rest))
	for i, s := range rest {
		if i*n/len(rest) != (i+1)*n/len(rest) {
			m.learn = append(m.learn, s)
		}
	}
	return m
}

// asSent returns a corpus message as its sender's host handed it over, and that
// host: the Received lines of the receiving site are taken away, and the client
// they name is the one the demo connects as.
func asSent(raw []byte) ([]byte, harness.Identity) {
	client := classify.Extract(classify.DefaultOptions(), raw).Client
	data := harness.StripFrom(raw)
	if !client.Addr.IsValid() || client.Addr.IsLoopback() || client.Addr.IsPrivate() {
		return data, harness.Stranger
	}
	id := harness.Identity{Addr: client.Addr.String(), Name: client.Name, Helo: client.Helo}
	if client.Addr.Is6() {
		id.Addr = "IPV6:" + id.Addr
	}
	if id.Helo == "" || bytes.ContainsAny([]byte(id.Helo), " \t<>") {
		id.Helo = "[" + client.Addr.String() + "]"
	}
	return withoutBorder(data, client.Addr.String()), id
}

// withoutBorder drops the Received fields at the top down to the one that names
// the client; without such a field the message stays as it is.
func withoutBorder(data []byte, addr string) []byte {
	rest := data
	for len(rest) > 0 && rest[0] != '\n' && rest[0] != '\r' {
		end := fieldEnd(rest)
		field := rest[:end]
		rest = rest[end:]
		if len(field) > 9 && bytes.EqualFold(field[:9], []byte("received:")) && bytes.Contains(field, []byte(addr)) {
			return rest
		}
	}
	return data
}

// fieldEnd finds the end of the first header field with its continuation lines.
func fieldEnd(data []byte) int {
	for i := 0; i < len(data); i++ {
		if data[i] == '\n' && (i+1 == len(data) || data[i+1] != ' ' && data[i+1] != '\t') {
			return i + 1
		}
	}
	return len(data)
}

// nearCopy is a message sent once more by the same sender: another id, and a
// line at its end.
func nearCopy(data []byte) []byte {
	out := bytes.Replace(harness.LF(data), []byte("\nMessage-I"), []byte("\nMessage-Id: <again@demo.invalid>\nX-Old-I"), 1)
	return append(out, "\nsent once more\n"...)
}

// files writes samples below dir, one file each, and returns the paths by class,
// "ham" and "spam".
func files(dir string, list []harness.Sample) (map[string][]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("write the mail to learn: %w", err)
	}
	paths := map[string][]string{}
	for i, s := range list {
		path := fmt.Sprintf("%s/%05d", dir, i)
		if err := os.WriteFile(path, s.Data, 0o644); err != nil {
			return nil, fmt.Errorf("write the mail to learn: %w", err)
		}
		class := "ham"
		if s.Spam {
			class = "spam"
		}
		paths[class] = append(paths[class], path)
	}
	return paths, nil
}
