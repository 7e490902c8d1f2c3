package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"fanmill/spool"
)

// Account follows messages by their recipients: every recipient is used once, so
// the message itself stays as it is. Safe for concurrent use.
type Account struct {
	mu   sync.Mutex
	sent map[string]Reply
	gone map[string]bool
}

// NewAccount returns an account of nothing.
func NewAccount() *Account {
	return &Account{sent: make(map[string]Reply), gone: make(map[string]bool)}
}

// Sent records the last reply for a recipient.
func (a *Account) Sent(recipient string, r Reply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent[recipient] = r
}

// Discarded records that a moderator threw the held mail for a recipient away.
func (a *Account) Discarded(recipient string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gone[recipient] = true
}

// Fate is where the mail for one recipient ended.
type Fate struct {
	Recipient string
	Reply     Reply        // what the client saw last
	Delivered []Delivery   // what the next hop took
	Held      []spool.Meta // what lies in the spool
	Discarded bool         // thrown away by a moderator
}

// Place names the fate in a word: rejected, delivered, held or discarded.
func (f Fate) Place() string {
	switch {
	case len(f.Held) > 0:
		return "held"
	case len(f.Delivered) > 0:
		return "delivered"
	case f.Reply.Code/100 == 5:
		return "rejected"
	case f.Discarded:
		return "discarded"
	}
	return "nowhere"
}

// Fault says what is wrong with the fate, nil when the mail is in exactly one
// place and the client was told the truth.
func (f Fate) Fault() error {
	var wrong []string
	if f.Place() == "nowhere" {
		wrong = append(wrong, "lost")
	}
	if len(f.Held) > 1 {
		wrong = append(wrong, fmt.Sprintf("held %d times", len(f.Held)))
	}
	if len(f.Delivered) > 1 {
		wrong = append(wrong, fmt.Sprintf("delivered %d times", len(f.Delivered)))
	}
	if len(f.Held) > 0 && len(f.Delivered) > 0 {
		wrong = append(wrong, "held and delivered")
	}
	if f.Discarded && len(f.Held)+len(f.Delivered) > 0 {
		wrong = append(wrong, "discarded but "+f.Place())
	}
	if !f.Reply.OK() && len(f.Held)+len(f.Delivered) > 0 {
		wrong = append(wrong, "not taken but "+f.Place())
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("mail for %s (last reply %v): %s", f.Recipient, f.Reply, strings.Join(wrong, ", "))
}

// Settle looks up every recipient at the sink and in the spool below the data
// directory. The error joins the faults of all; mail nobody sent is a fault too.
func (a *Account) Settle(sink *Sink, data string) ([]Fate, error) {
	held, err := HeldByRecipient(data)
	if err != nil {
		return nil, err
	}
	delivered := sink.ByRecipient()
	a.mu.Lock()
	defer a.mu.Unlock()
	var faults []error
	fates := make([]Fate, 0, len(a.sent))
	for _, r := range slices.Sorted(maps.Keys(a.sent)) {
		f := Fate{Recipient: r, Reply: a.sent[r], Delivered: delivered[r], Held: held[r], Discarded: a.gone[r]}
		fates = append(fates, f)
		faults = append(faults, f.Fault())
		delete(delivered, r)
		delete(held, r)
	}
	for r := range delivered {
		faults = append(faults, fmt.Errorf("mail for %s was delivered but never sent", r))
	}
	for r := range held {
		faults = append(faults, fmt.Errorf("mail for %s is held but was never sent", r))
	}
	return fates, errors.Join(faults...)
}

// Held lists the messages in the spool below the data directory, read from the
// files as design section 5 describes them, not through fanmill.
func Held(data string) ([]spool.Meta, error) {
	var list []spool.Meta
	for _, box := range []spool.Box{spool.Unsure, spool.Spam} {
		messages, err := filepath.Glob(filepath.Join(data, "spool", string(box), "*.msg"))
		if err != nil {
			return nil, fmt.Errorf("list held mail: %w", err)
		}
		for _, path := range messages {
			b, err := os.ReadFile(strings.TrimSuffix(path, ".msg") + ".json")
			if err != nil {
				return nil, fmt.Errorf("list held mail: %w", err)
			}
			var m spool.Meta
			if err := json.Unmarshal(b, &m); err != nil {
				return nil, fmt.Errorf("list held mail: %s: %w", path, err)
			}
			list = append(list, m)
		}
	}
	return list, nil
}

// HeldByRecipient maps every recipient to the held messages that name it.
func HeldByRecipient(data string) (map[string][]spool.Meta, error) {
	list, err := Held(data)
	if err != nil {
		return nil, err
	}
	m := make(map[string][]spool.Meta)
	for _, held := range list {
		for _, r := range held.Envelope.Recipients {
			m[r] = append(m[r], held)
		}
	}
	return m, nil
}
