package control

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"fanmill/spool"
	"fanmill/store/query"
)

// route is one request the server knows. all is set where only peers with all
// rights may ask, changes where something is changed and therefore logged.
type route struct {
	method, pattern string
	all, changes    bool
	serve           func(w http.ResponseWriter, r *http.Request, p Peer) (any, error)
}

func (s *Server) routes() []route {
	return []route{
		{"POST", "/v1/score", false, false, s.score},
		{"POST", "/v1/learn", false, true, s.learn},
		{"POST", "/v1/settle", false, true, s.settle},
		{"POST", "/v1/undo", false, true, s.undo},
		{"GET", "/v1/held", true, false, s.list},
		{"GET", "/v1/held/{id}", true, false, s.show},
		{"GET", "/v1/held/{id}/message", true, false, s.export},
		{"POST", "/v1/held/{id}/{action}", true, true, s.decide},
		{"GET", "/v1/stats", true, false, s.stats},
		{"GET", "/v1/status", true, false, s.status},
		{"POST", "/v1/reload", true, true, s.reload},
	}
}

func (s *Server) handler() http.Handler {
	mux, paths := http.NewServeMux(), http.NewServeMux()
	for _, rt := range s.routes() {
		mux.HandleFunc(rt.method+" "+rt.pattern, func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, rt) })
		paths.HandleFunc(rt.pattern, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", rt.method)
			fail(w, http.StatusMethodNotAllowed, &Error{Code: "unknown", Message: fmt.Sprintf("%s is not known here: use %s", r.Method, rt.method)})
		})
	}
	paths.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, &Error{Code: "unknown", Message: fmt.Sprintf("%q is not known here", cut(r.URL.Path, 200))})
	})
	mux.Handle("/", paths) // what no method's pattern matches
	return mux
}

// answer does what all requests have in common: the peer's rights, the body's
// bound, JSON out, one log line.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, rt route) {
	began := time.Now()
	p, known := r.Context().Value(peerKey{}).(Peer)
	r.Body = http.MaxBytesReader(w, r.Body, s.o.MaxMessage)
	var reply any
	err := s.admit(rt, p, known)
	if err == nil {
		reply, err = rt.serve(w, r, p)
	}
	status := http.StatusOK
	switch {
	case errors.Is(err, errWritten):
		return
	case err != nil:
		var e *Error
		status, e = toWire(tooLarge(err))
		fail(w, status, e)
	case reply != nil:
		writeJSON(w, status, reply)
	}
	s.log(r, rt, p, status, err, time.Since(began))
}

func (s *Server) log(r *http.Request, rt route, p Peer, status int, err error, took time.Duration) {
	level := slog.LevelDebug
	if rt.changes || status >= 400 {
		level = slog.LevelInfo
	}
	attrs := []any{"method", rt.method, "path", cut(r.URL.Path, 100), "user", p.Name, "pid", p.PID, "status", status, "took", took}
	if status >= 500 { // the others are the peer's business, who has been told
		attrs = append(attrs, "error", err)
	}
	s.o.Logger.Log(r.Context(), level, "control request", attrs...)
}

func (s *Server) admit(rt route, p Peer, known bool) error {
	switch {
	case !known:
		return fmt.Errorf("%w: the system does not say who is asking", ErrForbidden)
	case rt.all && !s.o.Access.All(p):
		return WithHint(fmt.Errorf("%w: %s %s is not for %s", ErrForbidden, rt.method, rt.pattern, p.Name),
			"run it as root or as a member of the administrating group")
	}
	return nil
}

func fail(w http.ResponseWriter, status int, e *Error) {
	writeJSON(w, status, map[string]*Error{"error": e})
}

// tooLarge names the error that the body's bound gives.
func tooLarge(err error) error {
	var mb *http.MaxBytesError
	if errors.As(err, &mb) {
		return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, mb.Limit)
	}
	return err
}

