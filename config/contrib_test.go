package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var tomlBlock = regexp.MustCompile("(?s)```toml\n(.*?)```")

// What contrib tells people to write is accepted.
func TestContribSnippets(t *testing.T) {
	pages, err := filepath.Glob("../contrib/*/README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range tomlBlock.FindAllSubmatch(text, -1) {
			found++
			if _, err := Parse(page, m[1], DefaultDataDir); err != nil {
				t.Errorf("%v", err)
			}
		}
	}
	if found < 2 {
		t.Errorf("only %d snippets found in %d pages", found, len(pages))
	}
}

// Keys that contrib's pages and units speak of exist.
func TestContribNamesKeys(t *testing.T) {
	known := map[string]bool{}
	sections := map[string]bool{}
	for _, s := range Sections() {
		sections[s.Name] = true
		for _, k := range s.Keys {
			known[k.Path()] = true
		}
	}
	path := regexp.MustCompile("`?([a-z]+)\\.([a-z_]+)`?")
	found := 0
	for _, page := range []string{"../contrib/postfix/README.md", "../contrib/sendmail/README.md", "../contrib/systemd/fanmill.service", "../contrib/systemd/fanmill.socket"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range path.FindAllStringSubmatch(string(text), -1) {
			if !sections[m[1]] || m[2] == "sock" || strings.HasSuffix(m[0], ".mc") {
				continue
			}
			found++
			if !known[m[1]+"."+m[2]] {
				t.Errorf("%s speaks of %s, which is no key", page, m[0])
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d keys found", found)
	}
}
