package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fanmill/cmd/fanmill/cli"
	"fanmill/config"
	"fanmill/training"
)

// site is a configuration with a list of blocked senders.
type site struct {
	t              *testing.T
	dir            string
	config, blocks string
}

func newSite(t *testing.T, senders int) site {
	dir := t.TempDir()
	s := site{t, dir, filepath.Join(dir, "fanmill.toml"), filepath.Join(dir, "blocked")}
	s.write(s.config, "[[rule]]\nblock_file = \"blocked\"\n")
	s.block(senders)
	return s
}

func (s site) write(path, text string) {
	s.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s site) block(senders int) {
	s.t.Helper()
	var list strings.Builder
	for i := range senders {
		fmt.Fprintf(&list, "user%d@example.net\n", i)
	}
	s.write(s.blocks, list.String())
}

func (s site) load() *Settings {
	s.t.Helper()
	set, err := Load(s.config, s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	return set
}

// TestShrunk: a list is warned about when more than half of it is gone, and only then.
func TestShrunk(t *testing.T) {
	s := newSite(t, 10)
	before := s.load()
	for senders, warned := range map[int]bool{20: false, 10: false, 5: false, 4: true} {
		s.block(senders)
		got := s.load().Shrunk(before)
		if (len(got) == 1) != warned || warned && !strings.Contains(got[0], "had 10 entries and has 4 now") {
			t.Errorf("%d senders of 10: %q", senders, got)
		}
	}
}

// TestDigest: an edit of the configuration or of a list makes another digest, and to
// write the same again does not.
func TestDigest(t *testing.T) {
	s := newSite(t, 10)
	first := s.load().Digest()
	s.block(10)
	if again := s.load().Digest(); again != first {
		t.Errorf("written again: %s, was %s", again, first)
	}
	s.block(9)
	list := s.load().Digest()
	s.block(10)
	s.write(s.config, "# edited\n[[rule]]\nblock_file = \"blocked\"\n")
	if config := s.load().Digest(); list == first || config == first || list == config {
		t.Errorf("digests %s, after an edit of the list %s, of the configuration %s", first, list, config)
	}
}

// TestAttempted: a configuration that fails before its lists are read is watched with the
// lists of the one in force, so that mending any of them is noticed.
func TestAttempted(t *testing.T) {
	s := newSite(t, 10)
	old := s.load()
	s.write(s.config, "[[rule\n")
	_, err := Load(s.config, s.dir)
	if cli.CodeOf(err) != cli.ExitConfig {
		t.Fatalf("a broken configuration: %v", err)
	}
	var paths []string
	for _, f := range Attempted(nil, err, old) {
		paths = append(paths, f.Path)
	}
	if !slices.Equal(paths, []string{s.config, s.blocks}) {
		t.Errorf("watched: %q", paths)
	}
}

// TestAutolearnDefaults keeps the documented defaults those that were measured.
func TestAutolearnDefaults(t *testing.T) {
	set, err := New(config.Default(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if got := set.AutoRule(); got != training.DefaultAutoRule() {
		t.Errorf("got %+v", got)
	}
	if set.File.Autolearn.Enabled {
		t.Error("it is not off")
	}
}