func (s *Server) score(_ http.ResponseWriter, r *http.Request, p Peer) (any, error) {
	q := r.URL.Query()
	scope, err := s.o.Access.Scope(p, q.Get("scope"))
	if err != nil {
		return nil, err
	}
	clues, err := number(q, "clues", MaxClues)
	if err != nil {
		return nil, err
	}
	sources, err := number(q, "sources", MaxSources)
	if err != nil {
		return nil, err
	}
	if sources > 0 && !s.o.Access.All(p) { // they are the site's mail, with their subjects
		return nil, WithHint(fmt.Errorf("%w: the messages behind clues are not for %s", ErrForbidden, p.Name),
			"run it as root or as a member of the administrating group, or without sources")
	}
	return s.o.Judge.Score(r.Context(), ScoreRequest{Scope: scope, Clues: clues, Sources: sources, Path: q.Get("path")}, r.Body)
}

func (s *Server) learn(_ http.ResponseWriter, r *http.Request, p Peer) (any, error) {
	q := r.URL.Query()
	scope, err := s.o.Access.Scope(p, q.Get("scope"))
	if err != nil {
		return nil, err
	}
	class := q.Get("class")
	if class != "ham" && class != "spam" && class != "forget" {
		return nil, fmt.Errorf("%w: class is %q, want ham, spam or forget", ErrRequest, cut(class, 50))
	}
	many, err := flag(q, "many")
	if err != nil {
		return nil, err
	}
	id := q.Get("id")
	switch {
	case id != "" && !IsID(id):
		return nil, fmt.Errorf("%w: %q is no id of a message, want 16 characters 0-9 and a-z", ErrRequest, cut(id, 50))
	case id != "" && many:
		return nil, fmt.Errorf("%w: id and many cannot go together", ErrRequest)
	}
	// Ids stand in headers and answers for all to see: of those without all rights
	// each may only speak of mail that was judged by what he has taught.
	own := id != "" && !s.o.Access.All(p)
	return s.o.Judge.Learn(r.Context(), LearnRequest{Scope: scope, Class: class, Many: many, ID: id, Own: own, Actor: p.Name}, r.Body)
}

func (s *Server) settle(_ http.ResponseWriter, r *http.Request, p Peer) (any, error) {
	scope, err := s.o.Access.Scope(p, r.URL.Query().Get("scope"))
	if err != nil {
		return nil, err
	}
	return s.o.Judge.Settle(r.Context(), scope, p.Name)
}

func (s *Server) undo(_ http.ResponseWriter, r *http.Request, p Peer) (any, error) {
	q := r.URL.Query()
	u := UndoRequest{Selection: query.Selection{Actor: q.Get("actor"), Source: q.Get("source")}, By: p.Name}
	if q.Has("scope") {
		scope := q.Get("scope")
		u.Scope = &scope
	}
	var err error
	if u.N, err = number(q, "n", 1<<30); err != nil {
		return nil, err
	}
	if u.DryRun, err = flag(q, "dry_run"); err != nil {
		return nil, err
	}
	if since := q.Get("since"); since != "" {
		if u.Since, err = time.Parse(time.RFC3339Nano, since); err != nil {
			return nil, fmt.Errorf("%w: since is %q, want a time as RFC 3339 writes it", ErrRequest, cut(since, 50))
		}
	}
	if err := s.o.Access.undo(p, &u.Selection); err != nil {
		return nil, err
	}
	return s.o.Judge.Undo(r.Context(), u)
}

func (s *Server) list(_ http.ResponseWriter, r *http.Request, _ Peer) (any, error) {
	q := r.URL.Query()
	box, err := ParseBox(q.Get("box"))
	if err != nil {
		return nil, err
	}
	limit, err := number(q, "limit", 1<<30)
	if err != nil {
		return nil, err
	}
	held, err := s.o.Desk.List(r.Context(), Filter{Box: box, Limit: limit})
	if held == nil {
		held = []spool.Meta{}
	}
	return map[string]any{"held": held}, err
}

func (s *Server) show(_ http.ResponseWriter, r *http.Request, _ Peer) (any, error) {
	id, err := idOf(r)
	if err != nil {
		return nil, err
	}
	return s.o.Desk.Show(r.Context(), id)
}

