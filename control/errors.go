package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"fanmill/spool"
	"fanmill/store/history"
)

// The errors that cross the socket. Wrap them to say what and where.
var (
	ErrNoDaemon  = errors.New("no daemon is running on this data directory")
	ErrRequest   = errors.New("bad request")
	ErrForbidden = errors.New("not permitted")
	ErrUnknown   = errors.New("unknown request")
	ErrTooLarge  = errors.New("message too large")
	ErrNextHop   = errors.New("the next hop did not take the message")
	ErrConfig    = errors.New("configuration not accepted")
	ErrBusy      = errors.New("try again later")
)

// kinds is the closed table of error codes: the code in the answer, the HTTP
// status, and the sentinel that is found again on the other side.
var kinds = []struct {
	code   string
	status int
	err    error
}{
	{"bad_request", http.StatusBadRequest, ErrRequest},
	{"forbidden", http.StatusForbidden, ErrForbidden},
	{"unknown", http.StatusNotFound, ErrUnknown},
	{"not_held", http.StatusNotFound, spool.ErrNotHeld},
	{"not_held", http.StatusNotFound, spool.ErrBadID},
	{"no_record", http.StatusNotFound, history.ErrNoRecord},
	{"no_features", http.StatusGone, history.ErrNoFeatures},
	{"claimed", http.StatusConflict, spool.ErrClaimed},
	{"in_doubt", http.StatusConflict, spool.ErrInDoubt},
	{"copy", http.StatusConflict, spool.ErrIsCopy},
	{"too_large", http.StatusRequestEntityTooLarge, ErrTooLarge},
	{"next_hop", http.StatusBadGateway, ErrNextHop},
	{"config", http.StatusUnprocessableEntity, ErrConfig},
	{"busy", http.StatusServiceUnavailable, ErrBusy},
	{"busy", http.StatusServiceUnavailable, context.Canceled},
}

// Error is an error as it crosses the socket.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the sentinel of the code, so that errors.Is works in a client.
func (e *Error) Unwrap() error {
	for _, k := range kinds {
		if k.code == e.Code {
			return k.err
		}
	}
	return nil
}

// hinted is an error with advice; Hints finds it.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// Hint returns the advice.
func (h hinted) Hint() string { return h.hint }

// WithHint adds advice, one line, to an error.
func WithHint(err error, format string, args ...any) error {
	return hinted{err, fmt.Sprintf(format, args...)}
}

// toWire turns an error into an HTTP status and what the answer carries. An
// error of no known kind is an internal one.
func toWire(err error) (int, *Error) {
	out := &Error{Code: "internal", Message: err.Error()}
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		out.Hint = h.Hint()
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			out.Code = k.code
			return k.status, out
		}
	}
	return http.StatusInternalServerError, out
}
