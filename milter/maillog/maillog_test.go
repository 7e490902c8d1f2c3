package maillog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"fanmill/policy"
)

const (
	ham  = `time=2026-11-22T23:59:59.999+01:00 level=INFO msg=message id=0f3kq81m2n4p6r8t queue_id=4Q client="mx.example.com [192.0.2.7]" sender=a@example.com recipients=1 size=100 outcome=accept rule=default verdict=ham score=0.01 clues="\"free\" 0.99; msg=message outcome=reject" duration=0.001`
	hamJ = `{"time":"2026-11-22T23:59:59.999+01:00","level":"INFO","msg":"message","id":"0f3kq81m2n4p6r8t","sender":"a@example.com","recipients":1,"outcome":"accept","rule":"default","verdict":"ham","score":0.01,"duration":0.001}`
	both = `time=2026-11-22T10:00:00Z level=WARN msg=message id=a queue_id="" client="" sender="x msg=message " recipients=3 size=1 outcome=accept rule="the people" unfiltered=true also="held reject-spam held nonsense total" duration=0.001`
)

const refused = `time=2026-11-22T10:00:00Z level=INFO msg="recipient refused" id=a queue_id="" client="" sender=x recipient=y outcome=reject rule=pests list=block`

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func numbers(s string) string {
	var list []string
	for _, c := range []byte(s) {
		list = append(list, fmt.Sprint(c))
	}
	return "[" + strings.Join(list, ",") + "]"
}

func TestParse(t *testing.T) {
	end := time.Date(2026, 11, 22, 22, 59, 59, 999e6, time.UTC)
	ten := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	accepted := []policy.Column{policy.Accepted, policy.Total}
	several := []policy.Column{policy.AcceptUnfiltered, policy.HeldBack, policy.RejectSpam, policy.Total}
	blocked := []policy.Column{policy.RejectBlock}
	for _, tt := range []struct {
		name, line string
		time       time.Time
		columns    []policy.Column // nil: ErrOther
		broken     string
	}{
		{name: "text", line: ham, time: end, columns: accepted},
		{name: "CRLF", line: ham + "\r", time: end, columns: accepted},
		{name: "JSON", line: hamJ, time: end, columns: accepted},
		{name: "several outcomes", line: both, time: ten, columns: several},
		{name: "syslog", line: "Nov 22 23:59:59 mx fanmill[42]: " + ham, time: end, columns: accepted},
		{name: "rsyslog", line: "2026-11-22T23:59:59.999999+01:00 mx fanmill[42]: " + both, time: ten, columns: several},
		{name: "syslog, JSON", line: "Nov 22 23:59:59 mx fanmill[42]: " + hamJ, time: end, columns: accepted},
		{name: "compose", line: "fanmill-1  | " + ham, time: end, columns: accepted},
		{name: "journal", line: `{"_PID":"42","MESSAGE":` + quoted(ham) + `,"PRIORITY":"6"}`, time: end, columns: accepted},
		{name: "journal, JSON", line: `{"MESSAGE":` + quoted(hamJ) + `}`, time: end, columns: accepted},
		{name: "journal, bytes", line: `{"MESSAGE":` + numbers(both) + `}`, time: ten, columns: several},
		{name: "container", line: `{"log":` + quoted(ham+"\n") + `,"stream":"stderr","time":"2026-11-23T00:00:00Z"}`, time: end, columns: accepted},
		{name: "cut in the clues", line: ham[:strings.Index(ham, "; msg=")], time: end, columns: accepted},

		{name: "recipient refused", line: refused, time: ten, columns: blocked},
		{name: "recipient refused, JSON", line: `{"time":"2026-11-22T10:00:00Z","level":"INFO","msg":"recipient refused","id":"a","outcome":"reject","rule":"pests","list":"block"}`, time: ten, columns: blocked},
		{name: "recipient refused, journal", line: `{"MESSAGE":` + quoted(refused) + `}`, time: ten, columns: blocked},
		{name: "welcome", line: strings.Replace(both, "rule=\"the people\" unfiltered=true", "rule=friends list=welcome", 1), time: ten, columns: []policy.Column{policy.AcceptBypassed, policy.HeldBack, policy.RejectSpam, policy.Total}},

		{name: "empty"},
		{name: "other line of ours", line: `time=2026-11-22T10:00:00Z level=INFO msg="recipient dropped" outcome=reject rule=default`},
		{name: "of a program that logs in JSON", line: `{"level":"info","msg":"message received","outcome":"reject"}`},
		{name: "Postfix", line: `Nov 22 10:00:00 mx postfix/smtpd[1]: NOQUEUE: reject: from=<` + ham + `>`},
		{name: "text behind a name", line: `Nov 22 10:00:00 mx evil[1]: hello: ` + ham},
		{name: "quoted by another", line: `Nov 22 10:00:00 mx evil[1]: "` + ham},
		{name: "in a field of the journal", line: `{"MESSAGE":"hello","SYSLOG_IDENTIFIER":` + quoted(ham) + `}`},
		{name: "journal, quoted by another", line: `{"MESSAGE":` + quoted("from=<"+ham) + `}`},
		{name: "journal without text", line: `{"MESSAGE":null,"X":"msg=message"}`},
		{name: "journal, object", line: `{"MESSAGE":{"a":"msg=message"}}`},

		{name: "cut before the end", line: ham[:strings.Index(ham, " verdict=")], broken: "ends early"},
		{name: "recipient refused, cut", line: strings.TrimSuffix(refused, " list=block"), broken: "ends early"},
		{name: "cut in a value", line: ham[:strings.Index(ham, ".example.com [")], broken: "ends early"},
		{name: "cut JSON", line: hamJ[:100], broken: "ends early"},
		{name: "no time", line: strings.Replace(ham, "2026-11-22T", "yesterday", 1), broken: "time:"},
		{name: "no outcome", line: strings.Replace(ham, "outcome=accept ", "", 1), broken: `"" is not an outcome`},
		{name: "unknown outcome", line: strings.Replace(hamJ, `"accept"`, `"\u001b[2Jeaten"`, 1), broken: `"\x1b[2Jeaten" is not an outcome`},
		{name: "journal with a number for a word", line: `{"MESSAGE":` + quoted(strings.Replace(hamJ, `"accept"`, `7`, 1)) + `}`, broken: `"7" is not an outcome`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := new(Parser).Parse([]byte(tt.line))
			switch {
			case tt.broken != "":
				if !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), tt.broken) {
					t.Errorf("error %v, want a broken line with %q", err, tt.broken)
				}
			case tt.columns == nil:
				if !errors.Is(err, ErrOther) {
					t.Errorf("%+v, %v, want another's line", e, err)
				}
			case err != nil || !e.Time.Equal(tt.time) || !slices.Equal(e.Columns, tt.columns):
				t.Errorf("%+v, %v", e, err)
			}
		})
	}
}