func (s *Server) decide(_ http.ResponseWriter, r *http.Request, p Peer) (any, error) {
	id, err := idOf(r)
	if err != nil {
		return nil, err
	}
	action := r.PathValue("action")
	if !IsAction(action) {
		return nil, fmt.Errorf("%w: %q is no decision, want ham, spam, release or discard", ErrRequest, cut(action, 50))
	}
	again, err := flag(r.URL.Query(), "again")
	if err != nil {
		return nil, err
	}
	return s.o.Desk.Decide(r.Context(), Decision{ID: id, Action: action, Again: again, Actor: p.Name})
}

// flag reads a parameter that is true or left out.
func flag(q url.Values, name string) (bool, error) {
	v := q.Get(name)
	if v != "" && v != "true" {
		return false, fmt.Errorf("%w: %s is %q, want true", ErrRequest, name, cut(v, 50))
	}
	return v == "true", nil
}

// errWritten says that a handler has written its answer itself.
var errWritten = errors.New("answer written")

func (s *Server) export(w http.ResponseWriter, r *http.Request, _ Peer) (any, error) {
	id, err := idOf(r)
	if err != nil {
		return nil, err
	}
	out := &lazyBody{w: w}
	if err := s.o.Desk.Export(r.Context(), id, out); err != nil {
		if !out.begun {
			return nil, err
		}
		// The status is out: only a broken connection can tell the client.
		s.o.Logger.Error("export of a held message broke off", "id", id, "error", err)
		panic(http.ErrAbortHandler)
	}
	if !out.begun {
		_, _ = out.Write(nil)
	}
	return nil, errWritten
}

// lazyBody sets the content type with the first byte, so that an error before
// it can still be answered as one.
type lazyBody struct {
	w     http.ResponseWriter
	begun bool
}

func (l *lazyBody) Write(p []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.w.Header().Set("Content-Type", "application/mbox")
	}
	return l.w.Write(p)
}

var _ io.Writer = (*lazyBody)(nil)

func (s *Server) stats(_ http.ResponseWriter, r *http.Request, _ Peer) (any, error) {
	q := r.URL.Query()
	days, err := number(q, "days", 100000)
	if err != nil {
		return nil, err
	}
	mislabels, err := number(q, "mislabels", MaxMislabels)
	if err != nil {
		return nil, err
	}
	scope := q.Get("scope")
	if err := CheckScope(scope); err != nil {
		return nil, err
	}
	return s.o.Keeper.Stats(r.Context(), StatsRequest{Scope: scope, Days: days, Mislabels: mislabels})
}

func (s *Server) status(_ http.ResponseWriter, r *http.Request, _ Peer) (any, error) {
	return s.o.Keeper.Status(r.Context())
}

func (s *Server) reload(_ http.ResponseWriter, r *http.Request, _ Peer) (any, error) {
	return s.o.Keeper.Reload(r.Context())
}

// CheckScope refuses what can be no scope's name: names go into the ledger and
// onto terminals. "" is the site.
func CheckScope(s string) error {
	if len(s) > 255 || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		return fmt.Errorf("%w: %q is no name of a scope, want at most 255 bytes of printable text", ErrRequest, cut(s, 50))
	}
	return nil
}

// ParseBox reads a box's name; "" is allowed.
func ParseBox(s string) (spool.Box, error) {
	switch b := spool.Box(s); b {
	case "", spool.Unsure, spool.Spam, spool.Copy:
		return b, nil
	}
	return "", fmt.Errorf("%w: %q is no box, want unsure, spam or copy", ErrRequest, cut(s, 50))
}

// idOf returns the id in the path when it looks like one: it becomes part of a
// file name.
func idOf(r *http.Request) (string, error) {
	id := r.PathValue("id")
	if !IsID(id) {
		return "", fmt.Errorf("%w: %q is no id of a held message", spool.ErrNotHeld, cut(id, 50))
	}
	return id, nil
}

// IsID tells whether s has an id's form: 16 characters of [0-9a-z].
func IsID(s string) bool {
	if len(s) != 16 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

func number(q url.Values, key string, most int) (int, error) {
	v := q.Get(key)
	if v == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("%w: %s is %q, want a number from 0 to %d", ErrRequest, key, cut(v, 50), most)
	}
	return n, nil
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}
