package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestFit(t *testing.T) {
	for _, tt := range []struct {
		in    string
		width int
		want  string
	}{
		{"short", 5, "short"},
		{"longer", 5, "lo..."},
		{"日本語", 6, "日本語"},
		{"日本語です", 9, "日本語..."},
		{"日本語です", 8, "日本..."},
		{"e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"},
		{"", 0, ""},
		{"x", 0, ""},
		{"xyz", 2, ".."},
		{"\x1b[2J", 80, `\x1b[2J`},
	} {
		got := Fit(tt.in, tt.width)
		if got != tt.want || Cells(got) > tt.width {
			t.Errorf("fit(%q, %d) = %q, %d columns, want %q", tt.in, tt.width, got, Cells(got), tt.want)
		}
	}
}

func FuzzPrintJSON(f *testing.F) {
	f.Add("a\x1b[2Jb\u202e\xff\U000e0041")
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		if err := PrintJSON(&b, s); err != nil {
			t.Fatal(err)
		}
		for i, r := range strings.TrimSuffix(b.String(), "\n") {
			if !unicode.IsPrint(r) {
				t.Fatalf("JSON of %q has %q at %d", s, r, i)
			}
		}
		var back string
		if err := json.Unmarshal(b.Bytes(), &back); err != nil || back != s && utf8.ValidString(s) {
			t.Fatalf("JSON of %q is read as %q (%v)", s, back, err)
		}
	})
}

func TestBar(t *testing.T) {
	for _, c := range []struct {
		width, n    int
		done, total int64
		want        string
	}{
		{79, 500, 50, 100, "training [###############...............]  50% 500 messages, 250/s, 2s left"},
		{79, 500, 100, 100, "training [##############################] 100% 500 messages, 250/s, 0s left"},
		{79, 500, 50, 0, "training 500 messages, 250/s"},
		{50, 500, 25, 100, "training [#....]  25% 500 messages, 250/s, 6s left"},
		{45, 500, 25, 100, "training  25% 500 messages, 250/s, 6s left"},
		{20, 500, 50, 100, "training  50% 500..."},
	} {
		got := bar("training", "messages", c.width, c.n, c.done, c.total, 2*time.Second)
		if got != c.want || len(got) > c.width {
			t.Errorf("bar of %d/%d in %d: %q, want %q", c.done, c.total, c.width, got, c.want)
		}
	}
	var none *Meter
	none.Show(1, 1, 1)
	none.Phase("resampling", "resamples")
	none.Clear()
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 32_500_000: "32.5 MB", 1 << 30: "1.1 GB", 1 << 62: "4611686.0 TB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
