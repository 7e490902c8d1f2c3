package classify_test

import (
	"bytes"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fanmill/classify"
)

// TestLongFirstLines has lines that Read takes in pieces and Extract whole.
func TestLongFirstLines(t *testing.T) {
	tests := map[string]string{
		"name longer than any field":    strings.Repeat("a", 1_100_000) + ":x\n\nbody\n",
		"name longer than Read's piece": strings.Repeat("a", 70_000) + ":x\n\nbody\n",
		"From_ line":                    "From " + strings.Repeat("a", 200_000) + "\nSubject: x\n\nbody\n",
		"From_ line without end":        "From " + strings.Repeat("a", 200_000),
		"blanks":                        "A: b\n" + strings.Repeat(" ", 200_000) + ":x\nSubject: x\n\nbody\n",
		"no field":                      strings.Repeat("a b", 70_000) + "\nSubject: x\n\nbody\n",
	}
	for name, raw := range tests {
		want, digest := features([]byte(raw))
		s := classify.NewStream(classify.DefaultOptions())
		m, err := classify.Read(s, strings.NewReader(raw))
		if err != nil || m.Digest != digest || !slices.Equal(lists(m), want) {
			t.Errorf("%s: Read gives %d features and n-grams, Extract %d (%v)", name, len(lists(m)), len(want), err)
		}
	}
	if texts := clueTexts(classify.DefaultOptions(), tests["From_ line"]); !slices.Contains(texts, "subject: x") {
		t.Errorf("the field below a long From_ line is lost: %q", texts)
	}
}

// TestTextsAreBounded has field names of a megabyte, which stand in the text of
// each of the fields' words.
func TestTextsAreBounded(t *testing.T) {
	var msg bytes.Buffer
	for i := range 8 {
		fmt.Fprintf(&msg, "%s%d:", strings.Repeat("n", 50_000), i)
		for j := range 800 {
			fmt.Fprintf(&msg, " %d", 1000*i+j)
		}
		msg.WriteByte('\n')
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	texts := clueTexts(classify.DefaultOptions(), msg.Bytes())
	runtime.ReadMemStats(&after)
	if grown := (after.TotalAlloc - before.TotalAlloc) >> 20; grown > 64 {
		t.Errorf("took %d MB", grown)
	}
	for _, text := range texts {
		if len(text) > 600 {
			t.Fatalf("text of %d bytes: %.80s...", len(text), text)
		}
	}
}

// TestHostileShapes is the promise that no message costs more than 2 s of CPU
// time, for shapes that cost most for each byte. The bound is loose: machines
// differ, and the race detector slows everything; quadratic work is far beyond it.
func TestHostileShapes(t *testing.T) {
	const size = 8 << 20
	one := "Content-Type: multipart/mixed; boundary=a\n\n--a\n"
	nested := "Content-Type: multipart/mixed; boundary=x00\n\n"
	for i := range 29 {
		nested += fmt.Sprintf("--x%02d\nContent-Type: multipart/mixed; boundary=x%02d\n\n", i, i+1)
	}
	enclosed := "--a\nContent-Type: message/rfc822\n\nSubject: "
	shapes := map[string][2]string{
		"empty lines":             {"\n", "\n"},
		"empty lines, CRLF":       {"\n", "\r\n"},
		"short lines":             {"\n", "x\n"},
		"CRs":                     {"\n", "\r"},
		"short base64 lines":      {"Content-Transfer-Encoding: base64\n\n", "Q\n"},
		"equals signs":            {"Content-Transfer-Encoding: quoted-printable\n\n", "="},
		"soft breaks":             {"Content-Transfer-Encoding: quoted-printable\n\n", "=\n"},
		"no field in part header": {one + "a:b\n", "x\n"},
		"delimiters":              {one, "--a\n"},
		"almost delimiters":       {nested, "--x99\n"},
		"unending encoded words":  {one, enclosed + strings.Repeat("=?a?q?x", 2300) + "\n\nhi\n"},
		"links":                   {one, "--a\n\n" + strings.Repeat(`www.a"`, 11_000) + "//\n"},
	}
	for name, shape := range shapes {
		raw := append([]byte(shape[0]), bytes.Repeat([]byte(shape[1]), size/len(shape[1]))...)
		raw = append(raw, 'x')
		began := cpuTime(t)
		classify.Extract(classify.DefaultOptions(), raw)
		took := cpuTime(t) - began
		t.Logf("%-25s %v", name, took)
		if took > 4*time.Second {
			t.Errorf("%s: %d MB took %v of CPU time", name, size>>20, took)
		}
	}
}

func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestManyLinks has more links in one run of text than should be on a stack,
// and ones behind each of which all the rest could be searched.
func TestManyLinks(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(16 << 20))
	o := classify.DefaultOptions()
	o.TextHead, o.TextTotal = 2<<20, 2<<20
	for _, link := range []string{`ab://c"`, `www.ab"`} {
		raw := "Subject: x\n\n" + strings.Repeat(link, (2<<20)/7-1) + "//"
		began := cpuTime(t)
		if m := classify.Extract(o, []byte(raw)); len(m.Features) < 5 {
			t.Errorf("%s: only %d features", link, len(m.Features))
		}
		if took := cpuTime(t) - began; took > 10*time.Second {
			t.Errorf("%s: took %v of CPU time", link, took)
		}
	}
}
