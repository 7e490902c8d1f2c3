package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fanmill/control"
)

// How long doctor waits for the daemon.
const (
	answerTime = 10 * time.Second
	followTime = 3 * time.Second // it looks four times a second for training, and for edits
)

// askStatus asks the daemon how it fares.
func askStatus(ctx context.Context, dir string) (*control.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	c, err := control.Dial(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	st, err := c.Status(ctx)
	if err != nil {
		return nil, err
	}
	return &st, nil
}

// checkConfig: the configuration and the lists of rules in it are accepted.
func checkConfig(_ context.Context, x *exam) (list []finding) {
	if x.setErr != nil {
		for line := range strings.Lines(x.setErr.Error()) {
			list = append(list, found(fault, "configuration", "%s", strings.TrimSpace(line)))
		}
		return list
	}
	if x.set.Path == "" {
		return one(note, "configuration", "there is none: mail is scored and counted, without any effect; `fanmill config example` prints one to begin with")
	}
	p := &x.set.Policy
	list = one(good, "configuration", "%s is accepted; its rules: %d unfiltered, %d never_refuse, %d trusted_networks, %d own_hosts, %d [[rule]]",
		x.set.Path, len(p.Unfiltered), len(p.NeverRefuse), len(p.TrustedNetworks), len(p.OwnHosts), len(p.Rules))
	for _, text := range x.set.PassedOver() {
		list = append(list, found(warning, "lists", "%s", text))
	}
	if text := x.set.Unverified(); text != "" {
		list = append(list, found(note, "welcome", "%s", text))
	}
	if p.Observe {
		list = append(list, found(note, "observe", "mail is scored and counted, without any effect: set policy.observe = false in %s when the verdicts look right", x.set.Path))
	}
	return list
}

// checkDaemon: it is up, of this version, and with this configuration.
func checkDaemon(_ context.Context, x *exam) []finding {
	switch {
	case errors.Is(x.statusErr, control.ErrNoDaemon):
		return one(fault, "daemon", "none is running on %s: start it with `fanmill serve --data %s`", x.dir, x.dir)
	case errors.Is(x.statusErr, fs.ErrPermission), errors.Is(x.statusErr, control.ErrForbidden):
		return unchecked("daemon", fmt.Sprintf("%v: run doctor as root, as the daemon's user or as a member of its group", x.statusErr))
	case x.statusErr != nil:
		return one(fault, "daemon", "it does not answer: %v: look at its log, or restart it", x.statusErr)
	}
	st := x.status
	list := one(good, "daemon", "process %d answers, since %s, listening on %s", st.PID, st.Started.Local().Format("2006-01-02 15:04"), strings.Join(st.Listen, ", "))
	if st.Version != x.release {
		list = append(list, found(warning, "version", "the daemon is fanmill %s, this is %s: restart the daemon", st.Version, x.release))
	}
	if st.LastFail != "" {
		list = append(list, found(warning, "reload", "the configuration was not accepted at the last reload, the one before it holds: %s", st.LastFail))
	}
	if len(st.Restart) > 0 {
		list = append(list, found(warning, "restart", "changed, and in force only after a restart of the daemon: %s", strings.Join(st.Restart, ", ")))
	}
	var known []string // checkConfig tells of these
	if x.set != nil {
		known = x.set.PassedOver()
	}
	for _, text := range st.Warnings {
		if !slices.Contains(known, text) {
			list = append(list, found(note, "lists", "%s", text))
		}
	}
	return append(list, sameConfig(x)...)
}

// sameConfig finds a configuration that the daemon does not know.
func sameConfig(x *exam) []finding {
	if x.set == nil {
		return nil
	}
	path := x.configPath()
	if path != x.status.Config {
		return one(warning, "reload", "the daemon reads %s, not %s: restart it with the other, or name its own with --config", orNone(x.status.Config), orNone(path))
	}
	if st := x.status; st.Digest != x.set.Digest() && st.LastFail == "" {
		return one(warning, "reload", "%s, or a list that it names, is not what the daemon goes by: `fanmill reload` says why", orNone(path))
	}
	return nil
}

// configPath is the absolute path of the configuration, "" when there is none.
func (x *exam) configPath() string {
	if abs, err := filepath.Abs(x.set.Path); x.set.Path != "" && err == nil {
		return abs
	}
	return x.set.Path
}

// settle waits until the daemon has noticed the last edit, which takes it a moment.
func (x *exam) settle(ctx context.Context) {
	if x.status == nil || x.set == nil || x.configPath() != x.status.Config {
		return
	}
	for end := time.Now().Add(followTime); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if x.status.Digest == x.set.Digest() && x.status.LastFail == "" {
			return
		}
		st, err := askStatus(ctx, x.dir)
		if err != nil {
			return // the other checks say what is wrong
		}
		x.status = st
	}
}

func orNone(path string) string {
	if path == "" {
		return "no configuration"
	}
	return path
}

// checkFollowing: the daemon has seen the last op of the ledger. It may take a moment.
func checkFollowing(ctx context.Context, x *exam) []finding {
	const check = "following"
	switch {
	case x.status == nil:
		return unchecked(check, "no daemon answers")
	case x.db == nil:
		return unchecked(check, x.noLedger())
	}
	st, last := x.status, x.db.Seq()
	for end := time.Now().Add(followTime); st.Seq < last && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
		var err error
		if st, err = askStatus(ctx, x.dir); err != nil {
			return unchecked(check, err)
		}
	}
	if st.Seq < last {
		return one(fault, check, "the daemon has seen op %d of %d: what was trained since has no effect; its log says why, a restart helps", st.Seq, last)
	}
	return one(good, check, "the daemon has seen all %d changes of the ledger", last)
}
