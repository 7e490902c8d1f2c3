package corpus

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fanmill/store/disk"
)

// Reasons why a mailbox is not written.
var (
	ErrIsInput    = errors.New("is read from: a new mailbox never replaces an old one")
	ErrInInput    = errors.New("stands in a folder that is read from, and would be read with it the next time")
	ErrNotRegular = errors.New("is there already and is not a regular file")
)

// Mbox writes a new mailbox: mboxrd, LF line ends, an empty line behind each
// message. It is made under a hidden name beside its place, and stands there whole
// after Commit, or not at all. It is for one goroutine.
type Mbox struct {
	path  string
	force bool
	file  *os.File // nil: committed or discarded
	w     *bufio.Writer
	head  Head
	n     int
}

// CreateMbox begins a mailbox at path. What is there already is replaced only by
// force (fs.ErrExist), and never when it is one of the inputs, by whatever name,
// or no regular file; nor may the mailbox come to stand within an input folder.
func CreateMbox(ctx context.Context, path string, force bool, inputs []string) (*Mbox, error) {
	fail := func(err error) (*Mbox, error) { return nil, fmt.Errorf("write mailbox %s: %w", path, err) }
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return fail(reason(err))
	}
	m := &Mbox{path: filepath.Join(dir, filepath.Base(path)), force: force}
	if err := m.apart(ctx, inputs); err != nil {
		return fail(err)
	}
	if m.file, err = os.CreateTemp(dir, "."+filepath.Base(path)+".new-*"); err != nil {
		return fail(reason(err))
	}
	m.w = bufio.NewWriterSize(m.file, 256<<10)
	return m, nil
}

// apart checks what stands at the place of the new mailbox.
func (m *Mbox) apart(ctx context.Context, inputs []string) error {
	for _, input := range inputs {
		if holds(input, m.path) {
			return ErrInInput
		}
	}
	old, err := os.Stat(m.path) // of a link, what it leads to
	if err == nil {
		err = tree{}.visit(ctx, inputs, func(f file) error {
			if info, err := os.Stat(f.path); err == nil && !f.stdin && os.SameFile(old, info) {
				return ErrIsInput
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	switch old, err := os.Lstat(m.path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return reason(err)
	case !old.Mode().IsRegular():
		return ErrNotRegular
	case !m.force:
		return fs.ErrExist
	}
	return nil
}

// holds tells whether path stands somewhere below a folder.
func holds(folder, path string) bool {
	real, err := filepath.EvalSymlinks(folder)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	info, statErr := os.Stat(real)
	if err != nil || statErr != nil || !info.IsDir() {
		return false
	}
	rel, err := filepath.Rel(real, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// Path is where the mailbox will stand: absolute, links to its folder resolved.
func (m *Mbox) Path() string { return m.path }

// Len is how many messages were added.
func (m *Mbox) Len() int { return m.n }

// Add writes one message as Walk hands it on. What came from an mbox keeps its
// `From ` line and its quoting; to others a `From ` line is made from their
// sender and their date.
func (m *Mbox) Add(raw []byte) error {
	m.head.Read(raw)
	quoted := bytes.HasPrefix(raw, fromLine) // one more '>' would change the text
	if m.head.From == nil {
		m.head.From = []byte(newFromLine(&m.head))
	} else {
		_, raw = cutLine(raw)
	}
	m.line(m.head.From)
	for len(raw) > 0 {
		var line []byte
		line, raw = cutLine(raw)
		if !quoted && isFromLine(line) || bytes.HasPrefix(line, fromLine) {
			_ = m.w.WriteByte('>')
		}
		m.line(line)
	}
	m.line(nil)
	m.n++
	if _, err := m.w.Write(nil); err != nil { // a bufio.Writer remembers
		return fmt.Errorf("write mailbox %s: %w", m.path, err)
	}
	return nil
}

// line writes a line without the CRs at its end, which some programs double.
func (m *Mbox) line(b []byte) {
	_, _ = m.w.Write(bytes.TrimRight(b, "\r"))
	_ = m.w.WriteByte('\n')
}

// newFromLine makes a `From ` line: the sender's address, if it is a plain one,
// and the date of arrival in UTC.
func newFromLine(h *Head) string {
	sender := strings.Trim(h.Get("Return-Path"), "<>")
	if sender == "" || len(sender) > 254 || strings.ContainsFunc(sender, func(r rune) bool { return r <= ' ' || r > '~' }) {
		sender = "MAILER-DAEMON"
	}
	at := h.Arrived(time.Now())
	if at.IsZero() {
		at = time.Unix(0, 0)
	}
	return "From " + sender + " " + at.UTC().Format(time.ANSIC)
}

// Commit puts the mailbox in its place, synced to disk. After an error there is
// none.
func (m *Mbox) Commit() error {
	defer m.Discard()
	err := m.w.Flush()
	if err == nil {
		err = m.file.Sync()
	}
	if err == nil {
		err = m.place()
	}
	if err == nil {
		err = disk.SyncDir(filepath.Dir(m.path))
	}
	if err != nil {
		return fmt.Errorf("write mailbox %s: %w", m.path, reason(err))
	}
	return nil
}

// place gives the file its name. Without force that is a link, which fails when
// somebody else made a file of that name meanwhile.
func (m *Mbox) place() error {
	if m.force {
		return os.Rename(m.file.Name(), m.path)
	}
	return os.Link(m.file.Name(), m.path)
}

// Discard removes what was written, unless it was committed.
func (m *Mbox) Discard() {
	if m.file != nil {
		_ = m.file.Close()
		_ = os.Remove(m.file.Name()) // after a rename it is gone already
		m.file = nil
	}
}

// reason is the error without the path, which the caller names.
func reason(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
