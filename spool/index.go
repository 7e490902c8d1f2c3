package spool

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// op is what a journal line says; all but opBack and opGone are also states.
type op string

const (
	opHeld      op = "held"
	opReleasing op = "releasing"
	opDoubt     op = "doubt"
	opBack      op = "back" // the release failed: held again
	opQueued    op = "queued"
	opReleased  op = "released"
	opDiscarded op = "discarded"
	opGone      op = "gone" // the hold failed after its line was written
)

// line is one line of the journal and one entry of the index. Each line is
// complete in itself. Addresses stand in it as short hashes: a line has a
// bounded size, no hostile text, and a tombstone keeps no addresses.
type line struct {
	Time   time.Time `json:"time"`
	Op     op        `json:"op"`
	ID     string    `json:"id"`
	Box    Box       `json:"box"`
	Digest string    `json:"digest,omitempty"`
	From   string    `json:"from"`
	To     []string  `json:"to"`              // recipients it was held for, sorted
	Rest   []string  `json:"rest,omitempty"`  // those still waiting, when it is not all of To
	Token  string    `json:"token,omitempty"` // what a release goes out with
}

// newLine begins the story of a message.
func newLine(o op, m Meta) line {
	l := line{Time: time.Now().UTC(), Op: o, ID: m.ID, Box: m.Box, Digest: m.Digest}
	l.From, l.To = addressKey(m.Envelope.Sender), addressKeys(m.Envelope.Recipients)
	return l
}

// addressKey is the hash of an address with its domain in lower case.
func addressKey(address string) string {
	a := strings.TrimSuffix(strings.TrimPrefix(address, "<"), ">")
	if at := strings.LastIndexByte(a, '@'); at >= 0 {
		a = a[:at] + strings.ToLower(a[at:])
	}
	sum := sha256.Sum256([]byte(a))
	return hex.EncodeToString(sum[:12])
}

func addressKeys(addresses []string) []string {
	keys := make([]string, 0, len(addresses))
	for _, a := range addresses {
		keys = append(keys, addressKey(a))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// ended reports whether a decision stands: only a tombstone is left.
func (l *line) ended() bool {
	return l.Op == opReleased || l.Op == opQueued || l.Op == opDiscarded
}

// passes reports whether copies of ours may be on their way through our milter.
func (l *line) passes() bool {
	return l.Op == opReleasing || l.Op == opDoubt || l.Op == opQueued
}

// waiting returns the keys of the recipients that are not served yet.
func (l *line) waiting() []string {
	if l.Rest != nil {
		return l.Rest
	}
	return l.To
}

func (l *line) sameKey(from string, to []string) bool {
	return l.From == from && slices.Equal(l.To, to)
}

// covers reports whether all of to are among the waiting.
func (l *line) covers(to []string) bool { return among(to, l.waiting()) }

// among reports whether there is anything in keys and all of it in sorted.
func among(keys, sorted []string) bool {
	for _, k := range keys {
		if _, ok := slices.BinarySearch(sorted, k); !ok {
			return false
		}
	}
	return len(keys) > 0
}

// index is the journal's content in memory.
type index struct {
	byID     map[string]*line
	byDigest map[string][]*line
}

func newIndex() index {
	return index{byID: map[string]*line{}, byDigest: map[string][]*line{}}
}

// apply takes in one line of the journal.
func (x *index) apply(l line) {
	x.drop(l.ID)
	switch l.Op {
	case opGone:
		return
	case opBack:
		l.Op = opHeld
	case opHeld, opReleasing, opDoubt, opQueued, opReleased, opDiscarded:
	default:
		return // a word of a later version
	}
	x.byID[l.ID] = &l
	if l.Digest != "" && l.Box != Copy {
		x.byDigest[l.Digest] = append(x.byDigest[l.Digest], &l)
	}
}

func (x *index) drop(id string) {
	old, ok := x.byID[id]
	if !ok {
		return
	}
	delete(x.byID, id)
	same := slices.DeleteFunc(x.byDigest[old.Digest], func(l *line) bool { return l == old })
	if len(same) == 0 {
		delete(x.byDigest, old.Digest)
	} else {
		x.byDigest[old.Digest] = same
	}
}

// Seen tells what the spool knows of a message that arrives: the digest of its
// canonical form in hexadecimal and its envelope; and the id of the message it
// is the same as. The order of recipients and the case of domains do not matter.
func (s *Spool) Seen(digest, sender string, recipients []string) (State, string) {
	if digest == "" {
		return Unknown, ""
	}
	s.follow()
	from, to := addressKey(sender), addressKeys(recipients)
	lines := s.j.ofDigest(digest)
	for _, l := range lines {
		if l.passes() && l.covers(to) {
			return Releasing, l.ID
		}
	}
	decided := ""
	for _, l := range lines {
		switch {
		case !l.sameKey(from, to):
		case l.ended():
			decided = l.ID
		case exists(s.path(l.Box, l.ID, ".msg")): // else the hold never came to its commit point
			return Held, l.ID
		}
	}
	if decided != "" {
		return Decided, decided
	}
	return Unknown, ""
}

// SeenPart returns those of the recipients for whom the message was held before,
// together or not: their copies are in the spool or were decided about, also
// when others of that transaction were not held.
func (s *Spool) SeenPart(digest, sender string, recipients []string) []string {
	if digest == "" {
		return nil
	}
	s.follow()
	from := addressKey(sender)
	lines := slices.DeleteFunc(s.j.ofDigest(digest), func(l line) bool {
		return l.From != from || !l.ended() && !exists(s.path(l.Box, l.ID, ".msg"))
	})
	var part []string
	for _, r := range recipients {
		key := addressKey(r)
		if slices.ContainsFunc(lines, func(l line) bool { return slices.Contains(l.To, key) }) {
			part = append(part, r)
		}
	}
	return part
}

// SeenRelease returns the id of the message that is being released with this
// token, for some of its recipients. An MTA may change a message before its
// milter sees it again (another client, fields that were missing, addresses
// without a domain), so its digest alone does not tell. Once it was released, a
// next hop that queues may still send it back through our milter: then token
// and digest must both be right, since the token has left the house.
func (s *Spool) SeenRelease(token, digest string, recipients []string) (id string, ok bool) {
	if len(token) <= idLen {
		return "", false
	}
	s.follow()
	l, ok := s.j.get(token[:idLen])
	if !ok || l.Token != token {
		return "", false
	}
	to := addressKeys(recipients)
	return l.ID, l.passes() && l.covers(to) || l.Op == opReleased && l.Digest == digest && among(to, l.To)
}
