package config

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSizes(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Size
		out  string
	}{
		{"0", 0, "0"},
		{"1", 1, "1"},
		{"1024", 1024, "1KiB"},
		{"256kB", 256_000, "250KiB"},
		{"1kb", 1000, "1kB"},
		{"64 MiB", 64 << 20, "64MiB"},
		{"64mib", 64 << 20, "64MiB"},
		{"3B", 3, "3"},
		{"2GB", 2_000_000_000, "1953125KiB"},
		{"1TiB", 1 << 40, "1TiB"},
		{"9223372036854775807", math.MaxInt64, "9223372036854775807"},
	} {
		got, err := ParseSize(tt.in)
		if err != nil || got != tt.want || got.String() != tt.out {
			t.Errorf("ParseSize(%q) = %v (%d), %v, want %s (%d)", tt.in, got, got, err, tt.out, tt.want)
		}
	}
	for _, s := range []string{"", "kB", "-1", "1.5MB", "1 x", "9223372036854775808", "9007199254740992KiB", "1kBs", "1e3", "0x10"} {
		if got, err := ParseSize(s); err == nil {
			t.Errorf("ParseSize(%q) = %v", s, got)
		}
	}
}

func TestDurations(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want time.Duration
		out  string
	}{
		{"0", 0, "0s"},
		{"0s", 0, "0s"},
		{"30s", 30 * time.Second, "30s"},
		{"2h10m", 130 * time.Minute, "2h10m"},
		{"250ms", 250 * time.Millisecond, "250ms"},
		{"60m", time.Hour, "1h"},
		{"10m", 10 * time.Minute, "10m"},
		{"1h0m5s", time.Hour + 5*time.Second, "1h0m5s"},
		{"5d", 120 * time.Hour, "120h"},
		{"1d12h", 36 * time.Hour, "36h"},
		{"0d", 0, "0s"},
	} {
		got, err := ParseDuration(tt.in)
		if err != nil || time.Duration(got) != tt.want || got.String() != tt.out {
			t.Errorf("ParseDuration(%q) = %v, %v, want %s", tt.in, got, err, tt.out)
		}
	}
	for _, s := range []string{"", "d", "-1s", "-0s", "1d-1h", "-1d", "1.5d", "5 d", "1y", "10", "106752d", "2562048h", "1d2562047h"} {
		if got, err := ParseDuration(s); err == nil {
			t.Errorf("ParseDuration(%q) = %v", s, got)
		}
	}
}

func TestFileModes(t *testing.T) {
	for _, s := range []string{"0660", "0600", "0777", "0000"} {
		if m, err := ParseFileMode(s); err != nil || m.String() != s {
			t.Errorf("ParseFileMode(%q) = %v, %v", s, m, err)
		}
	}
	if m, err := ParseFileMode("660"); err != nil || m != 0o660 {
		t.Errorf("660 = %v, %v", m, err)
	}
	for _, s := range []string{"", "6", "0980", "01660", "0o660", "-660", "rw-"} {
		if m, err := ParseFileMode(s); err == nil {
			t.Errorf("ParseFileMode(%q) = %v", s, m)
		}
	}
}

// What is written is read back as the same value.
func TestValuesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := Size(rapid.Int64Range(0, math.MaxInt64).Draw(t, "size"))
		if got, err := ParseSize(size.String()); err != nil || got != size {
			t.Fatalf("size %d written as %v read as %d, %v", size, size, got, err)
		}
		d := Duration(rapid.Int64Range(0, math.MaxInt64).Draw(t, "duration"))
		if got, err := ParseDuration(d.String()); err != nil || got != d {
			t.Fatalf("duration %d written as %v read as %d, %v", d, d, got, err)
		}
	})
}

func TestListenSpellings(t *testing.T) {
	for _, s := range []string{
		"unix:/run/m.sock", "local:/run/m.sock", "inet:127.0.0.1:8891", "inet:8891@127.0.0.1", "inet:localhost:0",
		"inet:mx-1.example.org:65535", "inet:[::1]:8891", "inet6:[::1]:8891", "inet6:8891@::1", "inet6:8891@[2001:db8::1]", "inet6:ip6-localhost:8891",
	} {
		if text, hint := checkListen(s); text != "" || hint != "" {
			t.Errorf("%q refused: %s; %s", s, text, hint)
		}
	}
	for _, s := range []string{"", "unix", "inet", "inet:", "inet::8891", "inet:h:", "inet:h:-1", "inet:h:1:2x", "inet6:::1", "UNIX:/x", "fd:3", "unix:m.sock", "inet6:127.0.0.1:1"} {
		if text, hint := checkListen(s); text == "" || hint == "" {
			t.Errorf("%q: text %q, hint %q", s, text, hint)
		}
	}
}

func TestSubmitTargets(t *testing.T) {
	for _, s := range []string{"smtp:127.0.0.1:25", "smtp:[::1]:10025", "smtp:mx.example.org:25", "lmtp:unix:/run/lmtp", "lmtp:localhost:24", "sendmail:/usr/sbin/sendmail"} {
		if text, _ := checkTarget(s); text != "" {
			t.Errorf("%q refused: %s", s, text)
		}
	}
	for _, s := range []string{"", "smtp:", "smtp:host", "smtp::25", "smtp:h:0", "smtp:h:x", "lmtp:unix:lmtp", "lmtp:unix:/" + strings.Repeat("x", 110), "sendmail:", "http:h:1"} {
		if text, hint := checkTarget(s); text == "" || hint == "" {
			t.Errorf("%q: text %q, hint %q", s, text, hint)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"spam", "unsure", "spam_cutoff", "to"}
	for in, want := range map[string]string{
		"span": "spam", "Spam": "spam", "spam-cutoff": "spam_cutoff", "spam_cut_of": "spam_cutoff",
		"sam": "spam", "x": "", "colour": "", "tp": "", strings.Repeat("s", 1000): "",
	} {
		if got := nearest(in, words); got != want {
			t.Errorf("nearest(%q) = %q, want %q", in, got, want)
		}
	}
}
