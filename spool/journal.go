package spool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	lockWait     = 10 * time.Second // longest wait for other processes' writes
	compactSlack = 256              // lines a journal may have beyond twice what is alive
	expireEvery  = time.Hour
)

// journal follows the journal file and holds its content.
type journal struct {
	name string
	age  time.Duration
	log  *slog.Logger

	mu     sync.RWMutex
	file   *os.File    // kept open, so that its inode number is not used again
	info   os.FileInfo // identity of file
	offset int64       // end of the last whole line taken in
	size   int64       // size at that time: more than offset behind a torn line
	lines  int
	x      index
	sick   bool // reading failed and that was logged

	renew   bool      // writers only: a write went wrong, next time to a new file
	expired time.Time // writers only: when old tombstones were last forgotten
}

func (j *journal) open(name string, age time.Duration, log *slog.Logger) {
	j.name, j.age, j.log, j.x = name, age, log, newIndex()
}

func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}

// follow takes in what other processes have written. It costs one stat when
// there is nothing new. When the journal cannot be read, what is known stays in
// force; that is logged once.
func (s *Spool) follow() {
	j := &s.j
	fi, err := os.Stat(j.name)
	if err == nil {
		j.mu.RLock()
		same := j.info != nil && os.SameFile(fi, j.info) && fi.Size() == j.size
		j.mu.RUnlock()
		if same {
			return
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	err = j.refresh()
	if err != nil && !j.sick {
		j.log.Error("spool journal cannot be followed, going on with what is known", "err", err)
	}
	j.sick = err != nil
}

// refresh reads the journal from where it was left, or anew when it is another
// file or was cut. The caller holds mu.
func (j *journal) refresh() error {
	f, err := os.Open(j.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the next writer makes one, from what is in memory
	}
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	fi, err := f.Stat()
	if err != nil {
		f.Close()
		return fmt.Errorf("stat journal: %w", err)
	}
	if j.info != nil && os.SameFile(fi, j.info) && fi.Size() >= j.offset {
		f.Close()
	} else {
		j.turn(f, fi)
	}
	return j.read()
}

// turn begins anew with another file.
func (j *journal) turn(f *os.File, fi os.FileInfo) {
	if j.file != nil {
		j.file.Close()
	}
	j.file, j.info, j.offset, j.size, j.lines, j.x = f, fi, 0, 0, 0, newIndex()
}

func (j *journal) read() error {
	// One byte before: after a cut (a write that failed) the file may have grown
	// again past the offset, and then the offset is not behind a line any more.
	start := max(0, j.offset-1)
	raw, err := io.ReadAll(io.NewSectionReader(j.file, start, 1<<62))
	if err == nil && j.offset > 0 && (len(raw) == 0 || raw[0] != '\n') {
		j.offset, j.lines, j.x = 0, 0, newIndex()
		start = 0
		raw, err = io.ReadAll(io.NewSectionReader(j.file, 0, 1<<62))
	}
	if err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	raw = raw[j.offset-start:]
	j.size = j.offset + int64(len(raw))
	for {
		i := bytes.IndexByte(raw, '\n')
		if i < 0 {
			return nil // a line without an end is torn, or still being written
		}
		var l line
		if err := json.Unmarshal(raw[:i], &l); err == nil && checkID(l.ID) == nil {
			j.x.apply(l)
		} else {
			j.log.Warn("spool journal has a line that cannot be read", "offset", j.offset, "err", err)
		}
		raw, j.offset, j.lines = raw[i+1:], j.offset+int64(i)+1, j.lines+1
	}
}

// locked runs f as the only writer of all processes, with the index up to date.
func (s *Spool) locked(f func() error) error {
	s.writer.Lock()
	defer s.writer.Unlock()
	if err := waitFlock(s.lock); err != nil {
		return fmt.Errorf("lock spool: %w", err)
	}
	defer flock(s.lock, syscall.LOCK_UN)
	s.j.mu.Lock()
	err := s.j.refresh()
	s.j.mu.Unlock()
	if err != nil {
		return err
	}
	return f()
}

// waitFlock polls, since a blocking flock could not be given up.
func waitFlock(f *os.File) error {
	end := time.Now().Add(lockWait)
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, 10*time.Millisecond) {
		err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("another process has held it for %v", lockWait)
		}
		time.Sleep(pause)
	}
}

