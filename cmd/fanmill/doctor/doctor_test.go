package doctor

import (
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/settings"
	"fanmill/config"
	"fanmill/control"
	"fanmill/milter"
	"fanmill/milter/mta"
	"fanmill/store"
	"fanmill/store/history"
	"fanmill/store/query"
)

// examine opens a data directory as doctor does.
func examine(t *testing.T, dir string) *exam {
	t.Helper()
	e := &cli.Env{
		Stderr: io.Discard, Getenv: func(string) string { return "" }, DefaultConfig: filepath.Join(dir, "no-config"), DefaultInet: "inet:127.0.0.1:0",
		Postconf: filepath.Join(dir, "no-postconf"), SendmailCf: filepath.Join(dir, "no-sendmail.cf"),
	}
	x := New("").begin(t.Context(), e, dir)
	t.Cleanup(x.end)
	return x
}

// wants compares what a check found with lines "level: part of the text".
func wants(t *testing.T, got []finding, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("found %+v, want %q", got, want)
		return
	}
	for i, f := range got {
		if l, text, _ := strings.Cut(want[i], ": "); string(f.Level) != l || !strings.Contains(f.Text, text) {
			t.Errorf("found %s: %s, want %s", f.Level, f.Text, want[i])
		}
	}
}

func TestLabelFinding(t *testing.T) {
	const n = classify.MinLabels
	labels := func(ham, spam, hamAdds, spamAdds int) store.Labels {
		return store.Labels{Ham: ham, Spam: spam, HamAdds: hamAdds, SpamAdds: spamAdds}
	}
	for _, c := range []struct {
		in   query.Census
		want string
	}{
		{query.Census{}, "ok: 0 ham, counting 0 times, and 0 spam, counting 0 times"},
		{query.Census{Labels: labels(400, 100, 80, 20)}, "ok: 400 ham, counting 80 times, and 100 spam, counting 20 times"},
		{query.Census{Labels: labels(500, 100, 50, 50)}, "warning: one class has more than 4 times as many labels as the other: train spam"},
		{query.Census{Labels: labels(100, 401, 50, 50)}, "warning: labels as the other: train ham"},
		{query.Census{Labels: labels(100, 100, 20, 100)}, "warning: one class counts more than 4 times as often as the other: train ham"},
		{query.Census{Labels: labels(n-1, 0, n-1, 0)}, "ok: "},
		{query.Census{Labels: labels(n, 0, n, 0)}, "warning: train spam"},
		{query.Census{Labels: store.Labels{Ham: 3, Waiting: 3}}, "ok: ; 3 of them wait to be learned"},
		{query.Census{Scope: "anna", Labels: labels(0, 100, 0, 50)}, "note: scope anna: 0 ham, counting 0 times, and 100 spam, counting 50 times; one class has more than 4 times as many labels as the other: train ham --scope anna"},
	} {
		wants(t, []finding{labelFinding(c.in)}, c.want)
	}
}

// TestScopeFindings: of many scopes, those that were trained last.
func TestScopeFindings(t *testing.T) {
	var scopes []query.Census
	for i := range 25 {
		scopes = append(scopes, query.Census{Scope: fmt.Sprint("user", i), Last: time.Unix(int64(i), 0)})
	}
	got := scopeFindings(scopes)
	if len(got) != scopesShown+1 || !strings.HasPrefix(got[0].Text, "scope user24:") || !strings.HasPrefix(got[scopesShown].Text, "15 more") {
		t.Errorf("%+v", got)
	}
}

