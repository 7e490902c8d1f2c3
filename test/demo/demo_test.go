package main

import (
	"fmt"
	"testing"

	"fanmill/test/harness"
)

func TestSafe(t *testing.T) {
	for in, want := range map[string]string{
		"plain Grüße":           "plain Grüße",
		"\x1b[31mred\r\n\tx":    "?[31mred???x",
		"right\u202eleft\u200b": "right?left?",
		"\xff\xfe broken":       "? broken",
		"a rather long subject": "a rather lo…",
	} {
		if got := safe(in, 12); got != want {
			t.Errorf("safe(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSplitKeepsLearnedAndSentApart(t *testing.T) {
	var all []harness.Sample
	for i := range 6046 {
		all = append(all, harness.Sample{Path: fmt.Sprint(i)})
	}
	m := split(all, 300)
	if len(m.send) != 300 || len(m.learn) != learnAtMost {
		t.Errorf("%d to send, %d to learn", len(m.send), len(m.learn))
	}
	seen := map[string]bool{}
	for _, s := range append(m.send, m.learn...) {
		if seen[s.Path] {
			t.Errorf("%s is there twice", s.Path)
		}
		seen[s.Path] = true
	}
}

func TestWithoutBorder(t *testing.T) {
	text := "Return-Path: <x>\nReceived: from inner\n\tby us\nReceived: from c ([198.51.100.9])\n\tby us\nReceived: from theirs\nSubject: x\n\nbody\n"
	want := "Received: from theirs\nSubject: x\n\nbody\n"
	if got := string(withoutBorder([]byte(text), "198.51.100.9")); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := string(withoutBorder([]byte(text), "198.51.100.10")); got != text {
		t.Errorf("without such a line: %q", got)
	}
}
