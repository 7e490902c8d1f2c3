// Package doctor answers "is it working?" on one page: checks of the daemon, the way of
// the mail, the training and the files, each of which finds something in a sentence
// that says what, where and what to do. Nothing is changed.
package doctor

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/settings"
	"fanmill/control"
	"fanmill/store"
	"fanmill/store/history"
)

// Command answers "is it working?" on one page.
type Command struct {
	release           string
	scope             string
	scoped            bool
	quick, json       bool
	postfix, sendmail string
}

// New returns the command; release is the version of this program, which the
// daemon's should be too.
func New(release string) *Command { return &Command{release: release} }

// Flags is cli.Runner.
func (d *Command) Flags(fs *flag.FlagSet) {
	fs.Func("scope", "look at the training of scope `NAME` only; \"\" is the site", func(s string) error {
		d.scoped = true
		return cli.ScopeValue(&d.scope).Set(s)
	})
	fs.BoolVar(&d.quick, "quick", false, "leave out what reads the whole ledger: its integrity, and messages that contradict each other")
	fs.StringVar(&d.postfix, "postfix", "", "configuration `DIR`ectory of the Postfix to look at (else Postfix's own default)")
	fs.StringVar(&d.sendmail, "sendmail", "", "sendmail.cf `FILE` to look at (else /etc/mail/sendmail.cf)")
	fs.BoolVar(&d.json, "json", false, "print JSON, see docs/control.md")
}

// level says how bad a finding is. From warning on not all is well.
type level string

const (
	good    level = "ok"
	note    level = "note" // worth knowing, or could not be checked
	warning level = "warning"
	fault   level = "fault"
)

// finding is what a check found, in a sentence that says what, where and what to do.
// Its text may come from mail or a configuration: hostile.
type finding struct {
	Group string `json:"group"`
	Check string `json:"check"`
	Level level  `json:"level"`
	Text  string `json:"text"`
}

func found(l level, check, format string, args ...any) finding {
	return finding{Check: check, Level: l, Text: fmt.Sprintf(format, args...)}
}

// one is the answer of a check that found one thing.
func one(l level, check, format string, args ...any) []finding {
	return []finding{found(l, check, format, args...)}
}

// unchecked is the answer of a check that cannot be made.
func unchecked(check string, why any) []finding {
	return one(note, check, "cannot be checked: %v", why)
}

// check is one of doctor's. It changes nothing.
type check func(context.Context, *exam) []finding

// examination is the page.
var examination = []struct {
	group  string
	checks []check
}{
	{"daemon", []check{checkConfig, checkDaemon, checkFollowing}},
	{"mail", []check{checkSockets, checkMTAs, checkTraffic, checkUnscored}},
	{"training", []check{checkLabels, checkTraining, checkLast, checkDoubts, checkContradictions}},
	{"storage", []check{checkLedger, checkFeatures, checkIntegrity, checkPartial, checkHistory, checkRights, checkSpace}},
}

// Run makes all checks and prints them; exit code 1 says that not all is well.
func (d *Command) Run(ctx context.Context, e *cli.Env) error {
	dir, err := e.ExistingData()
	if err != nil {
		return err
	}
	x := d.begin(ctx, e, dir)
	defer x.end()
	all := []finding{}
	for _, part := range examination {
		for _, c := range part.checks {
			for _, f := range c(ctx, x) {
				f.Group = part.group
				all = append(all, f)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	x.bar.Clear()
	well := wellness(all)
	if d.json {
		err = cli.PrintJSON(e.Stdout, map[string]any{"data": dir, "well": well, "checks": all})
	} else {
		_, err = e.Stdout.Write([]byte(page(d.release, dir, all)))
		err = cli.WriteError(err)
	}
	if err == nil && !well {
		return cli.WithCode(1, nil)
	}
	return err
}

func wellness(all []finding) bool {
	for _, f := range all {
		if f.Level == warning || f.Level == fault {
			return false
		}
	}
	return true
}

// page is what doctor prints: a paragraph for each group, a line for each
// finding, and the sum.
func page(release, dir string, all []finding) string {
	var b strings.Builder
	fmt.Fprintf(&b, "fanmill %s, data directory %s\n", release, cli.Safe(dir))
	group, counts := "", map[level]int{}
	for _, f := range all {
		if f.Group != group {
			group = f.Group
			fmt.Fprintf(&b, "\n%s\n", group)
		}
		counts[f.Level]++
		word := string(f.Level)
		if f.Level == fault {
			word = "FAULT"
		}
		fmt.Fprintf(&b, "  %-7s  %-14s  %s\n", word, f.Check, cli.Safe(f.Text))
	}
	notes := cli.Plural(counts[note], "note", "notes")
	if wellness(all) {
		fmt.Fprintf(&b, "\nall is well, %s\n", notes)
	} else {
		fmt.Fprintf(&b, "\nnot all is well: %s, %s, %s\n", cli.Plural(counts[fault], "fault", "faults"), cli.Plural(counts[warning], "warning", "warnings"), notes)
	}
	return b.String()
}

// exam is what the checks look at. Of what could not be had the error says why.
type exam struct {
	*Command
	env *cli.Env
	dir string
	bar *cli.Meter

	set        *settings.Settings
	setErr     error
	status     *control.Status // nil: see statusErr
	statusErr  error
	db         *store.DB
	dbErr      error
	history    *history.History
	historyErr error
}

// begin opens what there is. The configuration is the daemon's, unless another is
// named.
func (d *Command) begin(ctx context.Context, e *cli.Env, dir string) *exam {
	x := &exam{Command: d, env: e, dir: dir, bar: cli.NewMeter(e, d.json, "looking")}
	x.status, x.statusErr = askStatus(ctx, dir)
	named := *e
	if x.status != nil && named.Config == "" {
		named.Config = x.status.Config
	}
	if x.set, x.setErr = settings.ForDaemon(&named, dir); x.setErr == nil && x.scoped {
		x.scope, x.setErr = x.set.Scope(x.scope)
	}
	x.settle(ctx)
	x.bar.Say("opening the ledger")
	x.db, x.dbErr = store.Open(ctx, store.Options{Dir: dir, ReadOnly: true, Logger: e.Logger()})
	x.history, x.historyErr = history.Open(ctx, history.Options{Dir: dir, ReadOnly: true, Logger: e.Logger()})
	if errors.Is(x.historyErr, fs.ErrNotExist) {
		x.historyErr = errors.New("no mail has been seen yet, there is no history.db")
	}
	return x
}

func (x *exam) end() {
	x.bar.Clear()
	if x.db != nil {
		_ = x.db.Close() // nothing was written
	}
	if x.history != nil {
		_ = x.history.Close()
	}
}

// noLedger says why there is nothing to ask the ledger; what is wrong with it,
// checkLedger says at length.
func (x *exam) noLedger() string {
	if errors.Is(x.dbErr, fs.ErrNotExist) {
		return "nothing has been trained yet"
	}
	return "the ledger cannot be read"
}

// path is a file of the data directory.
func (x *exam) path(name string) string { return filepath.Join(x.dir, name) }
