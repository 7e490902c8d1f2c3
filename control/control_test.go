package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"fanmill/spool"
	"fanmill/store/query"
	"fanmill/training"
)

const heldID = "0123456789abcdef"

// service is what stands behind the socket here: it remembers what it was
// asked, so that the tests see what crossed.
type service struct {
	mu    sync.Mutex
	calls []string
	fail  error
}

func (s *service) note(format string, args ...any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, fmt.Sprintf(format, args...))
	return s.fail
}

func (s *service) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.calls) == 0 {
		return ""
	}
	return s.calls[len(s.calls)-1]
}

func (s *service) Score(_ context.Context, q ScoreRequest, msg io.Reader) (ScoreReply, error) {
	body, err := io.ReadAll(msg)
	if err != nil {
		return ScoreReply{}, fmt.Errorf("read message: %w", err)
	}
	return ScoreReply{Verdict: "spam", Score: 0.99, Size: int64(len(body))}, s.note("score %+v %q", q, cut(string(body), 40))
}

func (s *service) Learn(_ context.Context, q LearnRequest, msg io.Reader) (LearnReply, error) {
	body, err := io.ReadAll(msg)
	if err != nil {
		return LearnReply{}, fmt.Errorf("read message: %w", err)
	}
	return LearnReply{Result: "learned"}, s.note("learn %+v %q", q, cut(string(body), 40))
}

func (s *service) Settle(_ context.Context, scope, actor string) (training.Settled, error) {
	return training.Settled{Judged: 5, Learned: 3}, s.note("settle %q for %s", scope, actor)
}

func (s *service) Undo(_ context.Context, q UndoRequest) (UndoReply, error) {
	scope := "any"
	if q.Scope != nil {
		scope = fmt.Sprintf("%q", *q.Scope)
	}
	return UndoReply{Found: 2}, s.note("undo %d of %s by %s in %s since %d by %s, %v", q.N, q.Source, q.Actor, scope, q.Since.Unix(), q.By, q.DryRun)
}

func (s *service) List(_ context.Context, f Filter) ([]spool.Meta, error) {
	return []spool.Meta{{ID: heldID, Box: spool.Unsure}}, s.note("list %+v", f)
}

func (s *service) Show(_ context.Context, id string) (Held, error) {
	if id != heldID {
		return Held{}, fmt.Errorf("show %s: %w", id, spool.ErrNotHeld)
	}
	return Held{Meta: spool.Meta{ID: id}, Text: "hello"}, s.note("show %s", id)
}

func (s *service) Export(_ context.Context, id string, w io.Writer) error {
	if id != heldID {
		return fmt.Errorf("export %s: %w", id, spool.ErrNotHeld)
	}
	_, err := io.WriteString(w, "From a@example.org Sun Nov 22 12:00:00 2026\nSubject: x\n\nbody\n")
	return errors.Join(err, s.note("export %s", id))
}

func (s *service) Decide(_ context.Context, d Decision) (Decided, error) {
	return Decided{ID: d.ID, Action: d.Action, Gone: true}, s.note("decide %+v", d)
}

// someStats has something in every part.
var someStats = Stats{
	Ham: 1, Spam: 2, HamAdds: 3, SpamAdds: 4, Waiting: 5, HeldUnsure: true, MinLabels: 50, Trained: true,
	Advice: []string{"train more"}, Features: 3, Scope: "bert", Scopes: []string{"anna"},
	Calibrator: Calibrator{Labels: 20, FromSite: true, Weights: Weights{1, 2, 3, -4}, HamWrong: 0.25, SpamWrong: 1.5},
	Labels: Labels{N: 20, Spam: 5, SpamPercent: 25, Doubtful: 1, DoubtfulPercent: 5, Mislabels: []Mislabel{{
		Class: "ham", Chance: 0.75, Time: time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC), Source: "train", Digest: "0123",
		Subject: "hi\x1b", From: "a@example.org",
	}}},
	Traffic: Traffic{Days: 30, Ham: 1, Unsure: 2, Spam: 1, SpamPercent: 25},
	Days:    []DayCount{{Day: "2026-03-14", Outcome: "tag", Rule: "default", N: 4}},
	Table:   []DayRow{{Day: "2026-03-14", Counts: map[string]int64{"tagged": 4, "total": 4}}}, Zone: "CET (+01:00)",
}

