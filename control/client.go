package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"fanmill/spool"
	"fanmill/training"
)

// maxAnswer bounds an answer: a list of a million held messages is longer, and
// a client that wants it asks with a limit.
const maxAnswer = 512 << 20

// Client talks to the daemon of one data directory.
type Client struct {
	path string
	http *http.Client
}

var (
	_ Judge  = (*Client)(nil)
	_ Desk   = (*Client)(nil)
	_ Keeper = (*Client)(nil)
)

// Dial returns a client of the daemon that runs on the data directory. It is
// ErrNoDaemon when none answers there; a daemon whose socket is closed to the
// caller is another error (fs.ErrPermission).
func Dial(ctx context.Context, dir string) (*Client, error) {
	path := filepath.Join(dir, SocketName)
	c := &Client{path: path, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
		MaxIdleConnsPerHost: 4,
	}}}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, dialError(path, err)
	}
	return c, conn.Close()
}

// dialError says what a failed connect means. A path too long for a socket
// cannot have a daemon behind it.
func dialError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return WithHint(fmt.Errorf("connect to the daemon at %s: %w", path, fs.ErrPermission),
			"only root and the members of the daemon's group may talk to it")
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTDIR),
		errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOTSOCK):
		return fmt.Errorf("connect to %s: %w", path, ErrNoDaemon)
	}
	return fmt.Errorf("connect to the daemon at %s: %w", path, err)
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Score asks for the opinion of one message.
func (c *Client) Score(ctx context.Context, q ScoreRequest, msg io.Reader) (out ScoreReply, err error) {
	v := url.Values{}
	set(v, "scope", q.Scope)
	set(v, "path", cut(q.Path, 4000))
	setInt(v, "clues", q.Clues)
	setInt(v, "sources", q.Sources)
	err = c.call(ctx, http.MethodPost, "/v1/score", v, msg, &out)
	out.Path = q.Path
	return out, err
}

// Learn teaches one message. Own is for the server to set.
func (c *Client) Learn(ctx context.Context, q LearnRequest, msg io.Reader) (out LearnReply, err error) {
	v := url.Values{}
	set(v, "scope", q.Scope)
	set(v, "class", q.Class)
	setFlag(v, "many", q.Many)
	set(v, "id", q.ID)
	err = c.call(ctx, http.MethodPost, "/v1/learn", v, msg, &out)
	return out, err
}

// Settle learns what was recorded in a scope. Who asks is known to the server.
func (c *Client) Settle(ctx context.Context, scope, _ string) (out training.Settled, err error) {
	v := url.Values{}
	set(v, "scope", scope)
	err = c.call(ctx, http.MethodPost, "/v1/settle", v, nil, &out)
	return out, err
}

// Undo takes decisions back. Who asks is known to the server.
func (c *Client) Undo(ctx context.Context, q UndoRequest) (out UndoReply, err error) {
	v := url.Values{}
	set(v, "actor", q.Actor)
	set(v, "source", q.Source)
	setInt(v, "n", q.N)
	setFlag(v, "dry_run", q.DryRun)
	if q.Scope != nil {
		v.Set("scope", *q.Scope)
	}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	err = c.call(ctx, http.MethodPost, "/v1/undo", v, nil, &out)
	return out, err
}

// List lists held messages.
func (c *Client) List(ctx context.Context, f Filter) ([]spool.Meta, error) {
	v := url.Values{}
	set(v, "box", string(f.Box))
	setInt(v, "limit", f.Limit)
	var out struct{ Held []spool.Meta }
	err := c.call(ctx, http.MethodGet, "/v1/held", v, nil, &out)
	return out.Held, err
}

// Show shows one held message.
func (c *Client) Show(ctx context.Context, id string) (out Held, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/held/"+url.PathEscape(id), nil, nil, &out)
	return out, err
}

// Export writes one held message as an mboxrd.
func (c *Client) Export(ctx context.Context, id string, w io.Writer) error {
	resp, err := c.do(ctx, http.MethodGet, "/v1/held/"+url.PathEscape(id)+"/message", nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("read held message %s from the daemon: %w", id, err)
	}
	return nil
}

// Decide decides one held message. The daemon takes the actor from the socket.
func (c *Client) Decide(ctx context.Context, d Decision) (out Decided, err error) {
	v := url.Values{}
	setFlag(v, "again", d.Again)
	err = c.call(ctx, http.MethodPost, "/v1/held/"+url.PathEscape(d.ID)+"/"+url.PathEscape(d.Action), v, nil, &out)
	return out, err
}

// Stats asks how far training is.
func (c *Client) Stats(ctx context.Context, q StatsRequest) (out Stats, err error) {
	v := url.Values{}
	set(v, "scope", q.Scope)
	setInt(v, "days", q.Days)
	setInt(v, "mislabels", q.Mislabels)
	err = c.call(ctx, http.MethodGet, "/v1/stats", v, nil, &out)
	return out, err
}

// Status asks how the daemon fares.
func (c *Client) Status(ctx context.Context) (out Status, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/status", nil, nil, &out)
	return out, err
}

// Reload has the daemon read its configuration again.
func (c *Client) Reload(ctx context.Context) (out Reloaded, err error) {
	err = c.call(ctx, http.MethodPost, "/v1/reload", nil, nil, &out)
	return out, err
}

func (c *Client) call(ctx context.Context, method, path string, q url.Values, body io.Reader, out any) error {
	resp, err := c.do(ctx, method, path, q, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("read the daemon's answer to %s: %w", path, err)
	}
	return nil
}

// do sends a request and returns a 2xx answer; any other is an error.
func (c *Client) do(ctx context.Context, method, path string, q url.Values, body io.Reader) (*http.Response, error) {
	if body != nil {
		body = io.NopCloser(body) // the caller's reader stays open
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://fanmill"+path+"?"+q.Encode(), body)
	if err != nil {
		return nil, fmt.Errorf("ask the daemon: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the rest names a host that does not exist
		}
		return nil, fmt.Errorf("ask the daemon at %s: %w", c.path, err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, answerError(resp)
}

func answerError(resp *http.Response) error {
	var out struct{ Error *Error }
	err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&out)
	if err != nil || out.Error == nil {
		return fmt.Errorf("the daemon answers %s without saying why", resp.Status)
	}
	if out.Error.Hint != "" {
		return WithHint(out.Error, "%s", out.Error.Hint)
	}
	return out.Error
}

func set(v url.Values, key, value string) {
	if value != "" {
		v.Set(key, value)
	}
}

func setFlag(v url.Values, key string, on bool) {
	if on {
		v.Set(key, "true")
	}
}

func setInt(v url.Values, key string, n int) {
	if n != 0 {
		v.Set(key, strconv.Itoa(n))
	}
}
