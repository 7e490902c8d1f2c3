package delay

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"
)

// FileName is the name of the table's file in the data directory.
const FileName = "delayed"

const (
	format     = "fanmill delays 1\n"
	recordSize = len(Key{}) + 8 + 1
	sumSize    = 4
)

// flags of an entry in the file.
const (
	flagCounts = 1 << iota
	flagReturned
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// run writes the table while it changes, until Close.
func (t *Table) run(every time.Duration) {
	defer close(t.stopped)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			t.save()
		case <-t.stop:
			t.save()
			return
		}
	}
}

// Close writes the table a last time. What is remembered later is lost.
func (t *Table) Close() error {
	t.once.Do(func() { close(t.stop) })
	<-t.stopped
	return t.saveErr
}

// save writes the table if it has changed. A failure is logged when it begins and
// when it ends.
func (t *Table) save() {
	limits := t.o.Limits()
	t.mu.Lock()
	t.expire(t.o.Now().UnixNano(), limits.Max)
	if !t.dirty || t.o.Path == "" {
		t.mu.Unlock()
		return
	}
	b := t.encode()
	t.dirty = false
	t.mu.Unlock()
	err := replace(t.o.Path, b)
	switch {
	case err != nil && t.saveErr == nil:
		t.o.Logger.Error("cannot write the table of delayed mail, trying again", "err", err)
	case err == nil && t.saveErr != nil:
		t.o.Logger.Info("writing the table of delayed mail again")
	}
	if t.saveErr = err; err != nil {
		t.mu.Lock()
		t.dirty = true
		t.mu.Unlock()
	}
}

// replace writes a file under another name first, so that there is always a whole
// one.
func replace(path string, b []byte) error {
	begun := path + ".new"
	f, err := os.OpenFile(begun, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("write the table of delayed mail: %w", err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(begun, path)
	}
	if err != nil {
		return fmt.Errorf("write the table of delayed mail: %w", err)
	}
	return nil
}

func (t *Table) encode() []byte {
	b := make([]byte, 0, len(format)+len(t.order)*recordSize+sumSize)
	b = append(b, format...)
	for _, k := range t.order {
		e := t.of[k]
		b = append(b, k[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(e.first))
		var flags byte
		if e.counts {
			flags |= flagCounts
		}
		if e.returned {
			flags |= flagReturned
		}
		b = append(b, flags)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// load reads the file.
func (t *Table) load() {
	if t.o.Path == "" {
		return
	}
	b, err := read(t.o.Path, len(format)+t.most*recordSize+sumSize)
	if err == nil {
		err = t.decode(b)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.o.Logger.Debug("no mail is known to be delayed: there is no table of it yet", "path", t.o.Path)
	case err != nil:
		t.o.Logger.Warn("the table of delayed mail cannot be used and is begun anew: mail on its way may be delayed twice", "path", t.o.Path, "err", err)
	}
}

// read reads a file of at most so many bytes.
func read(path string, most int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err == nil && len(b) > most {
		err = fmt.Errorf("it has more than %d bytes", most)
	}
	return b, err
}

var errDamaged = errors.New("it is damaged")

func (t *Table) decode(b []byte) error {
	if len(b) < len(format)+sumSize || string(b[:len(format)]) != format {
		return errors.New("it is not in the format of this version")
	}
	body := b[:len(b)-sumSize]
	if binary.BigEndian.Uint32(b[len(body):]) != crc32.Checksum(body, castagnoli) {
		return errDamaged
	}
	records := body[len(format):]
	if len(records)%recordSize != 0 {
		return errDamaged
	}
	now := t.o.Now().UnixNano()
	for r := range slices.Chunk(records, recordSize) {
		k, flags := Key(r), r[recordSize-1]
		first := int64(binary.BigEndian.Uint64(r[len(k):]))
		if _, twice := t.of[k]; !twice {
			t.order = append(t.order, k)
		}
		// A time to come is that of a clock that was wrong.
		t.of[k] = entry{first: max(0, min(first, now)), counts: flags&flagCounts != 0, returned: flags&flagReturned != 0}
	}
	slices.SortStableFunc(t.order, func(a, b Key) int { return cmp.Compare(t.of[a].first, t.of[b].first) })
	return nil
}
