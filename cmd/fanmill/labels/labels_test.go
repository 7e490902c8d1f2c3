package labels

import (
	"flag"
	"io"
	"strings"
	"testing"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/settings"
	"fanmill/config"
	"fanmill/control"
	"fanmill/store/query"
	"fanmill/training"
)

// parse reads flags as the table of commands does.
func parse(t *testing.T, r cli.Runner, line string) error {
	t.Helper()
	set := flag.NewFlagSet("", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	r.Flags(set)
	return set.Parse(strings.Fields(line))
}

// TestUndoNumber: one decision by default, a whole run of exhaust and all that came by
// itself.
func TestUndoNumber(t *testing.T) {
	for _, c := range []struct {
		flags, arg string
		want       int
		fails      bool
	}{
		{"", "", 1, false},
		{"", "7", 7, false},
		{"--all", "", 0, false},
		{"--source train", "", 1, false},
		{"--source exhaust", "", 0, false},
		{"--source auto", "", 0, false},
		{"--source auto", "2", 2, false},
		{"--source exhaust", "2", 0, true},
		{"--source exhaust --all", "", 0, true},
		{"--all", "2", 0, true},
		{"", "0", 0, true},
		{"", "-1", 0, true},
		{"", "two", 0, true},
	} {
		u := new(Undo)
		if err := parse(t, u, c.flags); err != nil {
			t.Fatal(err)
		}
		got, err := u.number(strings.Fields(c.arg))
		if got != c.want || (err != nil) != c.fails || err != nil && cli.CodeOf(err) != cli.ExitUsage {
			t.Errorf("undo %s %s: %d, %v", c.flags, c.arg, got, err)
		}
	}
}

// TestUndoReach: who asked for more than the log has is told so; who got all he asked
// for is not.
func TestUndoReach(t *testing.T) {
	begin := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name       string
		since      time.Time
		n          int
		a          control.UndoReply
		fails, say bool
	}{
		{"the log is whole", time.Time{}, 3, control.UndoReply{Found: 1}, false, false},
		{"as many as asked for", time.Time{}, 3, control.UndoReply{Found: 3, LogBegins: begin}, false, false},
		{"fewer", time.Time{}, 3, control.UndoReply{Found: 3, Kept: 1, LogBegins: begin}, true, false},
		{"since the log began", begin, 0, control.UndoReply{LogBegins: begin}, false, false},
		{"since before", begin.Add(-time.Hour), 0, control.UndoReply{Found: 3, LogBegins: begin}, true, false},
		{"all there are", time.Time{}, 0, control.UndoReply{Found: 3, LogBegins: begin}, false, true},
		{"all, but none is left", time.Time{}, 0, control.UndoReply{LogBegins: begin}, true, false},
	} {
		said := new(strings.Builder)
		u := &Undo{since: cli.Moment{Time: c.since}}
		err := u.reach(&cli.Env{Stderr: said}, c.n, c.a)
		if (err != nil) != c.fails || err != nil && cli.CodeOf(err) != cli.ExitNoInput {
			t.Errorf("%s: %v", c.name, err)
		}
		if (said.String() != "") != c.say {
			t.Errorf("%s: says %q", c.name, said)
		}
	}
}

// TestExpireKeep: what the command line says stands in place of the configuration, also
// where it is 0.
func TestExpireKeep(t *testing.T) {
	set, err := settings.New(config.Default(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	set.File.Store.KeepDays, set.File.Store.KeepMessages, set.File.Store.KeepLogDays = 10, 20, 30
	const day = 24 * time.Hour
	for line, want := range map[string]struct {
		age  time.Duration
		rows int
		log  keepValue
	}{
		"":                                {10 * day, 20, 30},
		"--keep-days 1":                   {day, 20, 30},
		"--keep-days 0 --keep-messages 0": {0, 0, 30},
		"--keep-log-days 0":               {10 * day, 20, 0},
	} {
		x := new(Expire)
		if err := parse(t, x, line); err != nil {
			t.Fatal(err)
		}
		if got := x.keep(set); got.Age != want.age || got.Rows != want.rows || x.logDays != want.log || got.Least != set.Policy.MinLabels {
			t.Errorf("%q keeps %+v and %d days of the log", line, got, x.logDays)
		}
	}
	for _, line := range []string{"--keep-days -1", "--keep-messages many"} {
		if err := parse(t, new(Expire), line); err == nil || !strings.Contains(err.Error(), "want a number from 0 on") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// TestSelection: nobody takes back what others decided unless he says so.
func TestSelection(t *testing.T) {
	e := new(cli.Env)
	me := e.User()
	for line, want := range map[string]query.Selection{
		"":                          {Actor: me},
		"--actor any":               {},
		"--actor bea":               {Actor: "bea"},
		"--source train":            {Source: "train"},
		"--source train --actor me": {Source: "train", Actor: "me"},
	} {
		u := new(Undo)
		if err := parse(t, u, line); err != nil {
			t.Fatal(err)
		}
		if got := u.selection(e); got != want {
			t.Errorf("undo %s: %+v, want %+v", line, got, want)
		}
	}
	u := new(Undo)
	if err := parse(t, u, "--scope="); err != nil {
		t.Fatal(err)
	}
	if got := u.selection(e).Scope; got == nil || *got != "" {
		t.Errorf("--scope with an empty name: %v, want the site's", got)
	}
}

// TestTrainedWords names what waits and what was recorded earlier only where there is some.
func TestTrainedWords(t *testing.T) {
	sum := training.Summary{Learned: 1, Sure: 2, Seen: 3, Flipped: 4}
	const plain = "1 learned, 2 sure already, 3 seen before, 4 flipped"
	if got := trainedWords(sum); got != plain {
		t.Errorf("got %q", got)
	}
	sum.Earlier, sum.Waiting = 5, 6
	if got := trainedWords(sum); got != plain+" (5 of them recorded earlier), 6 recorded, to be learned once there are 20 messages of each class" {
		t.Errorf("got %q", got)
	}
}
