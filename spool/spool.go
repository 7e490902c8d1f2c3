package spool

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// What a caller branches on.
var (
	ErrNotHeld  = errors.New("no such message is held")
	ErrFull     = errors.New("spool is full")
	ErrClaimed  = errors.New("message is in work elsewhere")
	ErrInDoubt  = errors.New("an earlier release may have reached the next hop")
	ErrIsCopy   = errors.New("message was let through already, this is a copy")
	ErrNotBegun = errors.New("no release of the message has begun")
	ErrBadID    = errors.New("not an id (16 characters of a-z and 0-9)")
)

// Options set up a spool. The zero value is usable.
type Options struct {
	MinFree      int64         // bytes to be left free on the disk; below it holding is refused
	MemLimit     int           // bytes of a draft kept in memory; default 256 kB
	TombstoneAge time.Duration // how long a decision is remembered; default 5 days
	FS           FS            // default Disk
	Logger       *slog.Logger  // default: no log
}

func (o Options) withDefaults() Options {
	if o.MemLimit <= 0 {
		o.MemLimit = 256 << 10
	}
	if o.TombstoneAge <= 0 {
		o.TombstoneAge = 5 * 24 * time.Hour
	}
	if o.FS == nil {
		o.FS = Disk{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

var boxes = []Box{Unsure, Spam, Copy}

// Spool is a directory of held messages.
type Spool struct {
	dir string
	o   Options

	writer sync.Mutex // one writer in this process; taken before the lock file
	lock   *os.File
	j      journal

	claimed sync.Mutex
	claims  map[string]*claim
}

// Open opens the spool in dir and makes what is missing. It removes what dead
// processes left in tmp (drafts of living ones stay), finishes removals that
// were cut off, and marks releases whose process died as in doubt.
func Open(dir string, o Options) (*Spool, error) {
	s := &Spool{dir: dir, o: o.withDefaults(), claims: map[string]*claim{}}
	for _, d := range []string{dir, s.tmp(), s.box(Unsure), s.box(Spam), s.box(Copy)} {
		if err := makeDir(d); err != nil {
			return nil, fmt.Errorf("open spool: %w", err)
		}
	}
	lock, err := openShared(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	s.lock = lock
	s.j.open(filepath.Join(dir, "journal"), s.o.TombstoneAge, s.o.Logger)
	if err := s.locked(s.recover); err != nil {
		s.Close()
		return nil, fmt.Errorf("open spool %s: %w", dir, err)
	}
	return s, nil
}

// makeDir makes one directory with mode 2770; one that exists keeps its mode.
func makeDir(dir string) error {
	err := os.Mkdir(dir, 0o770)
	if errors.Is(err, fs.ErrExist) {
		fi, err := os.Stat(dir)
		if err == nil && !fi.IsDir() {
			err = fmt.Errorf("%s is not a directory", dir)
		}
		return err
	}
	if err != nil {
		return err
	}
	return os.Chmod(dir, 0o770|fs.ModeSetgid)
}

// openShared opens a file that every member of the group may write.
func openShared(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o660)
	if errors.Is(err, fs.ErrExist) {
		return os.OpenFile(name, os.O_RDWR, 0)
	}
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(0o660); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Close lets go of the files; held messages stay where they are.
func (s *Spool) Close() error {
	s.writer.Lock()
	defer s.writer.Unlock()
	return errors.Join(s.j.close(), s.lock.Close())
}

func (s *Spool) tmp() string      { return filepath.Join(s.dir, "tmp") }
func (s *Spool) box(b Box) string { return filepath.Join(s.dir, string(b)) }

// path names a file of a held message; ext is ".msg" or ".json".
func (s *Spool) path(b Box, id, ext string) string {
	return filepath.Join(s.dir, string(b), id+ext)
}

const (
	idLen     = 16
	idTimeLen = 9 // milliseconds since 1970 in base 36 fit until the year 5188
	idDigits  = "0123456789abcdefghijklmnopqrstuvwxyz"
)

// NewID returns a new id: the time, then 36 bits of chance.
func (s *Spool) NewID() string {
	ms := strconv.FormatInt(max(0, time.Now().UnixMilli()), 36)
	id := []byte(strings.Repeat("0", max(0, idTimeLen-len(ms))) + ms)
	for len(id) < idLen {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(idDigits))))
		if err != nil {
			panic("spool: no random numbers: " + err.Error()) // crypto/rand never fails since Go 1.24
		}
		id = append(id, idDigits[n.Int64()])
	}
	return string(id)
}

// checkID keeps anything but an id from becoming part of a path.
func checkID(id string) error {
	if len(id) != idLen || strings.Trim(id, idDigits) != "" {
		return fmt.Errorf("%.40q: %w", id, ErrBadID)
	}
	return nil
}

// Free returns the bytes that can still be written to the spool's disk.
func (s *Spool) Free() (int64, error) { return s.o.FS.Free(s.dir) }

// room refuses n more bytes when that would go below the floor.
func (s *Spool) room(n int64) error {
	free, err := s.Free()
	if err != nil {
		return err
	}
	if free-n < s.o.MinFree {
		return fmt.Errorf("%w: %d bytes free, %d to be written, %d to be left free", ErrFull, free, n, s.o.MinFree)
	}
	return nil
}

// record is ID.json: Meta and what it cannot carry.
type record struct {
	Meta
	NoNewline     bool     `json:"no_newline,omitempty"`     // the message did not end in a line end
	RawSender     []byte   `json:"raw_sender,omitempty"`     // when it is not UTF-8
	RawRecipients [][]byte `json:"raw_recipients,omitempty"` // when one of them is not UTF-8
}

func newRecord(m Meta, noNewline bool) record {
	r := record{Meta: m, NoNewline: noNewline}
	if !utf8.ValidString(m.Envelope.Sender) {
		r.RawSender = []byte(m.Envelope.Sender)
	}
	if slices.ContainsFunc(m.Envelope.Recipients, func(a string) bool { return !utf8.ValidString(a) }) {
		for _, a := range m.Envelope.Recipients {
			r.RawRecipients = append(r.RawRecipients, []byte(a))
		}
	}
	return r
}

// readRecord reads ID.json as it was written.
func (s *Spool) readRecord(b Box, id string) (record, error) {
	var r record
	raw, err := os.ReadFile(s.path(b, id, ".json"))
	if err != nil {
		return r, fmt.Errorf("read envelope of %s: %w", id, err)
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("read envelope of %s: %s: %w", id, s.path(b, id, ".json"), err)
	}
	r.ID, r.Box = id, b // the place is the truth
	if r.RawSender != nil {
		r.Envelope.Sender = string(r.RawSender)
	}
	if r.RawRecipients != nil {
		r.Envelope.Recipients = nil
		for _, a := range r.RawRecipients {
			r.Envelope.Recipients = append(r.Envelope.Recipients, string(a))
		}
	}
	return r, nil
}

// find returns the envelope of a message that is held and not yet decided,
// with the recipients that still wait for it.
func (s *Spool) find(id string) (record, error) {
	if err := checkID(id); err != nil {
		return record{}, err
	}
	s.follow()
	for _, b := range boxes {
		if _, err := os.Stat(s.path(b, id, ".msg")); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			return record{}, fmt.Errorf("find message %s: %w", id, err)
		}
		if s.j.decided(id) {
			break // only its removal is missing
		}
		r, err := s.readRecord(b, id)
		if err != nil {
			return record{}, err
		}
		r.Envelope.Recipients = s.j.remaining(id, r.Envelope.Recipients)
		return r, nil
	}
	return record{}, fmt.Errorf("%s: %w", id, ErrNotHeld)
}