// TestConfigFindings: each problem of a configuration is a finding.
func TestConfigFindings(t *testing.T) {
	x := &exam{dir: t.TempDir()}
	_, x.setErr = config.Parse("fanmill.toml", []byte("[policy]\nown_hosts = [\"a b\"]\nspam = \"eat\"\n"), x.dir)
	wants(t, checkConfig(t.Context(), x), "fault: fanmill.toml:2: policy.own_hosts", "fault: fanmill.toml:3: policy.spam")
	x.setErr = nil
	x.set = must(settings.New(config.Default(x.dir)))
	wants(t, checkConfig(t.Context(), x), "note: there is none")
	x.set.Path = "/etc/fanmill.toml"
	wants(t, checkConfig(t.Context(), x), "ok: /etc/fanmill.toml is accepted; its rules: 0 unfiltered, ")
	x.set.Policy.Observe = true
	wants(t, checkConfig(t.Context(), x), "ok: accepted", "note: set policy.observe = false")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestDaemonFindings: what the daemon says of itself. Its own tests ask it whether that is so.
func TestDaemonFindings(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "fanmill.toml")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	set := must(settings.Load(path, dir))
	st := &control.Status{PID: 7, Version: "1.0", Config: path, Digest: set.Digest()}
	x := &exam{Command: New("1.0"), dir: dir, set: set, status: st}
	wants(t, checkDaemon(t.Context(), x), "ok: process 7 answers")
	st.Version, st.LastFail = "0.0.1", "wrong \x1b[2J key"
	wants(t, checkDaemon(t.Context(), x), "ok: ", "warning: the daemon is fanmill 0.0.1, this is 1.0: ", "warning: wrong \x1b")
	if text := page("1.0", dir, checkDaemon(t.Context(), x)); strings.Contains(text, "\x1b") {
		t.Errorf("not escaped: %q", text)
	}
	st.Version, st.LastFail, st.Digest = "1.0", "", "another"
	wants(t, checkDaemon(t.Context(), x), "ok: ", "warning: fanmill.toml, or a list that it names, is not what the daemon goes by: `fanmill reload`")
	st.Config = "/etc/fanmill/fanmill.toml"
	wants(t, checkDaemon(t.Context(), x), "ok: ", "warning: the daemon reads /etc/fanmill/fanmill.toml, not "+path)
	st.Digest, st.Config, st.Restart, st.Warnings = set.Digest(), path, []string{"milter.listen", "spool.dir"}, []string{"a list shrank"}
	wants(t, checkDaemon(t.Context(), x), "ok: ", "warning: changed, and in force only after a restart of the daemon: milter.listen, spool.dir", "note: a list shrank")
}

// trainOne has another process's hand label one message.
func trainOne(t *testing.T, dir string) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		return tx.Learn(store.Row{Class: store.Ham, Message: []byte("Subject: x\n\n"), Complete: true}, store.Origin{Source: "train"})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSocketFindings: nobody listens, or somebody else.
func TestSocketFindings(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("220 mx ESMTP\r\n"))
			_ = conn.Close()
		}
	}()
	spec := "inet:" + ln.Addr().String()
	x := &exam{status: &control.Status{Listen: []string{spec}}}
	wants(t, checkSockets(t.Context(), x), "fault: "+spec+" does not answer: ")
	ln.Close()
	wants(t, checkSockets(t.Context(), x), "fault: "+spec+" does not answer: ")
}

func TestNames(t *testing.T) {
	c := &mta.Client{Root: "/var/spool/postfix", Dir: "/var/spool/postfix"}
	unixAt := func(path string) mta.Milter { return mta.Milter{Network: "unix", Address: path} }
	port := func(address string) mta.Milter { return mta.Milter{Network: "tcp", Address: address} }
	for _, k := range []struct {
		named mta.Milter
		ours  string
		want  bool
	}{
		{unixAt("/fanmill/milter.sock"), "unix:/var/spool/postfix/fanmill/milter.sock", true},
		{unixAt("/var/lib/fanmill/milter.sock"), "unix:/var/lib/fanmill/milter.sock", true}, // though it is hidden
		{unixAt("/opendkim/opendkim.sock"), "unix:/var/spool/postfix/fanmill/milter.sock", false},
		{unixAt("/fanmill/milter.sock"), "inet:127.0.0.1:8891", false},
		{port("127.0.0.1:8891"), "inet:127.0.0.1:8891", true},
		{port("127.0.0.1:8892"), "inet:127.0.0.1:8891", false},
		{port("localhost:8891"), "inet:127.0.0.1:8891", true},
		{port("127.0.0.1:8891"), "inet:0.0.0.0:8891", true},
		{port("127.0.0.1:8891"), "inet:[::]:8891", true},
		{port("127.0.0.2:8891"), "inet:127.0.0.1:8891", false},
		{port("filter.example.org:8891"), "inet:127.0.0.1:8891", false},
		{mta.Milter{Spec: "nonsense"}, "inet:127.0.0.1:8891", false},
	} {
		if got := names(c, k.named, k.ours); got != k.want {
			t.Errorf("%s names %s: %v", k.named.Address, k.ours, got)
		}
	}
}

