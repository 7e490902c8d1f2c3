package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzParse feeds any bytes as a configuration: Parse returns, with problems
// that say what to do, or with a configuration that Show writes and Parse
// reads back. The committed corpus is in testdata/fuzz/FuzzParse; the files of
// testdata are seeds as well.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*.toml", "testdata/bad/*.toml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("no seeds %s: %v", pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("fuzz.toml", data, "/data")
		if err != nil {
			var problems Problems
			if !errors.As(err, &problems) || len(problems) == 0 {
				t.Fatalf("%v is not Problems", err)
			}
			checkProblems(t, "fuzz.toml", err)
			return
		}
		again, err := Parse("shown.toml", c.Show(), "/elsewhere")
		if err != nil {
			t.Fatalf("Show of an accepted configuration is refused: %v\n%s", err, c.Show())
		}
		if diff := cmp.Diff(string(c.Show()), string(again.Show())); diff != "" {
			t.Fatalf("Show does not round-trip:\n%s", diff)
		}
		if keys := RestartKeys(c, again); len(keys) > 0 {
			t.Fatalf("equal configurations differ in %v", keys)
		}
	})
}