// Get returns what is known of a held message; the recipients are those that
// still wait for it. The error is ErrNotHeld when it was decided or never was.
func (s *Spool) Get(id string) (Meta, error) {
	r, err := s.find(id)
	return r.Meta, err
}

// List returns the messages of a box, oldest first. A message whose ID.json
// cannot be read is left out and logged.
func (s *Spool) List(b Box) ([]Meta, error) {
	ids, err := s.ids(b, ".msg")
	if err != nil {
		return nil, fmt.Errorf("list spool: %w", err)
	}
	var list []Meta
	for _, id := range ids {
		m, err := s.Get(id)
		switch {
		case errors.Is(err, ErrNotHeld): // decided since
		case err != nil:
			s.o.Logger.Error("held message cannot be listed", "id", id, "err", err)
		default:
			list = append(list, m)
		}
	}
	return list, nil
}

// ids returns, sorted, the ids that have a file with this extension in the box.
func (s *Spool) ids(b Box, ext string) ([]string, error) {
	if !slices.Contains(boxes, b) {
		return nil, fmt.Errorf("%.40q is not a box (unsure, spam, copy)", b)
	}
	entries, err := os.ReadDir(s.box(b))
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), ext); ok && checkID(id) == nil {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// OpenMessage opens ID.msg as it lies on the disk.
func (s *Spool) OpenMessage(id string) (io.ReadCloser, error) {
	r, err := s.find(id)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(s.path(r.Box, id, ".msg"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", id, ErrNotHeld)
	}
	if err != nil {
		return nil, fmt.Errorf("open message: %w", err)
	}
	return f, nil
}
