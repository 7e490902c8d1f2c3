package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// chooseOrder takes the order of the given index when there is one; it must
// name exactly the messages that were unpacked.
func chooseOrder(dir, order string, entries []entry) ([]entry, error) {
	given, err := readIndex(order)
	if errors.Is(err, fs.ErrNotExist) {
		return byDate(dir, entries)
	}
	if err != nil {
		return nil, err
	}
	have := make(map[entry]bool, len(entries))
	for _, e := range entries {
		have[e] = true
	}
	for _, e := range given {
		if !have[e] {
			return nil, fmt.Errorf("%s: %q names no message of the package, or one twice", order, e)
		}
		delete(have, e)
	}
	if len(have) > 0 {
		return nil, fmt.Errorf("%s leaves out %d messages", order, len(have))
	}
	return given, nil
}

// byDate sorts by time of arrival, then by path.
func byDate(dir string, entries []entry) ([]entry, error) {
	times := make(map[entry]time.Time, len(entries))
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, "full", e.path))
		if err != nil {
			return nil, err
		}
		times[e] = arrival(raw)
	}
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b entry) int {
		if c := times[a].Compare(times[b]); c != 0 {
			return c
		}
		return strings.Compare(a.path, b.path)
	})
	return sorted, nil
}

// arrival is when a message reached its reader: the top-most parsable date of a
// Received line in 2000 to 2004 (some hosts' clocks were years off), else the
// date of the From_ line, else the Date field, else the zero time.
func arrival(raw []byte) time.Time {
	var date time.Time
	lines := headerLines(raw)
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		switch {
		case strings.EqualFold(name, "Received"):
			if at := strings.LastIndexByte(value, ';'); at >= 0 {
				if t, ok := parseDate(value[at+1:]); ok && t.Year() >= 2000 && t.Year() <= 2004 {
					return t
				}
			}
		case strings.EqualFold(name, "Date") && date.IsZero():
			date, _ = parseDate(value)
		}
	}
	if len(lines) > 0 && strings.HasPrefix(lines[0], "From ") {
		if t, ok := parseFromLine(lines[0]); ok {
			return t
		}
	}
	return date
}

// headerLines unfolds the header section.
func headerLines(raw []byte) []string {
	var lines []string
	for line := range bytes.Lines(raw) {
		text := strings.TrimRight(string(line), "\r\n")
		switch {
		case text == "":
			return lines
		case (text[0] == ' ' || text[0] == '\t') && len(lines) > 0:
			lines[len(lines)-1] += " " + strings.TrimSpace(text)
		default:
			lines = append(lines, text)
		}
	}
	return lines
}

func parseDate(s string) (time.Time, bool) {
	t, err := mail.ParseDate(strings.TrimSpace(s))
	return t.UTC(), err == nil
}

var fromLineDate = regexp.MustCompile(`[A-Z][a-z]{2} +([A-Z][a-z]{2}) +(\d{1,2}) +(\d\d:\d\d:\d\d) +(\d{4})\s*$`)

func parseFromLine(line string) (time.Time, bool) {
	m := fromLineDate.FindStringSubmatch(line)
	if m == nil {
		return time.Time{}, false
	}
	t, err := time.Parse("Jan 2 15:04:05 2006", strings.Join(m[1:], " "))
	return t, err == nil
}

// checkOrder reports where the order by rule differs from the written one.
func checkOrder(dir string) error {
	given, err := readIndex(filepath.Join(dir, "full", "index"))
	if err != nil {
		return err
	}
	ruled, err := byDate(dir, given)
	if err != nil {
		return err
	}
	place := make(map[entry]int, len(given))
	for i, e := range given {
		place[e] = i
	}
	moved := 0
	for i, e := range ruled {
		if place[e] != i {
			moved++
			fmt.Printf("%s: line %d by rule, line %d in the index\n", e, i+1, place[e]+1)
		}
	}
	fmt.Printf("%d of %d messages stand elsewhere by rule\n", moved, len(given))
	return nil
}
