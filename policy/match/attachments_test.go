package match

import (
	"os"
	"slices"
	"strings"
	"testing"

	"fanmill/classify/attached"
)

func TestAttachmentEntries(t *testing.T) {
	for _, tt := range []struct {
		entries []string
		err     string // part of, "" for none
		x       attached.File
		refused bool
	}{
		{nil, "", attached.File{Ending: "exe"}, false},
		{[]string{"executable"}, "", attached.File{Ending: "exe"}, true},
		{[]string{"Executable"}, "", attached.File{Ending: "settingcontent-ms"}, true},
		{[]string{"executable"}, "", attached.File{Ending: "pdf", Kind: "exe"}, true},
		{[]string{"executable"}, "", attached.File{Ending: "txt", Type: "application/hta"}, true},
		{[]string{"executable"}, "", attached.File{Ending: "js", Inside: true}, true},
		{[]string{"executable"}, "", attached.File{Ending: "pdf", Type: "application/pdf"}, false},
		{[]string{"executable"}, "", attached.File{Type: "application/octet-stream"}, false},
		{[]string{"executable"}, "", attached.File{Ending: "py"}, false},
		{[]string{"executable", "py"}, "", attached.File{Ending: "py"}, true},
		{[]string{".EXE"}, "", attached.File{Ending: "exe"}, true},
		{[]string{"exe"}, "", attached.File{Ending: "bin", Kind: "exe"}, true},
		{[]string{"exe"}, "", attached.File{Ending: "bin", Type: "application/x-msdownload"}, true},
		{[]string{"exe"}, "", attached.File{Ending: "scr"}, false},
		{[]string{"exe", ""}, `""`, attached.File{}, false},
		{[]string{"a.exe"}, "a.exe", attached.File{}, false},
		{[]string{"*.exe"}, "*.exe", attached.File{}, false},
		{[]string{"application/pdf"}, "application/pdf", attached.File{}, false},
		{[]string{"executables"}, "write executable", attached.File{}, false},
	} {
		a, errs := CompileAttachments("reject_attachments", tt.entries)
		if len(errs) > 0 || tt.err != "" {
			if len(errs) != 1 || tt.err == "" || tt.err != `""` && !strings.Contains(errs[0].Error(), tt.err) {
				t.Errorf("%q: %v", tt.entries, errs)
			}
			continue
		}
		if _, refused := a.Find([]attached.File{{Ending: "png"}, tt.x}); refused != tt.refused {
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
