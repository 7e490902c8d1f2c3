package milter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/textproto"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gomilter "github.com/d--j/go-milter"

	"fanmill/classify"
	"fanmill/milter/delay"
	"fanmill/policy"
	"fanmill/spool"
	"fanmill/store"
	"fanmill/store/history"
	"fanmill/test/harness"
)

// subjectScorer is a scorer that does what the subject says: "score 0.97",
// "panic", "error", or "wait" until the test lets it go.
type subjectScorer struct {
	untrained bool
	entered   chan struct{} // one for each "wait"
	release   chan struct{}
}

func newSubjectScorer() *subjectScorer {
	return &subjectScorer{entered: make(chan struct{}, 100), release: make(chan struct{})}
}

func (s *subjectScorer) Score(m *classify.Message, scope string) (classify.Score, store.Labels, error) {
	word, rest, _ := strings.Cut(m.Subject, " ")
	switch word {
	case "panic":
		panic("injected")
	case "error":
		return classify.Score{}, store.Labels{}, errors.New("injected")
	case "wait":
		s.entered <- struct{}{}
		<-s.release
		word, rest, _ = strings.Cut(rest, " ")
	}
	var own float64 // what labels of a scope have to say
	if word == "own" {
		word, rest, _ = strings.Cut(rest, " ")
		if scope != "" {
			own = 1
		}
	}
	if word != "score" {
		return classify.Score{P: 0.01}, s.Taught(), nil
	}
	p, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return classify.Score{P: p, Own: own}, s.Taught(), err
}

func (s *subjectScorer) Taught() store.Labels {
	if s.untrained {
		return store.Labels{}
	}
	return enough
}

// enough is what a site was taught that is trained by any settings used here.
var enough = store.Labels{Ham: 1000, Spam: 1000}

// rows is a Recorder that keeps everything.
type rows struct {
	mu     sync.Mutex
	list   []history.Record
	counts map[string]int64 // by "outcome/rule"
	table  []string         // the columns of each message, in the order in which they ended
}

func (r *rows) Add(rec history.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, rec)
}

func (r *rows) Count(_, outcome, rule string, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[string]int64{}
	}
	r.counts[outcome+"/"+rule] += n
}

func (r *rows) Tally(_ string, columns ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.table = append(r.table, strings.Join(columns, " "))
}

func (r *rows) count(key string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[key]
}

func (r *rows) all() []history.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

// logBuffer collects log lines.
type logBuffer struct{ harness.Buffer }

func textLogger(b *logBuffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// lines counts the log lines that contain all parts.
func (b *logBuffer) lines(parts ...string) int {
	n := 0
	for _, l := range strings.Split(b.String(), "\n") {
		if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(l, p) }) {
			n++
		}
	}
	return n
}

// rig is a server with real spool and a scripted scorer, as tests change it.
type rig struct {
	Options
	Settings
	policy  policy.Options
	scorer  Scorer
	spool   Spool
	learner Learner
	teacher *lessons

	t      testing.TB
	dir    string
	srv    *Server
	disk   *spool.Spool
	rows   *rows
	log    *logBuffer
	script *subjectScorer
	delays *delay.Table
	clock  atomic.Int64 // by how much that of the delays is fast
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), rows: &rows{}, log: &logBuffer{}, script: newSubjectScorer()}
	r.policy = policy.DefaultOptions()
	r.policy.TrustedNetworks = nil
	r.Classify = classify.DefaultOptions()
	r.Listen = []string{"unix:" + filepath.Join(r.dir, "m.sock")}
	r.scorer = r.script
	var err error
	r.disk, err = spool.Open(filepath.Join(r.dir, "spool"), spool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.disk.Close() })
	r.spool = r.disk
	r.openDelays()
	return r
}

// openDelays opens the table of delays, again after it was closed.
func (r *rig) openDelays() {
	r.delays = delay.Open(delay.Options{
		Path:    filepath.Join(r.dir, "delayed"),
		Limits:  func() delay.Limits { return delay.Limits{Min: 5 * time.Minute, Max: 48 * time.Hour} },
		Expired: func(n int64) { r.rows.Count("", policy.Delay.String(), RuleExpired, n) },
		Now:     func() time.Time { return time.Now().Add(time.Duration(r.clock.Load())) },
	})
	r.t.Cleanup(func() { r.delays.Close() })
}

func (r *rig) settings() Settings {
	r.t.Helper()
	p, err := policy.Compile(r.policy)
	if err != nil {
		r.t.Fatal(err)
	}
	s := r.Settings
	s.Policy = p
	return s
}

