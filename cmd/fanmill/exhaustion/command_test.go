package exhaustion

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRatio(t *testing.T) {
	for in, want := range map[string]ratioValue{"2:1": {2, 1}, "1:1000": {1, 1000}, "0:1": {}, "1:1001": {}, "2": {}, "2:1x": {}, "2:1:3": {}, "": {}} {
		var v ratioValue
		if err := v.Set(in); (err == nil) != (want != ratioValue{}) || err == nil && v != want {
			t.Errorf("%q: %v, %v, want %v", in, v, err, want)
		}
	}
}

// TestNamedTwice: the same file by two names is one; files that are not there are none.
func TestNamedTwice(t *testing.T) {
	dir := t.TempDir()
	box, link, other := filepath.Join(dir, "box"), filepath.Join(dir, "link"), filepath.Join(dir, "other")
	for _, path := range []string{box, other} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(box, link); err != nil {
		t.Fatal(err)
	}
	if got := namedTwice([]string{other, box, link}); got != box {
		t.Errorf("a link beside its file: %q, want %q", got, box)
	}
	missing := filepath.Join(dir, "missing")
	if got := namedTwice([]string{box, other, missing, missing}); got != "" {
		t.Errorf("three different files: %q", got)
	}
}
