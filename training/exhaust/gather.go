package exhaust

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"slices"
	"time"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/store/ledger"
	"fanmill/training"
	"fanmill/training/corpus"
)

// ErrBoth is the problem of a message that is given as ham and as spam: the label it
// was given first stands.
var ErrBoth = errors.New("was given with the other label before, which stands")

// Input is a path of mail, and the class of what is there.
type Input struct {
	Path  string
	Class store.Class

	items []item // what was read there, in order
}

// item is one message of an input.
type item struct {
	message *Message
	hash    uint64 // of its bytes as stored
}

// Sources say what to train.
type Sources struct {
	Scope        string
	Only         bool // leave the ledger out
	Inputs       []*Input
	Classify     classify.Options
	FeaturesOnly bool // the ledger shall not keep messages
	Corpus       corpus.Options
	Progress     func(n int) // messages so far; may be nil
}

// Collection is all that is to be trained, with features. Close it.
type Collection struct {
	Messages []*Message // in the order of training once Run has put them there

	src   Sources
	begun time.Time
	seed  maphash.Seed
	known map[classify.Digest]*entry
	text  *os.File // canonical forms of messages that the ledger does not have, one behind the other
	size  int64
}

// entry is where a message comes from.
type entry struct {
	Message
	was      store.Class // its label in the ledger; None: not there
	given    bool        // by an input
	person   bool        // gave the ledger's label
	offset   int64       // in text
	length   int
	complete bool
}

// Gather reads the ledger's labels and the inputs' messages, each of which is turned
// into features once. What waits in the ledger is among them. An input's label outranks
// the ledger's. What cannot be read goes to Sources.Corpus.Problem, and the rest goes on.
func Gather(ctx context.Context, db *store.DB, src Sources) (c *Collection, err error) {
	src.Classify.Keep = ledger.MaxMessage
	if src.Scope != "" || src.FeaturesOnly {
		src.Classify.Keep = 0
	}
	c = &Collection{src: src, begun: time.Now(), seed: maphash.MakeSeed(), known: map[classify.Digest]*entry{}}
	if c.text, err = os.CreateTemp("", "fanmill-exhaust-*"); err != nil {
		return nil, fmt.Errorf("make a file for messages: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
			c = nil
		}
	}()
	if err := os.Remove(c.text.Name()); err != nil { // nothing stays behind, however this ends
		return c, fmt.Errorf("make a file for messages: %w", err)
	}
	stream := classify.NewStream(src.Classify)
	if !src.Only {
		if err := c.ledger(ctx, db, stream); err != nil {
			return c, err
		}
	}
	for _, in := range src.Inputs {
		if err := c.input(ctx, db, stream, in); err != nil {
			return c, err
		}
	}
	return c, nil
}

// Classes counts the messages.
func (c *Collection) Classes() (ham, spam int) {
	for _, m := range c.Messages {
		if m.Class == store.Spam {
			spam++
		}
	}
	return len(c.Messages) - spam, spam
}

// Close gives the space of messages back.
func (c *Collection) Close() error { return c.text.Close() }

func (c *Collection) add(e *entry) {
	c.known[e.Digest] = e
	c.Messages = append(c.Messages, &e.Message)
	if c.src.Progress != nil {
		c.src.Progress(len(c.Messages))
	}
}

// ledger takes in the labels of the scope.
func (c *Collection) ledger(ctx context.Context, db *store.DB, stream *classify.Stream) error {
	return db.Labelled(ctx, c.src.Scope, func(row *store.Row) error {
		e := &entry{Message: Message{Digest: row.Digest, Class: row.Class, Sure: row.Sure, Features: row.Features, Grams: row.Grams}, was: row.Class, person: !training.Automatic(row.Source)}
		if !row.Complete && (row.Features == nil || row.Grams == nil) {
			return nil // nothing is known of it any more
		}
		if row.Complete { // as it was when it was learned, but for lists that are kept
			stream.Reset()
			m := stream.Stored(row.Message)
			e.ID = m.MessageID
			if e.Features == nil {
				e.Features = slices.Clone(m.Features)
			}
			if e.Grams == nil {
				e.Grams = slices.Clone(m.Grams)
			}
		}
		c.add(e)
		return nil
	})
}

// input takes in the messages of a path.
func (c *Collection) input(ctx context.Context, db *store.DB, stream *classify.Stream, in *Input) error {
	in.items = nil
	return corpus.Walk(ctx, []string{in.Path}, c.src.Corpus, func(i corpus.Item) error {
		stream.Reset()
		m := stream.Stored(i.Raw)
		e := c.known[m.Digest]
		switch {
		case e == nil:
			e = &entry{Message: Message{
				Digest: m.Digest, Class: in.Class, ID: m.MessageID, Features: slices.Clone(m.Features), Grams: slices.Clone(m.Grams),
			}}
			row, found, err := db.Find(ctx, c.src.Scope, m.Digest)
			if err != nil {
				return err
			}
			if found {
				other := row.Class != in.Class && row.Class != store.None
				e.was, e.Sure = row.Class, row.Sure && row.Class == in.Class || other && !training.Automatic(row.Source)
			}
			if err := c.keep(e, m, found); err != nil {
				return err
			}
			c.add(e)
		case e.Class != in.Class && e.given:
			if c.src.Corpus.Problem != nil {
				c.src.Corpus.Problem(corpus.Problem{Source: i.Source, Err: ErrBoth})
			}
		case e.Class != in.Class:
			e.Class, e.Sure = in.Class, e.person // a person changes what a person said
		}
		c.known[m.Digest].given = true
		in.items = append(in.items, item{&e.Message, maphash.Bytes(c.seed, i.Raw)})
		return nil
	})
}

// Text returns the canonical form of a message, nil when only its features are kept.
func (c *Collection) Text(ctx context.Context, db *store.DB, m *Message) ([]byte, error) {
	e := c.known[m.Digest]
	if e.length > 0 {
		return c.message(e)
	}
	row, found, err := db.Find(ctx, c.src.Scope, m.Digest)
	if err != nil || !found {
		return nil, err
	}
	row, err = db.Load(ctx, row.ID)
	return row.Message, err
}

// keep puts the canonical form of a message that the ledger lacks aside.
func (c *Collection) keep(e *entry, m *classify.Message, found bool) error {
	if found || len(m.Canonical) == 0 {
		return nil
	}
	if _, err := c.text.Write(m.Canonical); err != nil {
		return fmt.Errorf("keep a message until the end: %w", err)
	}
	e.offset, e.length, e.complete = c.size, len(m.Canonical), m.Complete
	c.size += int64(len(m.Canonical))
	return nil
}

// message reads it back.
func (c *Collection) message(e *entry) ([]byte, error) {
	b := make([]byte, e.length)
	if _, err := c.text.ReadAt(b, e.offset); err != nil {
		return nil, fmt.Errorf("read a message back: %w", err)
	}
	return b, nil
}