func (s *service) Stats(_ context.Context, q StatsRequest) (Stats, error) {
	return someStats, s.note("stats %+v", q)
}

func (s *service) Status(context.Context) (Status, error) {
	return Status{Version: "test", PID: os.Getpid()}, s.note("status")
}

func (s *service) Reload(context.Context) (Reloaded, error) {
	return Reloaded{Restart: []string{"milter.listen"}}, s.note("reload")
}

// start serves svc to peers that the kernel would call p; with a nil p the
// kernel itself is asked.
func start(t *testing.T, svc *service, p *Peer, change func(*Options)) (*Client, string) {
	t.Helper()
	dir := t.TempDir()
	o := Options{
		Path: filepath.Join(dir, SocketName), GID: -1, Access: Access{UID: 990, GID: 991},
		Judge: svc, Desk: svc, Keeper: svc, Logger: slog.New(slog.DiscardHandler),
	}
	if p != nil {
		o.peer = func(net.Conn) (Peer, error) { return *p, nil }
	}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	c, err := Dial(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, dir
}

var (
	rootPeer   = Peer{UID: 0, GID: 0, Name: "root"}
	daemonPeer = Peer{UID: 990, GID: 5, Name: "fanmill"}
	memberPeer = Peer{UID: 1000, GID: 1000, Groups: []uint32{27, 991}, Name: "mod"}
	otherPeer  = Peer{UID: 1001, GID: 1001, Groups: []uint32{27}, Name: "anna"}
)

func TestEveryRequestReachesItsService(t *testing.T) {
	svc := &service{}
	c, _ := start(t, svc, &memberPeer, nil)
	ctx := context.Background()
	check := func(want string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", want, err)
		}
		if got := svc.last(); got != want {
			t.Errorf("service was asked %s, want %s", got, want)
		}
	}
	r, err := c.Score(ctx, ScoreRequest{Scope: "anna", Clues: 3, Sources: 2, Path: "a&b?c"}, strings.NewReader("Subject: x\n\n"))
	check(`score {Scope:anna Clues:3 Sources:2 Path:a&b?c} "Subject: x\n\n"`, err)
	if r.Verdict != "spam" || r.Score != 0.99 || r.Path != "a&b?c" {
		t.Errorf("score reply %+v", r)
	}
	_, err = c.Learn(ctx, LearnRequest{Class: "ham", Actor: "somebody else"}, strings.NewReader("x"))
	check(`learn {Scope: Class:ham Many:false ID: Own:false Actor:mod} "x"`, err)
	_, err = c.Learn(ctx, LearnRequest{Scope: "anna", Class: "spam", Many: true}, strings.NewReader("x"))
	check(`learn {Scope:anna Class:spam Many:true ID: Own:false Actor:mod} "x"`, err)
	_, err = c.Learn(ctx, LearnRequest{Class: "spam", ID: heldID, Own: true}, nil)
	check(`learn {Scope: Class:spam Many:false ID:`+heldID+` Own:false Actor:mod} ""`, err)
	settled, err := c.Settle(ctx, "anna", "somebody else")
	check(`settle "anna" for mod`, err)
	if settled.Judged != 5 || settled.Learned != 3 {
		t.Errorf("settle gave %+v", settled)
	}
	scope := "anna"
	undone, err := c.Undo(ctx, UndoRequest{
		Selection: query.Selection{Actor: "mod", Source: "train", Scope: &scope, Since: time.Unix(5, 0)}, N: 3, DryRun: true, By: "somebody else",
	})
	check(`undo 3 of train by mod in "anna" since 5 by mod, true`, err)
	if undone.Found != 2 {
		t.Errorf("undo gave %+v", undone)
	}
	held, err := c.List(ctx, Filter{Box: spool.Spam, Limit: 7})
	check("list {Box:spam Limit:7}", err)
	if len(held) != 1 || held[0].ID != heldID {
		t.Errorf("list gave %+v", held)
	}
	h, err := c.Show(ctx, heldID)
	check("show "+heldID, err)
	if h.ID != heldID || h.Text != "hello" {
		t.Errorf("show gave %+v", h)
	}
	var mbox bytes.Buffer
	check("export "+heldID, c.Export(ctx, heldID, &mbox))
	if !strings.HasPrefix(mbox.String(), "From a@example.org") || !strings.HasSuffix(mbox.String(), "body\n") {
		t.Errorf("export gave %q", mbox.String())
	}
	for _, action := range []string{"ham", "spam", "release", "discard"} {
		d, err := c.Decide(ctx, Decision{ID: heldID, Action: action, Again: action == "release", Actor: "somebody else"})
		check(fmt.Sprintf("decide {ID:%s Action:%s Again:%v Actor:mod}", heldID, action, action == "release"), err)
		if !d.Gone || d.Action != action {
			t.Errorf("decide gave %+v", d)
		}
	}
	st, err := c.Stats(ctx, StatsRequest{Days: 4, Mislabels: 5})
	check("stats {Scope: Days:4 Mislabels:5}", err)
	if !reflect.DeepEqual(st, someStats) {
		t.Errorf("stats gave %+v, want %+v", st, someStats)
	}
	state, err := c.Status(ctx)
	check("status", err)
	if state.PID != os.Getpid() {
		t.Errorf("status gave %+v", state)
	}
	re, err := c.Reload(ctx)
	check("reload", err)
	if len(re.Restart) != 1 {
		t.Errorf("reload gave %+v", re)
	}
}

