package review

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"fanmill/headers"
	"fanmill/review/safetext"
	"fanmill/spool"
	"fanmill/submit"
)

// release hands the message on and writes down how that ended.
func (w *work) release(ctx context.Context) error {
	o, err := w.options()
	if err != nil {
		return err
	}
	begin := w.spool.BeginRelease
	if w.again {
		begin = w.spool.ForceRelease
	}
	if err := begin(w.ID); err != nil {
		return err
	}
	msg, err := w.spool.MessageReader(w.ID)
	if err != nil {
		return errors.Join(err, w.spool.EndRelease(w.ID, false))
	}
	defer msg.Close()
	token, err := w.spool.ReleaseToken(w.ID)
	if err != nil {
		return errors.Join(err, w.spool.EndRelease(w.ID, false))
	}
	marked := io.MultiReader(strings.NewReader(headers.Release+": "+token+"\r\n"), msg)
	r, sendErr := w.o.Sender.Send(ctx, w.m.Envelope.Sender, w.m.Envelope.Recipients, o, marked)
	w.took(r)
	h := spool.Handover{Accepted: r.Accepted, Doubt: w.InDoubt, Queued: r.Queued}
	if err := w.spool.FinishRelease(w.ID, h); err != nil {
		// What was sent is sent; the spool says that it is in doubt.
		w.InDoubt = true
		return errors.Join(sendErr, fmt.Errorf("sent to %d recipients, but not written down: %w", len(r.Accepted), err))
	}
	w.Gone = len(r.Accepted) > 0 && len(r.Refused) == 0
	if sendErr == nil && !w.Gone {
		sendErr = fmt.Errorf("%d of %d recipients were not served: %w", len(r.Refused), len(w.m.Envelope.Recipients), &r.Refused[0])
	}
	return sendErr
}

// took puts the next hop's answers into the decision.
func (w *work) took(r submit.Result) {
	for _, a := range r.Accepted {
		w.Released = append(w.Released, safetext.Line(a, maxAddress))
	}
	for i := range r.Refused {
		e := &r.Refused[i]
		w.InDoubt = w.InDoubt || e.Class == submit.Unknown
		w.Refused = append(w.Refused, Refusal{
			Recipient: safetext.Line(e.Recipient, maxAddress), Class: e.Class, Text: safetext.Line(e.Error(), maxLine),
		})
	}
}

// options finds out which extensions the message needs: by what its client said
// of it, and by its bytes, since not every client says it.
func (w *work) options() (submit.Options, error) {
	var o submit.Options
	for _, arg := range strings.Fields(strings.ToUpper(w.m.Envelope.MailArgs)) {
		o.SMTPUTF8 = o.SMTPUTF8 || arg == "SMTPUTF8"
		o.Body8Bit = o.Body8Bit || arg == "BODY=8BITMIME"
	}
	if o.Body8Bit {
		return o, nil
	}
	msg, err := w.spool.MessageReader(w.ID)
	if err != nil {
		return o, err
	}
	defer msg.Close()
	o.Body8Bit, err = has8Bit(msg)
	return o, err
}

func has8Bit(r io.Reader) (bool, error) {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		for _, c := range buf[:n] {
			if c >= 0x80 {
				return true, nil
			}
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read message: %w", err)
		}
	}
}
