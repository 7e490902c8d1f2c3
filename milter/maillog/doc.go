// Package maillog reads the log lines in which package milter says what became of
// each message, and of recipients refused before it came, and adds them up by day.
//
// A line is what package slog writes, text or JSON, with msg=message (or
// msg="recipient refused", whose last attribute is list):
//
//	time=2026-11-22T10:00:00.000+01:00 level=INFO msg=message id=... outcome=accept
//	rule=default verdict=ham ... clues="..." duration=0.002
//
// It may stand alone, behind the prefix of syslog or of journalctl ("Nov 22 10:00:00
// mx fanmill[42]: "), or as a string in the JSON objects of journalctl -o json
// (MESSAGE) and of container logs (log). The attributes that count are time, outcome,
// rule, and where they are given list, unfiltered, unscored and also: further columns
// of a message that met several outcomes. policy.Fate says in which column it stands.
//
// Lines of anything else are passed over. So that text from a message cannot pass for
// a line of ours, what stands before it must be a prefix of one program's name, with
// the first ": " of the line at its end.
//
// Memory does not grow with the log: lines are read one at a time into a buffer of
// fixed size, and a Table has a row for each day. A Table may be used from several
// goroutines, a Parser and a Tail from one.
package maillog
