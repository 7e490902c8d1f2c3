//go:build system

package system

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fanmill/store/history"
	"fanmill/test/harness"
)

// tree is a configuration: sections of keys.
type tree = harness.Config

// site is one mail site: an MTA with fanmill as its milter, and its next hop.
type site struct {
	harness.Doors
	*harness.Daemon
	MTA      harness.MTA
	Postfix  *harness.Postfix  // the MTA, when it is Postfix
	Sendmail *harness.Sendmail // the MTA, when it is Sendmail
	Sink     *harness.Sink
	Acct     *harness.Account

	t     *testing.T
	base  tree
	files string // where write puts them
}

// server is the kind of MTA that a site has.
type server string

const (
	postfix  server = "postfix"
	sendmail server = "sendmail"
)

// behindBoth runs a test behind Postfix and behind Sendmail.
func behindBoth(t *testing.T, test func(*testing.T, server)) {
	t.Helper()
	t.Parallel()
	for _, m := range []server{postfix, sendmail} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			test(t, m)
		})
	}
}

// plan says what a site is to be like.
type plan struct {
	server  server            // "" is postfix
	config  tree              // over the defaults of newSite
	fresh   bool              // no training
	mta     map[string]string // main.cf
	lines   string            // of main.cf or sendmail.mc, that name the milter; "" is by its socket
	listen  string            // the daemon's port, "" any
	user    string            // whose rights Sendmail takes
	unix    bool              // milter on a unix socket
	chroot  bool              // smtpd is chrooted
	stopped bool              // daemon not started
	next    string            // where releases go: "" is the site's own MTA
}

// newSite starts a site; the test's end stops it and checks that the daemon
// ended well.
func newSite(t *testing.T, o plan) *site {
	t.Helper()
	s := &site{t: t, Acct: harness.NewAccount(), files: t.TempDir()}
	program, err := program()
	check(t, err)
	s.Sink = must(harness.StartSink())
	t.Cleanup(func() { check(t, s.Sink.Down()) })

	listen := o.listen
	if listen == "" {
		listen = must(harness.FreeAddr())
	}
	dir := t.TempDir()
	s.Daemon = &harness.Daemon{Program: program, Data: filepath.Join(dir, "data"), Config: filepath.Join(dir, "fanmill.toml"), Listen: listen}
	check(t, os.Mkdir(s.Data, 0o755))
	if !o.fresh {
		data, err := trained()
		check(t, err)
		check(t, os.CopyFS(s.Data, os.DirFS(data)))
	}
	listens := []string{"inet:" + listen}
	if o.unix {
		listens = append(listens, "unix:"+filepath.Join(s.Data, "milter.sock"))
	}
	s.startMTA(o, listens[len(listens)-1])

	if o.next == "" {
		o.next = s.Addr
	}
	s.base = harness.SiteConfig(listens, o.next).With(o.config)
	s.configure(tree{})
	if !o.stopped {
		s.start()
	}
	t.Cleanup(s.finish)
	return s
}

// startMTA starts the MTA, which finds the milter at a socket.
func (s *site) startMTA(o plan, socket string) {
	s.t.Helper()
	var err error
	if o.server == sendmail {
		lines := o.lines
		if lines == "" {
			lines = filterLine(socket)
		}
		s.Sendmail, err = harness.StartSendmail(s.t.Context(), harness.SendmailOptions{Dir: s.t.TempDir(), Filter: lines, NextHop: s.Sink.Addr, User: o.user})
		check(s.t, err)
		s.MTA = s.Sendmail
	} else {
		s.Postfix, err = harness.StartPostfix(s.t.Context(), harness.PostfixOptions{Dir: s.t.TempDir(), Milter: socket, NextHop: s.Sink.Addr, Settings: o.mta, Lines: o.lines, Chroot: o.chroot})
		check(s.t, err)
		s.MTA = s.Postfix
	}
	s.Doors = s.MTA.Door()
	s.t.Cleanup(func() { check(s.t, s.MTA.Stop()) })
}