func (r *rig) parts() Parts {
	p := Parts{Scorer: r.scorer, Spool: r.spool, Recorder: r.rows, Learner: r.learner, Delays: r.delays, Logger: textLogger(r.log)}
	if r.teacher != nil {
		p.Teacher = r.teacher
	}
	return p
}

func (r *rig) start() *rig {
	r.t.Helper()
	srv, err := New(r.Options, r.parts(), r.settings())
	if err != nil {
		r.t.Fatal(err)
	}
	srv.Start()
	r.srv = srv
	r.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Stop(ctx); err != nil {
			r.t.Errorf("stop: %v", err)
		}
		if r.t.Failed() {
			r.t.Logf("log:\n%s", r.log)
		}
	})
	return r
}

// mta is a fake MTA: the library's client, and what a real MTA would do with
// the answers.
type mta struct {
	t testing.TB
	s *gomilter.ClientSession
}

func (r *rig) mta(opts ...gomilter.Option) *mta {
	r.t.Helper()
	m, err := dialMTA(r.t, r.srv.Addr()[0], opts...)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

// mtaAs opens a session of client.example.com at addr, with these macros; nil: none.
func (r *rig) mtaAs(macros *gomilter.MacroBag, addr string) *mta {
	r.t.Helper()
	if macros == nil {
		macros = gomilter.NewMacroBag()
	}
	m, err := dialAs(r.t, r.srv.Addr()[0], macros, "client.example.com", addr)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

// dialMTA opens an SMTP session of client.example.com at 192.0.2.7.
func dialMTA(t testing.TB, a net.Addr, opts ...gomilter.Option) (*mta, error) {
	macros := gomilter.NewMacroBag()
	macros.Set(gomilter.MacroMTAFQDN, "mx.example.net")
	macros.Set(gomilter.MacroQueueId, "4QUEUEID")
	return dialAs(t, a, macros, "client.example.com", "192.0.2.7", opts...)
}

func dialAs(t testing.TB, a net.Addr, macros gomilter.Macros, name, addr string, opts ...gomilter.Option) (*mta, error) {
	c := gomilter.NewClient(a.Network(), a.String(), opts...)
	s, err := c.Session(macros)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { s.Close() })
	if _, err := s.Conn(name, gomilter.FamilyInet, 54321, addr); err != nil {
		return nil, err
	}
	if _, err := s.Helo("client.example.com"); err != nil {
		return nil, err
	}
	return &mta{t: t, s: s}, nil
}

// mail is what an SMTP client sends.
type mail struct {
	from    string
	to      []string
	headers [][2]string
	body    string
}

func subject(s string) mail {
	return mail{
		from: "sender@example.com", to: []string{"one@example.net"}, body: "Hello,\r\n\r\nFrom here on.\r\n",
		headers: [][2]string{{"Received", " from a by b;\n\tSun, 22 Nov 2026 10:00:00 +0000"}, {"From", " Sender <sender@example.com>"}, {"Subject", " " + s}, {"Message-ID", " <" + strings.ReplaceAll(s, " ", ".") + "@example.com>"}},
	}
}

func (m mail) with(name, value string) mail {
	m.headers = append(slices.Clone(m.headers), [2]string{name, value})
	return m
}

func (m mail) rcpt(to ...string) mail { m.to = to; return m }

// result is what became of a mail.
type result struct {
	code      int // 250, 451, 550; 0: discarded (250 to the client)
	text      string
	refused   []string // recipients refused at RCPT
	to        []string // recipients who get it
	headers   [][2]string
	held      string // the MTA's quarantine reason
	inserted  int
	mods      []gomilter.ModifyAction
	discarded bool
}

func (r result) String() string {
	return fmt.Sprintf("%d %q to %v held %q refused %v", r.code, r.text, r.to, r.held, r.refused)
}

// get returns the values of all fields called name.
func (r result) get(name string) []string {
	var v []string
	for _, h := range r.headers {
		if strings.EqualFold(h[0], name) {
			v = append(v, h[1])
		}
	}
	return v
}

func (m *mta) envelope(x mail) (res result) {
	m.t.Helper()
	if _, err := m.s.Mail(x.from, ""); err != nil {
		m.t.Fatalf("MAIL: %v", err)
	}
	for _, to := range x.to {
		a, err := m.s.Rcpt(to, "")
		switch {
		case err != nil:
			m.t.Fatalf("RCPT: %v", err)
		case a.Type == gomilter.ActionAccept:
			m.t.Fatalf("RCPT answered accept, which in Postfix ends all events of the message")
		case a.StopProcessing():
			res.refused = append(res.refused, to)
			res.text = a.SMTPReply
		default:
			res.to = append(res.to, to)
		}
	}
	return res
}

func (m *mta) content(x mail) {
	m.t.Helper()
	if _, err := m.s.DataStart(); err != nil {
		m.t.Fatalf("DATA: %v", err)
	}
	for _, h := range x.headers {
		if _, err := m.s.HeaderField(h[0], h[1], nil); err != nil {
			m.t.Fatalf("header: %v", err)
		}
	}
	if _, err := m.s.HeaderEnd(); err != nil {
		m.t.Fatalf("end of header: %v", err)
	}
}

// send carries one mail through and does what the answer says.
func (m *mta) send(x mail) result {
	m.t.Helper()
	res := m.envelope(x)
	if len(res.to) == 0 {
		if err := m.s.Abort(nil); err != nil {
			m.t.Fatalf("abort: %v", err)
		}
		return res
	}
	m.content(x)
	if x.body == "" { // the client wants at least one chunk
		if _, err := m.s.BodyChunk(nil); err != nil {
			m.t.Fatalf("body: %v", err)
		}
	}
	mods, act, err := m.s.BodyReadFrom(strings.NewReader(x.body))
	if err != nil {
		m.t.Fatalf("end of message: %v", err)
	}
	res.headers = slices.Clone(x.headers)
	res.apply(m.t, mods, act)
	return res
}

func (r *result) apply(t testing.TB, mods []gomilter.ModifyAction, act *gomilter.Action) {
	t.Helper()
	r.code, r.mods = int(act.SMTPCode), mods
	switch act.Type {
	case gomilter.ActionAccept:
	case gomilter.ActionDiscard:
		r.code, r.discarded, r.to = 250, true, nil
	default:
		r.text, r.to = act.SMTPReply, nil
	}
	for _, a := range mods {
		switch a.Type {
		case gomilter.ActionDelRcpt:
			r.to = slices.DeleteFunc(r.to, func(to string) bool { return "<"+to+">" == a.Rcpt })
		case gomilter.ActionQuarantine:
			r.held = a.Reason
		case gomilter.ActionInsertHeader:
			r.inserted++
			r.headers = slices.Insert(r.headers, int(a.HeaderIndex), [2]string{a.HeaderName, a.HeaderValue})
		case gomilter.ActionChangeHeader:
			r.change(t, a)
		default:
			t.Fatalf("unexpected modification %v", a)
		}
	}
}

// change does what Postfix does: fields behind a deleted one are renumbered.
func (r *result) change(t testing.TB, a gomilter.ModifyAction) {
	t.Helper()
	n := 0
	for i, h := range r.headers {
		if textproto.CanonicalMIMEHeaderKey(h[0]) != textproto.CanonicalMIMEHeaderKey(a.HeaderName) {
			continue
		}
		if n++; n == int(a.HeaderIndex) && a.HeaderValue != "" {
			r.headers = slices.Clone(r.headers)
			r.headers[i][1] = a.HeaderValue
			return
		} else if n == int(a.HeaderIndex) {
			r.headers = slices.Delete(r.headers, i, i+1)
			return
		}
	}
	t.Fatalf("deletion of a field that is not there (Postfix would add one): %v", a)
}

// one sends one mail over a connection of its own.
func (r *rig) one(x mail, opts ...gomilter.Option) result {
	r.t.Helper()
	m := r.mta(opts...)
	defer m.s.Close()
	return m.send(x)
}

// heldIn lists what is held in a box.
func (r *rig) heldIn(b spool.Box) []spool.Meta {
	r.t.Helper()
	list, err := r.disk.List(b)
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

func (r *rig) message(id string) string {
	r.t.Helper()
	f, err := r.disk.OpenMessage(id)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

// eventually waits for something that happens in another goroutine.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	pause := 20 * time.Microsecond
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(pause) {
		if ok() {
			return
		}
		pause = min(2*pause, 5*time.Millisecond)
	}
	t.Fatalf("not within 10 s: %s", what)
}

// withoutActions offers no DELRCPT when cut is true.
func withoutActions(cut bool) []gomilter.Option {
	if !cut {
		return nil
	}
	return []gomilter.Option{gomilter.WithActions(gomilter.AllClientSupportedActionMasks &^ gomilter.OptRemoveRcpt)}
}