// TestMailFindings: what the daily counters say.
func TestMailFindings(t *testing.T) {
	dir := t.TempDir()
	x := examine(t, dir)
	wants(t, checkTraffic(t.Context(), x), "note: no mail has been seen yet")
	wants(t, checkUnscored(t.Context(), x), "note: no mail has been seen yet")
	today, long := history.Day(time.Now()), history.Day(time.Now().AddDate(0, 0, -30))
	count := func(day, outcome, rule string, n int64) *exam {
		h := must(history.Open(t.Context(), history.Options{Dir: dir}))
		h.Count(day, outcome, rule, n)
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		return examine(t, dir)
	}
	x = count(long, "accept", milter.RuleFailed, 4)
	wants(t, checkTraffic(t.Context(), x), "warning: no mail in the last 7 days")
	x = count(today, "accept", "default", 10)
	wants(t, checkTraffic(t.Context(), x), "ok: 10 messages in the last 7 days")
	wants(t, checkUnscored(t.Context(), x), "ok: no message")
	count(today, "accept", milter.RuleFailed, 1)
	count(today, "accept", "on-error", 2)
	x = count(today, "fail", "on-error", 3)
	wants(t, checkUnscored(t.Context(), x), "warning: 1 message of the last 7 days failed twice and went through unscored",
		"warning: 2 messages of the last 7 days could not be scored and went through", "warning: 3 messages of the last 7 days could not be scored or held")
}

// TestIntegrityFinding: damage that opening the ledger does not come upon.
func TestIntegrityFinding(t *testing.T) {
	dir := t.TempDir()
	trainOne(t, dir)
	wants(t, checkIntegrity(t.Context(), examine(t, dir)), "ok: the whole ledger was read")
	wants(t, checkFeatures(t.Context(), examine(t, dir)), fmt.Sprintf("ok: version %d", classify.FeatureVersion))
	x := examine(t, dir) // has read no more than the beginning
	path := filepath.Join(dir, "fanmill.db")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for i := 8192; i < len(b); i++ {
		b[i] = byte(r.Uint32())
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(b, 0); err != nil {
		t.Fatal(err)
	}
	wants(t, checkIntegrity(t.Context(), x), "fault: database is damaged")
	wants(t, checkLedger(t.Context(), examine(t, dir)), "fault: database is damaged")
}

// TestSpaceFinding: against the room that there really is.
func TestSpaceFinding(t *testing.T) {
	dir := t.TempDir()
	wants(t, []finding{spoolSpace(dir, 0)}, "ok: in "+dir)
	wants(t, []finding{spoolSpace(dir, 1<<60)}, "fault: nothing is held")
	wants(t, []finding{dataSpace(dir, 1<<60)}, "warning: soon nothing can be learned")
	wants(t, []finding{dataSpace(dir, 0)}, "ok: in "+dir)
	wants(t, []finding{spoolSpace(filepath.Join(dir, "missing"), 0)}, "note: cannot be checked: ")
}

// TestWritable: the daemon's user may not write to what another has made.
func TestWritable(t *testing.T) {
	dir := t.TempDir()
	for path, mode := range map[string]fs.FileMode{filepath.Dir(dir): 0o755, dir: 0o755, filepath.Join(dir, "ours"): 0o777, filepath.Join(dir, "theirs"): 0o755} {
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	ours, theirs, missing := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs"), filepath.Join(dir, "missing")
	daemon := mta.Account{Name: "daemon", UID: 4_000_001, Groups: []uint32{4_000_001}}
	wants(t, []finding{writable(daemon, "", []string{ours, missing})}, "ok: "+ours+", by user daemon")
	wants(t, []finding{writable(daemon, "", []string{ours, theirs})}, "fault: user daemon may not write to "+theirs+" (drwxr-xr-x, ")
	wants(t, []finding{writable(daemon, "", []string{missing})}, "note: "+missing+" is not there yet")
}
