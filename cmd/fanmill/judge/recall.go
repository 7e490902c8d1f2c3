package judge

import (
	"context"
	"errors"
	"fmt"
	"io"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/control"
	"fanmill/spool"
	"fanmill/store/history"
)

// Recall finds what is left of a message that has gone by: the message itself while
// the spool has it, else what the history keeps.
type Recall struct {
	History *history.History // nil: no mail has been seen yet
	Held    control.Lister   // nil: nothing is held
	Days    int              // for how long the history remembers
}

// message returns the message of q.ID as training takes it, and the box it is held
// in, "" where it is not. To forget a message its digest is enough.
func (r Recall) message(ctx context.Context, q control.LearnRequest, s *classify.Stream) (*classify.Message, string, error) {
	rec, err := r.record(ctx, q)
	if err != nil && (q.Own || !errors.Is(err, history.ErrNoRecord)) {
		return nil, "", err
	}
	m, box, heldErr := r.held(ctx, q.ID, s)
	switch {
	case !errors.Is(heldErr, spool.ErrNotHeld):
		return m, box, heldErr
	case err != nil:
		return nil, "", err
	case q.Class == "forget":
		return &classify.Message{Digest: rec.Digest}, "", nil
	}
	m, err = rec.Message()
	return m, "", trainInstead(err, q.Class)
}

// record looks the id up in the history.
func (r Recall) record(ctx context.Context, q control.LearnRequest) (rec history.Record, err error) {
	if r.History == nil {
		return rec, r.unknown(q)
	}
	_ = r.History.Flush(ctx) // what is on disk may do
	rec, err = r.History.Get(ctx, q.ID)
	if errors.Is(err, history.ErrNoRecord) || err == nil && q.Own && rec.Scope != q.Scope {
		return rec, r.unknown(q)
	}
	return rec, err
}

// unknown is the answer to an id that is not there, and to one that is not the
// peer's: whether it is there is none of his business.
func (r Recall) unknown(q control.LearnRequest) error {
	err := fmt.Errorf("%s: %w", q.ID, history.ErrNoRecord)
	if q.Own {
		err = fmt.Errorf("%s: %w for %s alone", q.ID, history.ErrNoRecord, q.Scope)
		return control.WithHint(err, "mail to several recipients is for administrators to learn by its id; with the message at hand: fanmill learn --%s --message FILE", q.Class)
	}
	return control.WithHint(err, "ids are remembered for %s; with the message at hand: fanmill learn --%s --message FILE", cli.Plural(r.Days, "day", "days"), q.Class)
}

func trainInstead(err error, class string) error {
	if err == nil {
		return nil
	}
	return control.WithHint(err, "with the message at hand: fanmill learn --%s --message FILE", class)
}

// held reads the message from the spool, which goes on holding it.
func (r Recall) held(ctx context.Context, id string, s *classify.Stream) (*classify.Message, string, error) {
	if r.Held == nil {
		return nil, "", spool.ErrNotHeld
	}
	h, err := r.Held.Show(ctx, id)
	if err != nil {
		return nil, "", err
	}
	pr, pw := io.Pipe()
	go func() { pw.CloseWithError(r.Held.Export(ctx, id, pw)) }()
	m, err := classify.Read(s, pr)
	pr.Close() // lets the writer go, should the reader have stopped early
	return m, string(h.Box), err
}
