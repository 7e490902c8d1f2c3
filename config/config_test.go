package config

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fanmill/classify"
	"fanmill/config/watch"
	"fanmill/policy"
)

var update = flag.Bool("update", false, "write the generated files and the expected errors anew")

// golden compares got with the file, or writes it with -update.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is out of step (run: %s)\n%s", path, regenerate, diff)
	}
}

func TestGenerated(t *testing.T) {
	golden(t, "../docs/configuration.md", Markdown())
	golden(t, "../contrib/man/fanmill.toml.5", Man())
	golden(t, "testdata/example.toml", Example())
}

// Every key says what it does and when it takes effect, and its default is
// within its own limits.
func TestKeysAreComplete(t *testing.T) {
	root := reflect.TypeFor[Config]()
	for i, s := range Sections() {
		if s.Name == "" || s.Doc == "" || len(s.Keys) == 0 {
			t.Errorf("section %d (%q) is incomplete", i, s.Name)
		}
		for j, k := range s.Keys {
			tag := root.Field(i).Type.Field(j).Tag
			if k.Name == "" || k.Type == "" || k.Default == "" || !strings.HasSuffix(k.Doc, ".") {
				t.Errorf("%s is incomplete: %+v", k.Path(), k)
			}
			if r := tag.Get("reload"); r != "live" && r != "restart" {
				t.Errorf("%s: reload is %q", k.Path(), r)
			}
			if (k.Min == "") != (k.Max == "") {
				t.Errorf("%s has half a range", k.Path())
			}
			if k.Max != "" && k.bound(k.Min) >= k.bound(k.Max) {
				t.Errorf("%s: range from %s to %s", k.Path(), k.Min, k.Max)
			}
		}
	}
	if err := Default(DefaultDataDir).Validate(); err != nil {
		t.Errorf("the defaults are wrong: %v", err)
	}
}

// The ranges of the file are those of package classify.
func TestClassifyRanges(t *testing.T) {
	for _, s := range Sections() {
		for _, k := range s.Keys {
			if s.Name != "classify" || k.Max == "" {
				continue
			}
			for _, tt := range []struct {
				n  float64
				ok bool
			}{{k.bound(k.Min), true}, {k.bound(k.Max), true}, {k.bound(k.Min) - 1, false}, {k.bound(k.Max) + 1, false}} {
				c := Default("")
				k.value(c).SetInt(int64(tt.n))
				if err := c.ClassifyOptions().Validate(); (err == nil) != tt.ok {
					t.Errorf("%s = %v: classify says %v", k.Path(), tt.n, err)
				}
			}
		}
	}
}

// An empty file and the example file are the defaults, also with every key of
// the example in force.
func TestExampleIsTheDefault(t *testing.T) {
	example := string(Example())
	var active []string
	for _, line := range strings.Split(example, "\n") {
		if strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "# ") && line != "#" {
			line = line[1:]
		}
		active = append(active, line)
	}
	if n := strings.Count(strings.Join(active, "\n"), " = "); n < 50 {
		t.Fatalf("only %d keys in the example", n)
	}
	for name, text := range map[string]string{"empty": "", "example": example, "example in force": strings.Join(active, "\n")} {
		c, err := Parse(name, []byte(text), DefaultDataDir)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name == "example in force" {
			if len(c.Rules) != strings.Count(exampleRules, "[[rule]]") {
				t.Errorf("%d rules in the example in force", len(c.Rules))
			}
			c.Rules = nil
		}
		if diff := cmp.Diff(Default(DefaultDataDir).Show(), c.Show()); diff != "" {
			t.Errorf("%s is not the default:\n%s", name, diff)
		}
	}
}

