package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDoctorAsksTheDaemon: doctor sees that a daemon answers, that its configuration is
// another one by now, and that it does not follow the ledger.
func TestDoctorAsksTheDaemon(t *testing.T) {
	dir := shortDir(t)
	a, _ := testApp(t, dir, filterTOML)
	wants := func(check, want string) {
		t.Helper()
		if got := doctored(t, dir, check); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", check, got, want)
		}
	}
	wants("daemon", "ok: process ")
	wants("following", "ok: the daemon has seen all 0 changes")
	wants("socket", "ok: unix:"+filepath.Join(dir, "milter.sock")+" answers")
	soon := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "fanmill.toml"), soon, soon); err != nil {
		t.Fatal(err)
	}
	if got := doctored(t, dir, "reload"); got != "" { // touched only
		t.Errorf("reload: %q", got)
	}
	writeConfig(t, dir, filterTOML+"on_error = \"accept\"\n") // this daemon does not watch
	wants("reload", "warning: "+filepath.Join(dir, "fanmill.toml")+", or a list that it names, is not what the daemon goes by: `fanmill reload`")

	a.cancel() // it follows no more
	a.follow.Wait()
	e, _, errs := testEnv(t)
	e.Data, e.Stdin = dir, strings.NewReader(letters("ham", 1))
	if code := Main(t.Context(), []string{"train", "--ham", "-"}, e); code != 0 {
		t.Fatalf("train: exit code %d: %s", code, errs)
	}
	wants("following", "fault: the daemon has seen op 0 of 1: ")
}

// doctored is what doctor says of one check, "" for nothing.
func doctored(t *testing.T, dir, check string) string {
	t.Helper()
	e, out, _ := testEnv(t)
	e.Data, e.Postconf, e.SendmailCf = dir, filepath.Join(dir, "no-postconf"), filepath.Join(dir, "no-sendmail.cf")
	Main(t.Context(), []string{"doctor", "--quick", "--json"}, e)
	var answer struct {
		Checks []struct{ Check, Level, Text string }
	}
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, f := range answer.Checks {
		if f.Check == check {
			return f.Level + ": " + f.Text
		}
	}
	return ""
}