// filterLine names a socket, as the configuration of the daemon has it, in sendmail.mc.
func filterLine(socket string) string {
	if addr, ok := strings.CutPrefix(socket, "inet:"); ok {
		host, port, _ := net.SplitHostPort(addr)
		socket = "inet:" + port + "@" + host
	}
	return fmt.Sprintf("INPUT_MAIL_FILTER(`fanmill', `S=%s, F=T, T=C:30s;S:30s;R:30s;E:5m')dnl", socket)
}

// as makes a client one that the MTA knows: Sendmail goes by the address.
func (s *site) as(who harness.Identity) *harness.Identity {
	who.Bound = s.Sendmail != nil
	return &who
}

// configure writes the configuration file anew: the site's with keys over it.
func (s *site) configure(over tree) {
	s.t.Helper()
	check(s.t, s.base.With(over).Write(s.Config))
}

// restart ends the daemon and starts it with keys over the site's configuration.
func (s *site) restart(over tree) {
	s.t.Helper()
	check(s.t, s.Daemon.Stop(30*time.Second))
	s.configure(over)
	s.start()
}

func (s *site) start() {
	s.t.Helper()
	check(s.t, s.Daemon.Start())
}

func (s *site) finish() {
	if err := s.Daemon.Stop(30 * time.Second); err != nil {
		s.t.Error(err)
	}
	if strings.Contains(s.Daemon.Output(), "DATA RACE") {
		s.t.Error("the daemon raced:\n" + s.Daemon.Output())
	}
	if s.t.Failed() {
		s.t.Logf("daemon:\n%s\nMTA:\n%s", tail(s.Daemon.Output()), tail(s.MTA.Log()))
	}
}

func tail(text string) string {
	const most = 8000
	if len(text) > most {
		return "... " + text[len(text)-most:]
	}
	return text
}

// send delivers one message through the filtered door and returns what the
// client saw.
func (s *site) send(data []byte, to ...string) harness.Result {
	s.t.Helper()
	return s.sendAs(harness.Stranger, data, to...)
}

func (s *site) sendAs(as harness.Identity, data []byte, to ...string) harness.Result {
	s.t.Helper()
	res, err := harness.Send(s.t.Context(), s.Addr, harness.Mail{From: "sender@example.net", To: to, Data: data, As: s.as(as)})
	check(s.t, err)
	return res
}

// refuse sends a message and wants a 550.
func (s *site) refuse(data []byte, to ...string) {
	s.t.Helper()
	if res := s.send(data, to...); res.Final.Code != 550 {
		s.t.Errorf("spam for %v got %v, want 550", to, res.Final)
	}
}

// take sends a message and wants a 250.
func (s *site) take(data []byte, to ...string) {
	s.t.Helper()
	if res := s.send(data, to...); res.Final.Code != 250 {
		s.t.Errorf("mail for %v got %v, want 250", to, res.Final)
	}
}

// sendAll sends messages over a few parallel sessions until each is settled, and
// enters them in the account. Every recipient stands for one message.
func (s *site) sendAll(ctx context.Context, mails []harness.Mail, parallel int) {
	s.t.Helper()
	work := make(chan harness.Mail)
	var wg sync.WaitGroup
	for range parallel {
		wg.Go(func() {
			for m := range work {
				if m.As == nil {
					m.As = s.as(harness.Stranger)
				}
				res, _, err := harness.SendUntilSettled(ctx, s.Addr, m, 50*time.Millisecond)
				if err != nil {
					s.t.Errorf("mail for %v was never settled: %v", m.To, err)
				}
				s.Acct.Sent(m.To[0], res.Final)
			}
		})
	}
	for _, m := range mails {
		work <- m
	}
	close(work)
	wg.Wait()
}

// settle drains the MTA and fails on any mail that is not in exactly one place.
func (s *site) settle() map[string]harness.Fate {
	s.t.Helper()
	s.drain()
	fates, err := s.Acct.Settle(s.Sink, s.Data)
	check(s.t, err)
	m := make(map[string]harness.Fate)
	for _, f := range fates {
		m[f.Recipient] = f
	}
	return m
}

func (s *site) drain() {
	s.t.Helper()
	check(s.t, s.MTA.Drain(60*time.Second))
}

// delivered drains the MTA and returns what the next hop took for a recipient.
func (s *site) delivered(recipient string) []harness.Delivery {
	s.t.Helper()
	s.drain()
	return s.Sink.ByRecipient()[recipient]
}

