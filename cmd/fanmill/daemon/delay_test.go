package daemon_test

import (
	"strings"
	"testing"
	"time"

	"fanmill/cmd/fanmill/daemon/daemontest"
	"fanmill/control"
)

// The daemon delays, remembers over a restart, takes its limits from the configuration
// in force, and counts.
func TestDelay(t *testing.T) {
	dir := daemontest.ShortDir(t)
	toml := strings.Replace(daemontest.Filter, `unsure = "tag"`, "unsure = \"delay\"\ndelay_min = \"1h\"", 1)
	a, log := daemontest.Start(t, dir, toml)
	send := func(want string) {
		t.Helper()
		got, err := daemontest.DeliverWinner(a)
		if err != nil || !strings.HasPrefix(got.Action, want) {
			t.Errorf("the answer is %v (%v), want %s", got, err, want)
		}
	}
	status := func() control.Status {
		t.Helper()
		st, err := a.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	send("reject 451 4.7.1 ")
	if !strings.Contains(log.String(), "outcome=delay rule=delay ") {
		t.Errorf("no line says that mail was delayed:\n%s", log)
	}
	if st := status(); st.Delayed != 1 {
		t.Errorf("status says that %d copies are delayed, want 1", st.Delayed)
	}
	daemontest.Stop(t, a)

	a, log = daemontest.Start(t, dir, toml)
	send("reject 451 4.7.1 ")
	if !strings.Contains(log.String(), "rule=delay-early") {
		t.Errorf("after a restart the message is not known:\n%s", log)
	}
	daemontest.WriteConfig(t, dir, strings.Replace(toml, "1h", "1s", 1))
	if _, err := a.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	send("discard") // held
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if list, err := c.List(t.Context(), control.Filter{Box: "unsure"}); err != nil || len(list) != 1 {
		t.Errorf("%d messages are held (%v), want 1", len(list), err)
	}
	if st := status(); st.Delayed != 0 {
		t.Errorf("status says that %d copies are delayed, want none", st.Delayed)
	}
	st, err := a.Stats(t.Context(), control.StatsRequest{Days: 1})
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]int64{}
	for _, c := range st.Days {
		counted[c.Outcome+"/"+c.Rule] += c.N
	}
	for what, n := range map[string]int64{"delay/delay": 1, "delay/delay-early": 1, "delay/delay-returned": 1, "hold/delayed": 1} {
		if counted[what] != n {
			t.Errorf("counted %v, want %s %d times", counted, what, n)
		}
	}
}