// append writes one line and fsyncs it; then it is in force. The lock is held.
func (s *Spool) append(l line) error {
	j := &s.j
	l.Time = time.Now().UTC()
	if time.Since(j.expired) > expireEvery {
		s.expire()
	}
	if err := s.compact(j.renew || !exists(j.name)); err != nil {
		return err
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode journal line: %w", err)
	}
	if err := s.write(append(raw, '\n')); err != nil {
		j.renew = true
		return fmt.Errorf("write journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.refresh()
}

func (s *Spool) write(raw []byte) error {
	f, err := s.o.FS.Append(s.j.name)
	if err != nil {
		return err
	}
	defer f.Close()
	end, torn := s.j.end()
	if torn { // by a writer that was killed
		if err := f.Truncate(end); err != nil {
			return err
		}
	}
	err = writeAll(f, raw)
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		// Nobody may act on a line that was not acknowledged. If this fails
		// too the line may stay, and then stands for all processes.
		err = errors.Join(err, f.Truncate(end))
	}
	return err
}

// compact writes the journal anew, without what is no longer needed, when it
// must or when that has become worthwhile. The lock is held.
func (s *Spool) compact(must bool) error {
	j := &s.j
	if !must && !j.wasteful() {
		return nil
	}
	s.expire()
	name := filepath.Join(s.tmp(), "journal-"+s.NewID())
	f, err := s.o.FS.Create(name, 0o660)
	if err != nil {
		return fmt.Errorf("write journal anew: %w", err)
	}
	defer f.Close()
	err = writeAll(f, j.dump())
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = s.o.FS.Rename(name, j.name)
	}
	if err != nil {
		return fmt.Errorf("write journal anew: %w", errors.Join(err, s.o.FS.Remove(name)))
	}
	if err := s.o.FS.SyncDir(s.dir); err != nil {
		j.renew = true
		return fmt.Errorf("sync journal's directory: %w", err)
	}
	j.renew = false
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.refresh()
}

// end returns where the whole lines end, and whether a torn one follows.
func (j *journal) end() (offset int64, torn bool) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.offset, j.size > j.offset
}

// wasteful reports whether the file is much longer than what it says.
func (j *journal) wasteful() bool {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.lines > 2*len(j.x.byID)+compactSlack
}

// dump returns the index as journal lines, oldest message first.
func (j *journal) dump() []byte {
	j.mu.RLock()
	defer j.mu.RUnlock()
	all := make([]*line, 0, len(j.x.byID))
	for _, l := range j.x.byID {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *line) int { return strings.Compare(a.ID, b.ID) })
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for _, l := range all {
		if err := enc.Encode(l); err != nil {
			j.log.Error("spool journal line cannot be written", "id", l.ID, "err", err)
		}
	}
	return out.Bytes()
}

// expire forgets tombstones that are old enough, and releases of messages that
// were taken out of the spool by hand.
func (s *Spool) expire() {
	s.j.mu.Lock()
	defer s.j.mu.Unlock()
	s.j.expired = time.Now()
	for id, l := range s.j.x.byID {
		if l.Op != opHeld && s.j.old(l) && !exists(s.path(l.Box, id, ".msg")) {
			s.j.x.drop(id)
		}
	}
}

func (j *journal) old(l *line) bool { return time.Since(l.Time) > j.age }

// get returns a copy of what is known under the id.
func (j *journal) get(id string) (line, bool) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if l, ok := j.x.byID[id]; ok {
		return *l, true
	}
	return line{}, false
}

func (j *journal) has(id string) bool {
	_, ok := j.get(id)
	return ok
}

func (j *journal) decided(id string) bool {
	l, ok := j.get(id)
	return ok && l.ended()
}

// remaining returns those of the recipients that still wait.
func (j *journal) remaining(id string, recipients []string) []string {
	l, ok := j.get(id)
	if !ok || l.Rest == nil {
		return recipients
	}
	return slices.DeleteFunc(slices.Clone(recipients), func(a string) bool {
		_, waits := slices.BinarySearch(l.Rest, addressKey(a))
		return !waits
	})
}

// ofDigest returns what is known of a digest and has not expired.
func (j *journal) ofDigest(digest string) []line {
	j.mu.RLock()
	defer j.mu.RUnlock()
	var lines []line
	for _, l := range j.x.byDigest[digest] {
		if !l.ended() || !j.old(l) {
			lines = append(lines, *l)
		}
	}
	return lines
}

// sameKey returns what is known of a message with the digest and envelope of l.
func (j *journal) sameKey(l line) []line {
	return slices.DeleteFunc(j.ofDigest(l.Digest), func(k line) bool { return !k.sameKey(l.From, l.To) })
}