// one wants exactly one delivery for a recipient and returns it.
func (s *site) one(recipient string) harness.Delivery {
	s.t.Helper()
	d := s.delivered(recipient)
	if len(d) != 1 {
		s.t.Fatalf("%d messages delivered for %s, want 1", len(d), recipient)
	}
	return d[0]
}

// none wants no delivery for a recipient.
func (s *site) none(recipients ...string) {
	s.t.Helper()
	for _, r := range recipients {
		if d := s.delivered(r); len(d) != 0 {
			s.t.Errorf("%d messages delivered for %s, want none", len(d), r)
		}
	}
}

// held returns the ids of the held messages that name a recipient.
func (s *site) held(recipient string) []string {
	s.t.Helper()
	m := must(harness.HeldByRecipient(s.Data))
	var ids []string
	for _, h := range m[recipient] {
		ids = append(ids, h.ID)
	}
	return ids
}

// heldOne wants exactly one held message for a recipient.
func (s *site) heldOne(recipient string) string {
	s.t.Helper()
	ids := s.held(recipient)
	if len(ids) != 1 {
		s.t.Fatalf("%d messages held for %s, want 1", len(ids), recipient)
	}
	return ids[0]
}

// fanmill runs a command on the site's data directory and wants it to succeed.
func (s *site) fanmill(name string, args ...string) string {
	s.t.Helper()
	out, err := s.Daemon.Run(name, args...)
	check(s.t, err)
	return out
}

// scored is a line of `fanmill score --json`.
type scored struct {
	Verdict string  `json:"verdict"`
	Score   float64 `json:"score"`
}

// score asks fanmill for its opinion of a message.
func (s *site) score(data []byte) scored {
	s.t.Helper()
	out, err := s.Daemon.RunInput(data, "score", "--json", "-")
	check(s.t, err)
	var v scored
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		s.t.Fatalf("score --json answered %q: %v", out, err)
	}
	return v
}

// write puts a message into a file of its own and returns the path.
func (s *site) write(data []byte) string {
	s.t.Helper()
	f := must(os.CreateTemp(s.files, "mail"))
	_, err := f.Write(data)
	check(s.t, err)
	check(s.t, f.Close())
	return f.Name()
}

// learn trains messages of a class ("ham", "spam"), at least one, by one command.
func (s *site) learn(class string, messages ...[]byte) {
	s.t.Helper()
	args := []string{"--" + class}
	for _, data := range messages {
		args = append(args, s.write(data))
	}
	s.fanmill("train", args...)
}

// verdict returns the word in a message's verdict header, which must be its very
// first field and the only one of its name.
func verdict(t *testing.T, data []byte) string {
	t.Helper()
	values := harness.Fields(data, "X-Fanmill-Status")
	if len(values) != 1 {
		t.Fatalf("%d verdict headers, want 1:\n%s", len(values), tail(string(data)))
	}
	if !bytes.HasPrefix(data, []byte("X-Fanmill-Status:")) {
		t.Errorf("verdict header is not at the top:\n%.300s", data)
	}
	word, _, _ := strings.Cut(values[0], " ")
	return word
}

// eventually wants cond to become true within seconds.
func (s *site) eventually(what string, cond func() bool) {
	s.t.Helper()
	check(s.t, harness.WaitFor(what, 20*time.Second, cond))
}

// history returns the records the daemon wrote, feature lists included; it must
// have been stopped.
func (s *site) history() []history.Record {
	s.t.Helper()
	h, err := history.Open(s.t.Context(), history.Options{Dir: s.Data, Features: true, Subject: true, Addresses: true, Logger: slog.New(slog.DiscardHandler)})
	check(s.t, err)
	defer h.Close()
	list, err := h.Find(s.t.Context(), history.Query{Limit: 100_000})
	check(s.t, err)
	for i := range list {
		list[i], err = h.Get(s.t.Context(), list[i].ID)
		check(s.t, err)
	}
	return list
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must is for calls that fail only when the machine does.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// to names recipient n of a test.
func to(name string, n int) string { return fmt.Sprintf("%s%d@%s", name, n, harness.NextDomain) }
