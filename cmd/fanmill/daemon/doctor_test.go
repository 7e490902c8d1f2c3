package daemon_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/daemon/daemontest"
	"fanmill/cmd/fanmill/doctor"
)

// TestDoctorAsksTheDaemon: doctor sees that a daemon answers, that its configuration is
// another one by now, and that it does not follow the ledger.
func TestDoctorAsksTheDaemon(t *testing.T) {
	dir := daemontest.ShortDir(t)
	a, _ := daemontest.Start(t, dir, daemontest.Filter)
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
	daemontest.WriteConfig(t, dir, daemontest.Filter+"on_error = \"accept\"\n") // this daemon does not watch
	wants("reload", "warning: "+filepath.Join(dir, "fanmill.toml")+", or a list that it names, is not what the daemon goes by: `fanmill reload`")

	a.StopFollowing()
	train(t, dir, "ham", 1)
	wants("following", "fault: the daemon has seen op 0 of 1: ")
}

// doctored is what doctor says of one check, "" for nothing.
func doctored(t *testing.T, dir, check string) string {
	t.Helper()
	e, out := daemontest.Env(dir), new(bytes.Buffer)
	e.Stdout = out
	table := []cli.Command{{Name: "doctor", New: func() cli.Runner { return doctor.New("") }}}
	_ = cli.Dispatch(t.Context(), table, []string{"doctor", "--quick", "--json"}, e) // says that there are faults
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
