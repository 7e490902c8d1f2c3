package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fanmill/cmd/fanmill/daemon/daemontest"
	"fanmill/control"
	"fanmill/store"
)

// TestInsight trains a spam as ham and asks daemon and files alike; the label is
// doubted until a person repeats it through the control socket.
func TestInsight(t *testing.T) {
	dir := daemontest.ShortDir(t)
	_, _ = daemontest.Start(t, dir, daemontest.Filter)
	const wrong = "From: winner@example.net\nSubject: you have won\n\n" +
		"Claim your prize of one million dollars now. This offer expires tonight, no risk, guaranteed cash\n"
	for _, step := range []struct{ class, mail string }{
		{"ham", daemontest.Letters("ham", 99)}, {"spam", daemontest.Letters("spam", 100)}, {"ham", wrong},
	} {
		e, _, errs := testEnv(t)
		e.Data, e.Stdin = dir, strings.NewReader(step.mail)
		if code := Main(t.Context(), []string{"train", "--" + step.class, "-"}, e); code != 0 {
			t.Fatalf("train: exit code %d: %s", code, errs)
		}
	}
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	e, _, _ := testEnv(t)
	e.Config = dir + "/fanmill.toml"
	ask := func() control.Stats {
		t.Helper()
		q := control.StatsRequest{Mislabels: 3}
		st, err := c.Stats(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		files, err := askFiles(t.Context(), e, dir, q)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(files, st); d != "" {
			t.Errorf("files and daemon differ (-files +daemon):\n%s", d)
		}
		return st
	}
	st := ask()
	if l := st.Labels; l.N != 200 || l.Spam != 100 || l.Doubtful != 1 || len(l.Mislabels) != 1 {
		t.Fatalf("labels: %+v", l)
	}
	if m := st.Labels.Mislabels[0]; m.Subject != "you have won" || m.Class != "ham" || m.Source != "train" || m.Chance < 0.5 {
		t.Errorf("the doubtful label is %+v", m)
	}
	if c := st.Calibrator; c.Labels != 200 || c.HamWrong <= 0 || c.HamWrong > 5 || c.SpamWrong <= c.HamWrong || c.SpamWrong > 5 {
		t.Errorf("one of 101 spam is labelled ham, the calibrator says %+v", c)
	}

	r, err := c.Learn(t.Context(), control.LearnRequest{Class: store.Ham.String()}, strings.NewReader(wrong))
	if err != nil || r.Result != "seen before" || r.Digest != st.Labels.Mislabels[0].Digest {
		t.Fatalf("repeat the label: %+v, %v", r, err)
	}
	if l := ask().Labels; l.N != 200 || l.Doubtful != 0 {
		t.Errorf("after it was repeated: %+v", l)
	}
}