// TestRights asks everything as everybody.
func TestRights(t *testing.T) {
	ask := map[string]func(c *Client) error{
		"score": func(c *Client) error {
			_, err := c.Score(t.Context(), ScoreRequest{}, strings.NewReader("x"))
			return err
		},
		"score own": func(c *Client) error {
			_, err := c.Score(t.Context(), ScoreRequest{Scope: "anna"}, strings.NewReader("x"))
			return err
		},
		"score other": func(c *Client) error {
			_, err := c.Score(t.Context(), ScoreRequest{Scope: "bert"}, strings.NewReader("x"))
			return err
		},
		"learn": func(c *Client) error {
			_, err := c.Learn(t.Context(), LearnRequest{Class: "spam"}, strings.NewReader("x"))
			return err
		},
		"learn other": func(c *Client) error {
			_, err := c.Learn(t.Context(), LearnRequest{Class: "spam", Scope: "bert"}, strings.NewReader("x"))
			return err
		},
		"learn by id": func(c *Client) error {
			_, err := c.Learn(t.Context(), LearnRequest{Class: "spam", ID: heldID}, nil)
			return err
		},
		"learn other by id": func(c *Client) error {
			_, err := c.Learn(t.Context(), LearnRequest{Class: "spam", ID: heldID, Scope: "bert"}, nil)
			return err
		},
		"settle":       func(c *Client) error { _, err := c.Settle(t.Context(), "", ""); return err },
		"settle other": func(c *Client) error { _, err := c.Settle(t.Context(), "bert", ""); return err },
		"list":         func(c *Client) error { _, err := c.List(t.Context(), Filter{}); return err },
		"show":         func(c *Client) error { _, err := c.Show(t.Context(), heldID); return err },
		"export":       func(c *Client) error { return c.Export(t.Context(), heldID, io.Discard) },
		"decide": func(c *Client) error {
			_, err := c.Decide(t.Context(), Decision{ID: heldID, Action: "ham"})
			return err
		},
		"stats":  func(c *Client) error { _, err := c.Stats(t.Context(), StatsRequest{}); return err },
		"status": func(c *Client) error { _, err := c.Status(t.Context()); return err },
		"reload": func(c *Client) error { _, err := c.Reload(t.Context()); return err },
		"score with sources": func(c *Client) error {
			_, err := c.Score(t.Context(), ScoreRequest{Clues: 1, Sources: 1}, strings.NewReader("x"))
			return err
		},
	}
	others := map[string]bool{"score": true, "score own": true, "learn": true, "learn by id": true, "settle": true}
	for _, p := range []Peer{rootPeer, daemonPeer, memberPeer, otherPeer} {
		t.Run(p.Name, func(t *testing.T) {
			svc := &service{}
			c, _ := start(t, svc, &p, nil)
			for name, f := range ask {
				before := len(svc.calls)
				err := f(c)
				allowed := p.Name != "anna" || others[name]
				if allowed && err != nil {
					t.Errorf("%s may not %s: %v", p.Name, name, err)
				}
				if !allowed && !errors.Is(err, ErrForbidden) {
					t.Errorf("%s may %s: %v", p.Name, name, err)
				}
				if !allowed && len(svc.calls) != before {
					t.Errorf("%s by %s was refused and done all the same", name, p.Name)
				}
			}
		})
	}
}