// TestHostileTextCountsNothing: whatever stands in the other attributes of a line, it is
// read as it was meant, in every form.
func TestHostileTextCountsNothing(t *testing.T) {
	piece := rapid.SampledFrom([]string{" outcome=reject", `"`, `\`, "\n", " also=held", " duration=1", "msg=message", ": ", "time=", "{", "\x00", "\xff", "ü", "=", " "})
	hostile := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, "pieces"), "") })
	rapid.Check(t, func(t *rapid.T) {
		var text, object bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&object, nil)} {
			slog.New(h).Info("message", "id", "0f3k", "queue_id", hostile.Draw(t, "queue id"), "client", hostile.Draw(t, "client"),
				"sender", hostile.Draw(t, "sender"), "outcome", "discard", "rule", hostile.Draw(t, "rule"), "err", hostile.Draw(t, "err"),
				"clues", hostile.Draw(t, "clues"), "duration", 0.01)
		}
		for _, line := range []string{
			text.String(), object.String(), "Nov 22 10:00:00 mx fanmill[1]: " + text.String(),
			`{"MESSAGE":` + quoted(text.String()) + `}`, `{"MESSAGE":` + quoted(object.String()) + `}`,
		} {
			table := NewTable(time.UTC)
			r, err := (&Counter{Table: table}).Count(strings.NewReader(line))
			rows := table.Rows()
			if err != nil || r.Lines != 1 || r.Messages != 1 || r.Broken != 0 || len(rows) != 1 {
				t.Fatalf("%q: %+v, %v, %v", line, r, rows, err)
			}
			want := Row{Day: rows[0].Day}
			want.N[policy.Discarded], want.N[policy.Total] = 1, 1
			if rows[0] != want {
				t.Fatalf("%q: %v", line, rows)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{ham, hamJ, both, refused, "Nov 22 10:00:00 mx fanmill[42]: " + both, `{"MESSAGE":` + quoted(both) + `}`, `{"MESSAGE":` + numbers(ham) + `}`, `{"log":` + quoted(ham) + `}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := new(Parser).Parse(line)
		if (err == nil) != (len(e.Columns) > 0) || err != nil && !errors.Is(err, ErrOther) && !errors.Is(err, ErrBroken) {
			t.Errorf("%+v, %v", e, err)
		}
	})
}

