package mta

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"unicode"
)

// Postfix returns the parts of a Postfix that may connect to milters: each smtpd
// service of master.cf, and cleanup, which does so for mail that is submitted on the
// host. tool is the path of postconf(1), dir Postfix's configuration directory, ""
// for postconf's own. The error is fs.ErrNotExist where there is no such tool.
func Postfix(ctx context.Context, tool, dir string) ([]Client, error) {
	ask := func(args ...string) (string, error) { return postconf(ctx, tool, dir, args...) }
	main, err := ask("-x", "smtpd_milters", "non_smtpd_milters", "milter_default_action", "queue_directory", "mail_owner", "compatibility_level")
	if err != nil {
		return nil, err
	}
	services, err := ask("-M")
	if err != nil {
		return nil, err
	}
	overrides, err := ask("-xP")
	if err != nil {
		return nil, err
	}
	p := postfix{main: settings(main), overrides: settings(overrides)}
	if p.account, err = Lookup(p.main["mail_owner"]); err != nil {
		return nil, fmt.Errorf("look at Postfix: %w", err)
	}
	return p.clients(services), nil
}

func postconf(ctx context.Context, tool, dir string, args ...string) (string, error) {
	if dir != "" {
		args = append([]string{"-c", dir}, args...)
	}
	cmd := exec.CommandContext(ctx, tool, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if said := strings.TrimSpace(stderr.String()); err != nil && said != "" {
		err = errors.New(said)
	}
	if err != nil {
		return "", fmt.Errorf("ask %s about Postfix: %w", tool, err)
	}
	return string(out), nil
}

// settings reads lines "name = value".
func settings(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, "="); ok {
			m[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return m
}

// postfix is what postconf said.
type postfix struct {
	main      map[string]string
	overrides map[string]string // by service/type/name
	account   Account
}

// clients reads what `postconf -M` prints, a line for each service: name, type,
// private, unprivileged, chroot, wake-up, processes, command.
func (p *postfix) clients(services string) []Client {
	names := map[string]string{"smtpd": "smtpd_milters", "cleanup": "non_smtpd_milters"}
	var list []Client
	for line := range strings.Lines(services) {
		f := strings.Fields(line)
		if len(f) < 8 || names[f[7]] == "" {
			continue
		}
		c := Client{Name: "Postfix " + f[7], Setting: names[f[7]], Account: p.account, Dir: p.main["queue_directory"], Local: f[7] == "cleanup"}
		if f[7] == "smtpd" {
			c.Name += " (" + f[0] + ")"
		}
		if p.chrooted(f[4]) {
			c.Root = c.Dir
		}
		c.Milters = p.milters(&c, f[0]+"/"+f[1]+"/")
		list = append(list, c)
	}
	return list
}

// chrooted reads the column chroot. Its default was y until Postfix 3.0.
func (p *postfix) chrooted(column string) bool {
	if column == "-" {
		level := p.main["compatibility_level"]
		return level == "" || strings.HasPrefix(level, "0")
	}
	return column == "y"
}

// milters returns the milters of one service.
func (p *postfix) milters(c *Client, service string) []Milter {
	get := func(name string) string {
		if v, ok := p.overrides[service+name]; ok {
			return v
		}
		return p.main[name]
	}
	var list []Milter
	for _, words := range milterList(get(c.Setting)) {
		m := c.parse(words[0])
		action := get("milter_default_action")
		for _, w := range words[1:] {
			if name, value, _ := strings.Cut(w, "="); name == "default_action" {
				action = value
			}
		}
		m.Passes = action == "accept"
		list = append(list, m)
	}
	return list
}

// milterList splits a list of milters: words apart by commas or blanks, of which
// { inet:host:port, name=value, ... } is one. Each is returned with what stands
// beside it in the braces.
func milterList(s string) (list [][]string) {
	apart := func(r rune) bool { return r == ',' || unicode.IsSpace(r) }
	for {
		s = strings.TrimLeftFunc(s, apart)
		if s == "" {
			return list
		}
		words, rest := s, ""
		if group, ok := strings.CutPrefix(s, "{"); ok {
			words, rest, _ = strings.Cut(group, "}")
		} else if i := strings.IndexFunc(s, apart); i >= 0 {
			words, rest = s[:i], s[i:]
		}
		if f := strings.FieldsFunc(words, apart); len(f) > 0 {
			list = append(list, f)
		}
		s = rest
	}
}
