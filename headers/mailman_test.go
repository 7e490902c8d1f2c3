package headers

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fanmill/classify"
)

// mail is what the rules of docs/headers.md are tried on.
var mail = map[string]Info{
	"ham":         {ID: "0a", Verdict: classify.Ham, Score: 0.02},
	"unsure":      {ID: "0b", Verdict: classify.Unsure, Score: 0.43},
	"nearly spam": {ID: "0c", Verdict: classify.Unsure, Score: 0.89},
	"spam":        {ID: "0d", Verdict: classify.Spam, Score: 0.985},
	"unscored":    {ID: "0e", Unscored: true},
}

// mailman2 is what Mailman 2 matches header_filter_rules with: all fields, unfolded and
// decoded (Handlers/SpamDetect.py, getDecodedHeaders), ignoring case, line by line.
func mailman2(pattern string, fields []Field) bool {
	text := "From: x@example.com\nSubject: spam unsure ****\n"
	for _, f := range fields {
		text += f.Name + ": " + regexp.MustCompile(`\n\s`).ReplaceAllString(f.Value, " ") + "\n"
	}
	return regexp.MustCompile("(?im)" + pattern).MatchString(text)
}

// mailman3 is what Mailman 3 matches with: the value of each field of the name
// (chains/headers.py, HeaderMatchRule.check), ignoring case.
func mailman3(header, pattern string, fields []Field) bool {
	return slices.ContainsFunc(fields, func(f Field) bool {
		return strings.EqualFold(f.Name, header) && regexp.MustCompile("(?i)"+pattern).MatchString(f.Value)
	})
}

// TestMailmanRules tries each row of the table in docs/headers.md: both rules match the
// mail that the row says, and no other. Python's and Go's expressions mean the same as
// far as they are used there.
func TestMailmanRules(t *testing.T) {
	page, err := os.ReadFile("../docs/headers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "\n## Mailman\n")
	if !found {
		t.Fatal("docs/headers.md has no section about Mailman")
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| `(.+)` \\| `(.+)` \\| `(.+)` \\| ([a-z, ]+) \\|$")
	rows := row.FindAllStringSubmatch(section, -1)
	if n := strings.Count(section, "\n| `"); n != len(rows) {
		t.Errorf("%d of %d rows can be read", len(rows), n)
	}
	tried := map[Family]bool{}
	for _, cells := range rows {
		family, err := ParseFamily(cells[1])
		if err != nil {
			t.Fatal(err)
		}
		tried[family] = true
		for i := range cells {
			cells[i] = strings.ReplaceAll(cells[i], `\|`, "|") // as Markdown has it in tables
		}
		var by2, by3 []string
		for name, info := range mail {
			fields := Render([]Family{family}, info)
			if mailman2(cells[2], fields) {
				by2 = append(by2, name)
			}
			if mailman3(cells[3], cells[4], fields) {
				by3 = append(by3, name)
			}
		}
		want := strings.Split(cells[5], ", ")
		slices.Sort(want)
		slices.Sort(by2)
		slices.Sort(by3)
		if !slices.Equal(by2, want) || !slices.Equal(by3, want) {
			t.Errorf("%s: Mailman 2 matches %v, Mailman 3 %v, the page says %v", cells[0], by2, by3, want)
		}
	}
	for _, f := range all {
		if !tried[f] {
			t.Errorf("docs/headers.md has no rule for the family %s", f)
		}
	}
}
