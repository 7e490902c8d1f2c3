package maillog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"fanmill/policy"
)

// Entry is what a log line says.
type Entry struct {
	Time    time.Time
	Columns []policy.Column // where it is counted; at least one
}

// The lines that count. One of a message belongs to the total too; one of a recipient
// who was refused before the message came does not.
const (
	msgMessage = "message"
	msgRefused = "recipient refused"
)

var (
	// ErrOther is returned for a line that is not about a message of ours.
	ErrOther = errors.New("not the line of a message")
	// ErrBroken is wrapped where such a line cannot be read whole.
	ErrBroken = errors.New("broken line")
)

// Parser reads lines. The zero value is ready.
type Parser struct {
	columns []policy.Column
}

// Parse reads one line, without its end. The Columns of the Entry are good until the
// next call. The error is ErrOther, or wraps ErrBroken and says what is wrong.
func (p *Parser) Parse(line []byte) (Entry, error) {
	line = bytes.TrimSuffix(line, []byte("\r"))
	if isObject(line) && !containsAny(line, marksJSON) {
		return p.wrapped(line)
	}
	return p.plain(behindPrefix(line))
}

func isObject(b []byte) bool { return len(b) > 0 && b[0] == '{' }

func isPlain(b []byte) bool { return bytes.HasPrefix(b, []byte("time=")) }

// behindPrefix cuts off what syslog, journalctl or a container's log put before a
// line: all up to the first ": ", or "| ".
func behindPrefix(line []byte) []byte {
	if isPlain(line) || isObject(line) {
		return line
	}
	for _, mark := range []string{": ", "| "} {
		if i := bytes.Index(line, []byte(mark)); i >= 0 {
			return line[i+len(mark):]
		}
	}
	return nil
}

// What a line of ours has in it, as slog's JSON and as it stands in an object.
var (
	marksJSON    = [][]byte{[]byte(`"msg":"message"`), []byte(`"msg":"recipient refused"`)}
	marksWrapped = [][]byte{
		[]byte(`msg=message`), []byte(`\"msg\":\"message\"`), []byte(`msg=\"recipient refused\"`), []byte(`\"msg\":\"recipient refused\"`),
		[]byte(`"MESSAGE":[`),
	}
)

func containsAny(line []byte, marks [][]byte) bool {
	return slices.ContainsFunc(marks, func(mark []byte) bool { return bytes.Contains(line, mark) })
}

// plain reads a line as slog wrote it, text or JSON.
func (p *Parser) plain(line []byte) (Entry, error) {
	var a attributes
	var err error
	switch {
	case isPlain(line):
		err = a.readText(line)
	case isObject(line) && containsAny(line, marksJSON):
		err = a.readJSON(line)
	}
	if err == nil && !a.counts() || errors.Is(err, ErrOther) {
		return Entry{}, ErrOther
	}
	if err != nil {
		return Entry{}, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return p.entry(&a)
}

// wrapped reads an object that may have a line of ours in it: of the journal, whose
// MESSAGE is a string or, where that is not plain text, a list of its bytes; or of a
// container.
func (p *Parser) wrapped(object []byte) (Entry, error) {
	if !containsAny(object, marksWrapped) {
		return Entry{}, ErrOther
	}
	var text []byte
	err := eachField(object, func(key, value []byte) {
		switch string(key) {
		case "MESSAGE", "log":
			text = bytes.TrimRight(unquote(value), "\r\n")
		}
	})
	if err != nil {
		return Entry{}, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return p.plain(text)
}

// attributes are those of a line that count, parts of it.
type attributes struct {
	time, msg, outcome, rule, list, also []byte
	unfiltered, unscored                 bool
}

// counts reports whether the line is one that counts.
func (a *attributes) counts() bool { return string(a.msg) == msgMessage || string(a.msg) == msgRefused }

func (a *attributes) set(key, value []byte) {
	switch string(key) {
	case "time":
		a.time = value
	case "msg":
		a.msg = value
	case "outcome":
		a.outcome = value
	case "rule":
		a.rule = value
	case "list":
		a.list = value
	case "also":
		a.also = value
	case "unfiltered":
		a.unfiltered = string(value) == "true"
	case "unscored":
		a.unscored = string(value) == "true"
	}
}

var errEnd = errors.New("it ends early")

// readText takes the attributes from a line of slog's text form, up to those that come
// last. A line of another kind is given up with ErrOther.
func (a *attributes) readText(line []byte) error {
	for {
		i := bytes.IndexByte(line, '=')
		if i < 0 {
			return errEnd
		}
		key, value := line[:i], line[i+1:]
		if string(key) == "clues" || string(key) == "duration" {
			return nil
		}
		end := bytes.IndexByte(value, ' ')
		if len(value) > 0 && value[0] == '"' {
			end = stringEnd(value)
		} else if end < 0 {
			end = len(value)
		}
		if end < 0 {
			return errEnd
		}
		a.set(key, unquote(value[:end]))
		switch {
		case string(key) == "msg" && !a.counts():
			return ErrOther
		case string(key) == "list" && string(a.msg) == msgRefused:
			return nil // the last of such a line
		}
		line = bytes.TrimPrefix(value[end:], []byte(" "))
	}
}

func (a *attributes) readJSON(line []byte) error {
	return eachField(line, func(key, value []byte) { a.set(key, unquote(value)) })
}

// entry decides where the message is counted.
func (p *Parser) entry(a *attributes) (e Entry, err error) {
	if err = e.Time.UnmarshalText(a.time); err != nil {
		return e, fmt.Errorf("%w: time: %q", ErrBroken, a.time)
	}
	outcome, err := policy.ParseOutcome(string(a.outcome))
	if err != nil {
		return e, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	f := policy.Fate{Outcome: outcome, Rule: string(a.rule), List: listOf(a.list), Unfiltered: a.unfiltered, Unscored: a.unscored}
	p.columns = append(p.columns[:0], f.Column())
	for name := range bytes.FieldsSeq(a.also) {
		if c, ok := policy.ParseColumn(string(name)); ok && c != policy.Total && !slices.Contains(p.columns, c) {
			p.columns = append(p.columns, c)
		}
	}
	if string(a.msg) == msgMessage {
		p.columns = append(p.columns, policy.Total)
	}
	e.Columns = p.columns
	return e, nil
}

func listOf(name []byte) policy.SenderList {
	for _, l := range []policy.SenderList{policy.Welcome, policy.Block} {
		if string(name) == l.String() {
			return l
		}
	}
	return policy.Unlisted
}