func TestCount(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	log := strings.Join([]string{
		"some other line", ham, hamJ, long + ham, ham[:strings.Index(ham, " outcome=")], "Nov 22 10:00:00 mx fanmill[42]: " + both,
		strings.Replace(ham, "outcome=accept", "outcome=eaten", 1), strings.Replace(ham, "x.example", long, 1), ham,
	}, "\n") // the last line without an end
	for name, r := range map[string]io.Reader{"whole": strings.NewReader(log), "by bytes": iotest.OneByteReader(strings.NewReader(log))} {
		table := NewTable(time.UTC)
		got, err := (&Counter{Table: table}).Count(r)
		if err != nil || got.Lines != 9 || got.Messages != 4 || got.Broken != 3 || got.First != 5 || !strings.Contains(got.Why.Error(), "ends early") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		want := Row{Day: "2026-11-22"}
		want.N[policy.Accepted], want.N[policy.AcceptUnfiltered], want.N[policy.HeldBack], want.N[policy.RejectSpam], want.N[policy.Total] = 3, 1, 1, 1, 4
		if rows := table.Rows(); len(rows) != 1 || rows[0] != want {
			t.Errorf("%s: %v, want %v", name, rows, want)
		}
	}
}

func TestCountBetweenTimes(t *testing.T) {
	line := func(at string) string { return strings.Replace(ham, "2026-11-22T23:59:59.999+01:00", at, 1) }
	log := strings.Join([]string{line("2026-03-01T00:00:00Z"), line("2026-03-02T00:00:00Z"), line("2026-03-02T23:59:59Z"), line("2026-03-03T00:00:00Z")}, "\n")
	table := NewTable(time.UTC)
	c := &Counter{Table: table, Since: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)}
	r, err := c.Count(strings.NewReader(log))
	if rows := table.Rows(); err != nil || r.Messages != 4 || len(rows) != 1 || rows[0].Day != "2026-03-02" || rows[0].N[policy.Total] != 2 {
		t.Errorf("%+v, %v, %v", r, err, table.Rows())
	}
}

func TestCountFails(t *testing.T) {
	broken := errors.New("cable is cut")
	table := NewTable(time.UTC)
	_, err := (&Counter{Table: table}).Count(io.MultiReader(strings.NewReader(ham+"\n"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || len(table.Rows()) != 1 {
		t.Errorf("%v, %v: want the error, and what came before it", err, table.Rows())
	}
}

// TestDays: a day is that of the table's zone, also where it has 23 or 25 hours.
func TestDays(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	table := NewTable(zone)
	for _, at := range []string{
		"2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z", // summer time begins
		"2026-10-24T21:59:59Z", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z", // and ends
		"2026-03-29T12:00:00+02:00",
	} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if err := table.Add(Entry{Time: when, Columns: []policy.Column{policy.Accepted, policy.Total}}); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]int64{}
	for _, r := range table.Rows() {
		got[r.Day] = r.N[policy.Total]
	}
	for day, n := range map[string]int64{
		"2026-03-28": 1, "2026-03-29": 3, "2026-03-30": 1, "2026-04-01": 0,
		"2026-10-23": 0, "2026-10-24": 1, "2026-10-25": 2, "2026-10-26": 1,
	} {
		if have, ok := got[day]; !ok || have != n {
			t.Errorf("%s: %d messages (row there: %v), want %d", day, have, ok, n)
		}
	}
	if len(got) != 213 {
		t.Errorf("%d rows, want one for each day from 28 March to 26 October", len(got))
	}
}

func TestMissingDays(t *testing.T) {
	rows := Fill([]Row{{Day: "2026-03-01"}, {Day: "1970-01-01"}, {Day: "2026-02-26"}, {Day: "no day"}})
	var days []string
	for _, r := range rows {
		days = append(days, r.Day)
	}
	want := []string{"1970-01-01", "2026-02-26", "2026-02-27", "2026-02-28", "2026-03-01", "no day"}
	if !slices.Equal(days, want) {
		t.Errorf("%v, want %v", days, want)
	}
}

func TestTooManyDays(t *testing.T) {
	table := NewTable(time.UTC)
	day := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range maxDays + 1 {
		err := table.Add(Entry{Time: day.AddDate(0, 0, 2*i), Columns: []policy.Column{policy.Accepted}})
		if (err != nil) != (i == maxDays) {
			t.Fatalf("day %d: %v", i, err)
		}
	}
}

func BenchmarkCount(b *testing.B) {
	other := "Nov 22 23:59:59 mx postfix/smtpd[4711]: connect from mx.example.com[192.0.2.7]"
	for name, line := range map[string]string{
		"text": ham, "syslog": "Nov 22 23:59:59 mx fanmill[42]: " + ham, "json": hamJ,
		"journal": `{"_PID":"42","_HOSTNAME":"mx","SYSLOG_IDENTIFIER":"fanmill","_SYSTEMD_UNIT":"fanmill.service","MESSAGE":` + quoted(ham) + `,"PRIORITY":"6"}`,
		"others":  other,
	} {
		b.Run(name, func(b *testing.B) {
			log := strings.Repeat(line+"\n", 20_000)
			b.SetBytes(int64(len(log)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := (&Counter{Table: NewTable(time.UTC)}).Count(strings.NewReader(log)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
