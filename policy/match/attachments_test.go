package match

import (
	"os"
	"slices"
	"strings"
	"testing"

	"fanmill/classify"
)

func TestAttachmentEntries(t *testing.T) {
	for _, tt := range []struct {
		entries []string
		err     string // part of, "" for none
		x       classify.Attachment
		refused bool
	}{
		{nil, "", classify.Attachment{Ending: "exe"}, false},
		{[]string{"executable"}, "", classify.Attachment{Ending: "exe"}, true},
		{[]string{"Executable"}, "", classify.Attachment{Ending: "settingcontent-ms"}, true},
		{[]string{"executable"}, "", classify.Attachment{Ending: "pdf", Kind: "exe"}, true},
		{[]string{"executable"}, "", classify.Attachment{Ending: "txt", Type: "application/hta"}, true},
		{[]string{"executable"}, "", classify.Attachment{Ending: "js", Inside: true}, true},
		{[]string{"executable"}, "", classify.Attachment{Ending: "pdf", Type: "application/pdf"}, false},
		{[]string{"executable"}, "", classify.Attachment{Type: "application/octet-stream"}, false},
		{[]string{"executable"}, "", classify.Attachment{Ending: "py"}, false},
		{[]string{"executable", "py"}, "", classify.Attachment{Ending: "py"}, true},
		{[]string{".EXE"}, "", classify.Attachment{Ending: "exe"}, true},
		{[]string{"exe"}, "", classify.Attachment{Ending: "bin", Kind: "exe"}, true},
		{[]string{"exe"}, "", classify.Attachment{Ending: "bin", Type: "application/x-msdownload"}, true},
		{[]string{"exe"}, "", classify.Attachment{Ending: "scr"}, false},
		{[]string{"exe", ""}, `""`, classify.Attachment{}, false},
		{[]string{"a.exe"}, "a.exe", classify.Attachment{}, false},
		{[]string{"*.exe"}, "*.exe", classify.Attachment{}, false},
		{[]string{"application/pdf"}, "application/pdf", classify.Attachment{}, false},
		{[]string{"executables"}, "write executable", classify.Attachment{}, false},
	} {
		a, errs := CompileAttachments("reject_attachments", tt.entries)
		if len(errs) > 0 || tt.err != "" {
			if len(errs) != 1 || tt.err == "" || tt.err != `""` && !strings.Contains(errs[0].Error(), tt.err) {
				t.Errorf("%q: %v", tt.entries, errs)
			}
			continue
		}
		if _, refused := a.Find([]classify.Attachment{{Ending: "png"}, tt.x}); refused != tt.refused {
			t.Errorf("%q, %+v: refused %v", tt.entries, tt.x, refused)
		}
	}
}

// The group and the types speak of endings as the finder gives them.
func TestExecutableEndings(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range ExecutableEndings {
		if seen[e] {
			t.Errorf("%s stands there twice", e)
		}
		seen[e] = true
		if _, errs := CompileAttachments("", []string{e}); len(errs) > 0 {
			t.Error(errs[0])
		}
	}
	for media, e := range endingOf {
		if !seen[e] || media != strings.ToLower(media) {
			t.Errorf("%s goes with %s, which is not of the group", media, e)
		}
	}
}

// The documentation lists the group as it is.
func TestExecutableEndingsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(page), "for all of these:\n")
	list, _, _ = strings.Cut(list, "\n(")
	if got := strings.Fields(list); !slices.Equal(got, ExecutableEndings) {
		t.Errorf("docs/rules.md lists %q", got)
	}
}
