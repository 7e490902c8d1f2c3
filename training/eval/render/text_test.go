package render

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fanmill/training/eval"

	"github.com/BurntSushi/toml"
)

var update = flag.Bool("update", false, "write the golden files anew")

func text1(t *testing.T, out *eval.Outcome) string {
	t.Helper()
	var b strings.Builder
	if err := WriteText(&b, out, clean); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	for name, out := range map[string]*eval.Outcome{"one": one(t, 50), "two": two(t)} {
		got := text1(t, out)
		file := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
		if strings.ContainsAny(got, "\x1b\u202e") {
			t.Errorf("%s: text from mail went past clean", name)
		}
	}
}

// Whatever is advised, the last lines are a configuration with these cut-offs.
func TestAdviceIsConfiguration(t *testing.T) {
	for _, oneIn := range []int{2, 50, 1000, 1_000_000} {
		out := one(t, oneIn)
		got := text1(t, out)
		var c struct {
			Policy struct {
				Ham    float64 `toml:"ham_cutoff"`
				Spam   float64 `toml:"spam_cutoff"`
				Reject float64 `toml:"reject_cutoff"`
			}
		}
		if _, err := toml.Decode(got[strings.Index(got, "[policy]"):], &c); err != nil {
			t.Fatal(err)
		}
		a := out.Advice
		if c.Policy.Ham != a.HamCutoff || c.Policy.Spam != a.SpamCutoff || c.Policy.Reject != a.RejectCutoff {
			t.Errorf("%+v, advised %+v", c.Policy, a)
		}
		if promised := strings.Contains(got, "That keeps"); promised != a.Promised || strings.Contains(got, "That is no promise") == promised {
			t.Errorf("1 in %d: promised %v\n%s", oneIn, a.Promised, got)
		}
	}
	a := one(t, 50).Advice
	a.RejectCutoff = 1
	if s := configuration(a); !strings.Contains(s, "reject_cutoff = 1.0\n") {
		t.Errorf("a whole number is an integer in TOML: %s", s)
	}
}

// One report stands alone, as it did before there were several.
func TestJSON(t *testing.T) {
	keys := func(out *eval.Outcome) map[string]any {
		raw, err := json.Marshal(JSON(out))
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	single := keys(one(t, 50))
	for _, key := range []string{"method", "index", "n", "roca_pct", "low", "high", "mistakes", "advice"} {
		if single[key] == nil {
			t.Errorf("no %s in %v", key, single)
		}
	}
	now := single["advice"].(map[string]any)["now"].(map[string]any)["ham"].(map[string]any)
	if len(now) != 4 || now["reject"] == nil || single["spread"] != nil {
		t.Errorf("advice %v", single["advice"])
	}
	double := keys(two(t))
	reports, _ := double["reports"].([]any)
	comparisons, _ := double["comparisons"].([]any)
	if len(reports) != 2 || len(comparisons) != 1 {
		t.Fatalf("%d reports, %d comparisons", len(reports), len(comparisons))
	}
	if c := comparisons[0].(map[string]any); c["difference"] == nil || c["changed"] == nil || c["better"] == nil || reports[0].(map[string]any)["spread"] == nil {
		t.Errorf("comparison %v", c)
	}
}

// The document that explains the keys leaves none out.
func TestKeysAreExplained(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/evaluation.md")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, part := range v {
				if !strings.Contains(string(doc), "`"+key+"`") {
					t.Errorf("docs/evaluation.md does not explain the key %s", key)
				}
				walk(part)
			}
		case []any:
			for _, part := range v {
				walk(part)
			}
		}
	}
	for _, out := range []*eval.Outcome{one(t, 50), two(t)} {
		raw, err := json.Marshal(JSON(out))
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		walk(v)
	}
}