func TestParseFull(t *testing.T) {
	data, err := os.ReadFile("testdata/full.toml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse("full.toml", data, "/data")
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Milter: Milter{
			Listen:     []string{"unix:/data/m.sock", "local:/run/f/m.sock", "inet:127.0.0.1:8891", "inet:8892@localhost", "inet6:[::1]:8891", "inet6:8893@::1"},
			SocketMode: 0o600, SocketGroup: "postfix", MaxConnections: 7,
			IdleTimeout: Duration(3 * time.Hour), PacketTimeout: Duration(10 * time.Second),
			MessageDeadline: Duration(30 * time.Second), ProgressEvery: Duration(2500 * time.Millisecond), DrainTimeout: 0,
		},
		Policy: Policy{
			Observe: true, Spam: "hold", Unsure: "tag", DelayMin: Duration(10 * time.Minute), DelayMax: Duration(24 * time.Hour), UntilTrained: "accept", MinLabels: 10, OnError: "accept",
			HamCutoff: 0.2, SpamCutoff: 0.8, RejectCutoff: 1, RejectText: "No.",
			Unfiltered:  []string{"Boss@example.org", "@people.example", "vip@", "*-owner@lists.example", `/^list-\d+@/`},
			NeverRefuse: []string{"postmaster@"}, TrustedNetworks: []string{"192.0.2.0/24"},
			OwnHosts: []string{"mx2.example.org", "2001:db8::/32"}, Mixed: "strict", WelcomeAuth: "always", SubjectTag: "[SPAM?]", OnePolicyPerMessage: true,
			RejectAttachments: []string{"executable", ".7z"}, BypassWord: "NOTSPAM",
		},
		Headers: Headers{Families: []string{"fanmill", "spamassassin"}, Evidence: 10, Authenticated: true},
		Classify: Classify{
			TextHead: 1 << 20, TextTail: 0, TextTotal: 2_000_000, MaxParts: 10, MaxDepth: 3,
			MaxHeaders: 100, MaxHeaderLen: 1000, MaxFeatures: 500, AuthservIDs: []string{"mx.example.org"},
		},
		Training:  Training{Margin: 20},
		Autolearn: Autolearn{Enabled: true, HamBelow: 0.001, SpamAbove: 0.9, Share: 0.25, Lead: 5, MinLabels: 100},
		Store:     Store{Keep: "features", MessageLimit: 64_000, KeepLogDays: 180},
		Scope:     Scope{Enabled: true, Separator: "-", LocalDomain: "example.org", Aliases: "/data/aliases", Memory: 8 << 20},
		Spool:     Spool{Dir: "/data/held", MemoryLimit: 1 << 20, MinFree: 0, TombstoneAge: Duration(36 * time.Hour)},
		Submit:    Submit{To: "lmtp:unix:/run/lmtp", Timeout: Duration(10 * time.Second)},
		History:   History{Days: 3, MaxBytes: 1 << 20},
		Log:       Log{Level: "debug", Format: "json"},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
	again, err := Parse("shown", c.Show(), "/elsewhere")
	if err != nil {
		t.Fatalf("what Show writes is wrong: %v", err)
	}
	if diff := cmp.Diff(c, again); diff != "" {
		t.Errorf("Show does not round-trip:\n%s", diff)
	}
}

func TestOptionsForRooms(t *testing.T) {
	c := Default("/data")
	if diff := cmp.Diff(policy.DefaultOptions(), c.PolicyOptions(), cmp.Transformer("nil", func(s []string) string { return strings.Join(s, " ") })); diff != "" {
		t.Errorf("default policy options:\n%s", diff)
	}
	want := classify.DefaultOptions()
	want.Keep = 256 << 10
	if diff := cmp.Diff(want, c.ClassifyOptions(), cmp.Transformer("nil", func(s []string) string { return strings.Join(s, " ") })); diff != "" {
		t.Errorf("default classify options:\n%s", diff)
	}
	c.Store.Keep, c.Policy.OwnHosts = "features", []string{"mx2.example.org"}
	if o := c.ClassifyOptions(); o.Keep != 0 || len(o.OwnHosts) != 1 {
		t.Errorf("classify options: %+v", o)
	}
}

func TestRestartKeys(t *testing.T) {
	old := Default("/data")
	if keys := RestartKeys(old, Default("/data")); len(keys) != 0 {
		t.Errorf("equal configurations differ in %v", keys)
	}
	next := Default("/data")
	next.Milter.Listen = []string{"inet:127.0.0.1:9000"}
	next.Policy.Spam, next.Policy.HamCutoff = "tag", 0.1
	next.Spool.Dir, next.Log.Format, next.Log.Level = "/held", "json", "debug"
	if diff := cmp.Diff([]string{"milter.listen", "spool.dir", "log.format"}, RestartKeys(old, next)); diff != "" {
		t.Errorf("restart keys (-want +got):\n%s", diff)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "fanmill.toml")
	read := func(path string, limit int64) ([]byte, error) {
		text, _, err := watch.Read(path, limit)
		return text, err
	}
	if _, err := Load(path, dir, read); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Load(dir, dir, read); err == nil || errors.As(err, new(Problems)) {
		t.Errorf("a directory: %v", err)
	}
	if err := os.WriteFile(path, []byte("\uFEFF[policy]\r\nspam = \"tag\"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path, dir, read)
	if err != nil {
		t.Fatal(err)
	}
	if c.Policy.Spam != "tag" || c.Spool.Dir != filepath.Join(dir, "spool") {
		t.Errorf("loaded %+v", c)
	}
	if err := os.WriteFile(path, []byte("[policy]\nspam = 1\n[lgo]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var problems Problems
	if _, err = Load(path, dir, read); !errors.As(err, &problems) || len(problems) != 2 {
		t.Fatalf("a wrong file: %v", err)
	}
	if p := problems[0]; p.File != path || p.Line != 2 || p.Key != "policy.spam" {
		t.Errorf("problem %+v", p)
	}
	var one Problem
	if !errors.As(err, &one) {
		t.Error("errors.As does not find the single problems")
	}
}