func TestOthersWorkInTheirOwnScope(t *testing.T) {
	svc := &service{}
	c, _ := start(t, svc, &otherPeer, nil)
	if _, err := c.Learn(t.Context(), LearnRequest{Class: "spam"}, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if got, want := svc.last(), `learn {Scope:anna Class:spam Many:false ID: Own:false Actor:anna} "x"`; got != want {
		t.Errorf("service was asked %s, want %s", got, want)
	}
	if _, err := c.Learn(t.Context(), LearnRequest{Class: "forget", ID: heldID}, nil); err != nil {
		t.Fatal(err)
	}
	if got, want := svc.last(), "learn {Scope:anna Class:forget Many:false ID:"+heldID+` Own:true Actor:anna} ""`; got != want {
		t.Errorf("service was asked %s, want %s", got, want)
	}
}

// Whoever is not root takes his own decisions back, and without all rights those in
// his own scope.
func TestUndoOfOnesOwn(t *testing.T) {
	bert, site := "bert", ""
	for _, tt := range []struct {
		peer Peer
		sel  query.Selection
		want string // the scope; "": forbidden
	}{
		{rootPeer, query.Selection{Source: "auto"}, "any"},
		{daemonPeer, query.Selection{Actor: "anna", Scope: &bert}, `"bert"`},
		{memberPeer, query.Selection{Actor: memberPeer.Name}, "any"},
		{memberPeer, query.Selection{Actor: memberPeer.Name, Scope: &site}, `""`},
		{memberPeer, query.Selection{Actor: memberPeer.Name, Scope: &bert}, `"bert"`},
		{memberPeer, query.Selection{Source: "auto"}, ""},
		{memberPeer, query.Selection{Actor: "anna"}, ""},
		{otherPeer, query.Selection{Actor: otherPeer.Name}, `"anna"`},
		{otherPeer, query.Selection{Actor: otherPeer.Name, Scope: &site}, `"anna"`},
		{otherPeer, query.Selection{Actor: otherPeer.Name, Scope: &bert}, ""},
		{otherPeer, query.Selection{Actor: "mod"}, ""},
		{otherPeer, query.Selection{}, ""},
	} {
		svc := &service{}
		c, _ := start(t, svc, &tt.peer, nil)
		_, err := c.Undo(t.Context(), UndoRequest{Selection: tt.sel})
		switch {
		case tt.want == "" && (!errors.Is(err, ErrForbidden) || len(svc.calls) > 0):
			t.Errorf("%s may take back %+v: %v", tt.peer.Name, tt.sel, err)
		case tt.want != "" && (err != nil || !strings.Contains(svc.last(), " in "+tt.want+" ")):
			t.Errorf("%s, %+v: asked %q, want scope %s, %v", tt.peer.Name, tt.sel, svc.calls, tt.want, err)
		}
	}
}

func TestPeerWithoutNameIsRefused(t *testing.T) {
	svc := &service{}
	c, _ := start(t, svc, nil, func(o *Options) {
		o.peer = func(net.Conn) (Peer, error) { return Peer{}, errors.New("no credentials here") }
	})
	if _, err := c.Score(t.Context(), ScoreRequest{}, strings.NewReader("x")); !errors.Is(err, ErrForbidden) {
		t.Errorf("score: %v, want %v", err, ErrForbidden)
	}
	if len(svc.calls) != 0 {
		t.Errorf("the service was asked %q", svc.calls)
	}
}

// TestKernelNamesThePeer asks the kernel, without anything put in its place.
func TestKernelNamesThePeer(t *testing.T) {
	svc := &service{}
	c, _ := start(t, svc, nil, func(o *Options) { o.Access = Access{UID: uint32(os.Getuid()), GID: NoGroup} })
	if _, err := c.Decide(t.Context(), Decision{ID: heldID, Action: "ham"}); err != nil {
		t.Fatal(err)
	}
	if want := "decide {ID:" + heldID + " Action:ham Again:false Actor:" + loginName(uint32(os.Getuid())) + "}"; svc.last() != want {
		t.Errorf("service was asked %q, want %q", svc.last(), want)
	}
}

func TestPeerOfSocketpair(t *testing.T) {
	dir := t.TempDir()
	ln, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		if c, err := net.Dial("unix", filepath.Join(dir, "s")); err == nil {
			defer c.Close()
			_, _ = io.Copy(io.Discard, c)
		}
	}()
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p, err := peerOf(c)
	if err != nil {
		t.Fatal(err)
	}
	if int(p.UID) != os.Getuid() || int(p.GID) != os.Getgid() || int(p.PID) != os.Getpid() {
		t.Errorf("peer %+v, want uid %d gid %d pid %d", p, os.Getuid(), os.Getgid(), os.Getpid())
	}
	groups, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Groups) != len(groups) {
		t.Errorf("peer groups %v, the process has %v", p.Groups, groups)
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if _, err := peerOf(a); err == nil {
		t.Error("a pipe has a peer")
	}
}

