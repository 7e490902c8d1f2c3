package mta

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// Sendmail returns how the Sendmail of a sendmail.cf connects to milters: those that
// `O InputMailFilters` names, as their X lines say. It runs as root unless
// `O RunAsUser` names another. The error is fs.ErrNotExist where there is no file.
func Sendmail(cf string) (Client, error) {
	c := Client{Name: "Sendmail", Setting: "InputMailFilters"}
	f, err := os.Open(cf)
	if err != nil {
		return c, fmt.Errorf("look at Sendmail: %w", err)
	}
	defer f.Close()
	options, filters := map[string]string{}, map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		if rest, ok := strings.CutPrefix(line, "O "); ok {
			name, value, _ := strings.Cut(rest, "=")
			options[strings.TrimSpace(name)] = strings.TrimSpace(value)
		} else if rest, ok := strings.CutPrefix(line, "X"); ok {
			name, equates, _ := strings.Cut(rest, ",")
			filters[strings.TrimSpace(name)] = equates
		}
	}
	if err := lines.Err(); err != nil {
		return c, fmt.Errorf("read %s: %w", cf, err)
	}
	c.Dir = options["QueueDirectory"]
	user, _, _ := strings.Cut(options["RunAsUser"], ":")
	if user == "" {
		user = "root"
	}
	if c.Account, err = Lookup(user); err != nil {
		return c, fmt.Errorf("look at Sendmail: %w", err)
	}
	for name := range strings.SplitSeq(options["InputMailFilters"], ",") {
		if equates, ok := filters[strings.TrimSpace(name)]; ok {
			c.Milters = append(c.Milters, c.filter(equates))
		}
	}
	return c, nil
}

// filter reads the equates of an X line: S=socket, F=flags, T=timeouts.
func (c *Client) filter(equates string) Milter {
	socket, flags := "", ""
	for equate := range strings.SplitSeq(equates, ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(equate), "="); name {
		case "S":
			socket = value
		case "F":
			flags = value
		}
	}
	m := c.parse(socket)
	m.Passes = !strings.ContainsAny(flags, "RT4")
	return m
}