func TestErrorsCrossTheSocket(t *testing.T) {
	for _, k := range kinds {
		if k.err == context.Canceled || k.err == spool.ErrBadID {
			continue // they cross under the code of another
		}
		svc := &service{fail: WithHint(fmt.Errorf("decide it: %w", k.err), "do this")}
		c, _ := start(t, svc, &rootPeer, nil)
		_, err := c.Decide(t.Context(), Decision{ID: heldID, Action: "ham"})
		if !errors.Is(err, k.err) {
			t.Errorf("%s: %v is not %v", k.code, err, k.err)
		}
		if err == nil || !strings.Contains(err.Error(), "decide it") {
			t.Errorf("%s: the message was lost: %v", k.code, err)
		}
		var h interface{ Hint() string }
		if !errors.As(err, &h) || h.Hint() != "do this" {
			t.Errorf("%s: the hint was lost: %v", k.code, err)
		}
	}
	svc := &service{fail: errors.New("something else")}
	c, _ := start(t, svc, &rootPeer, nil)
	_, err := c.Status(t.Context())
	var e *Error
	if !errors.As(err, &e) || e.Code != "internal" || e.Message != "something else" {
		t.Errorf("unknown error crossed as %#v", err)
	}
}

// TestDocumented compares docs/control.md and the package comment with the
// code: no request and no error code may be missing there.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/control.md")
	if err != nil {
		t.Fatal(err)
	}
	comment, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range new(Server).routes() {
		if !bytes.Contains(page, []byte("`"+rt.method+" "+rt.pattern)) {
			t.Errorf("docs/control.md does not name %s %s", rt.method, rt.pattern)
		}
		pattern := strings.ReplaceAll(rt.pattern, "{action}", "{ham|spam|release|discard}")
		if !strings.Contains(strings.Join(strings.Fields(string(comment)), " "), rt.method+" "+pattern) {
			t.Errorf("the package comment does not name %s %s", rt.method, pattern)
		}
	}
	for _, k := range kinds {
		if row := fmt.Sprintf("| `%s` | %d", k.code, k.status); !bytes.Contains(page, []byte(row)) {
			t.Errorf("docs/control.md has no row %q", row)
		}
	}
}

// TestKeysDocumented: docs/control.md has, in its section, a row for every key of an explained
// score, of a held message and of stats.
func TestKeysDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/control.md")
	if err != nil {
		t.Fatal(err)
	}
	page, _, _ = bytes.Cut(page, []byte("\n## Errors"))
	before, stats, _ := bytes.Cut(page, []byte("\n### The answer of stats"))
	before, held, _ := bytes.Cut(before, []byte("\n### The answer of held"))
	_, score, _ := bytes.Cut(before, []byte("\n### The answer of score"))
	check := func(section []byte, answer ...any) {
		for _, v := range answer {
			typ := reflect.TypeOf(v)
			for _, field := range reflect.VisibleFields(typ) {
				if field.Anonymous {
					continue // its fields come by themselves
				}
				key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
				if !regexp.MustCompile("(?m)^\\|[^|]*`" + key + "`").Match(section) {
					t.Errorf("docs/control.md has no row for the key %q of %s", key, typ.Name())
				}
			}
		}
	}
	check(score, ScoreReply{}, Explanation{}, Piece{}, Clue{}, Source{})
	check(held, Held{})
	check(stats, Stats{}, Calibrator{}, Weights{}, Labels{}, Mislabel{}, Traffic{}, DayCount{}, DayRow{})
}
