package store

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"fanmill/classify"
	"fanmill/store/disk"
	"fanmill/store/sqlite"
)

const (
	snapshotMagic  = "fanmill model\r\n\x00"
	snapshotFormat = 4
	slotSize       = 16
	snapshotBuffer = 64 << 10
)

// snapHeader is the fixed part of a snapshot, as it lies in the file. The op's time
// tells a ledger that was put back from a backup and has gone on since.
type snapHeader struct {
	Magic       [16]byte
	Format      uint32
	Features    uint32 // feature version
	Shards      uint32
	Ledger      [16]byte
	Seq, OpTime int64
	Ham, Spam   int64 // labelled messages
	Waiting     int64 // of these
	HamAdds     uint32
	SpamAdds    uint32
	Imported    uint32 // of these, what another filter has counted
	HamZero     uint32 // counts of feature 0
	SpamZero    uint32
	Slots       uint64
	Weights     uint64 // of the linear part: 0 or classify.Buckets
}

var snapHeaderSize = int64(binary.Size(snapHeader{}))

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (db *DB) snapshotPath() string { return filepath.Join(db.opts.Dir, snapshotFile) }

// WriteSnapshot writes the site's model to model.snap. It waits for an update
// that is under way, and look-ups go on meanwhile.
func (db *DB) WriteSnapshot() error {
	ctx, cancel := context.WithTimeout(context.Background(), db.opts.Busy)
	defer cancel()
	if err := db.take(ctx); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	defer db.give()
	return db.writeSnapshot()
}

// saveSnapshot is writeSnapshot where a failure only means a slower start.
func (db *DB) saveSnapshot() {
	if db.opts.ReadOnly {
		return
	}
	if err := db.writeSnapshot(); err != nil {
		db.log.Warn("cannot save the model snapshot, the next start will be slower", "error", err)
	}
}

func (db *DB) writeSnapshot() error {
	if db.opts.ReadOnly {
		return fmt.Errorf("write snapshot: %w", sqlite.ErrReadOnly)
	}
	head, err := db.snapshotHeader()
	if err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	if !db.newerOnDisk(head) {
		disk.Sweep(db.opts.Dir, snapshotFile+".", "")
		if err := disk.Replace(db.snapshotPath(), func(w io.Writer) error { return db.mem.site.write(w, head) }); err != nil {
			return fmt.Errorf("write snapshot: %w", err)
		}
	}
	db.unsaved = 0
	return nil
}

// snapshotHeader describes the model as it is. It reads without the lock: only
// the holder of the turn changes the model.
func (db *DB) snapshotHeader() (*snapHeader, error) {
	seq := db.seq.Load()
	opTime, err := db.w.Integer("SELECT time FROM op WHERE seq = ?", seq)
	if err != nil {
		return nil, err
	}
	site := &db.mem.site
	h := &snapHeader{
		Format: snapshotFormat, Features: classify.FeatureVersion, Shards: shards,
		Seq: seq, OpTime: opTime, Ham: int64(site.ham), Spam: int64(site.spam), Waiting: int64(site.waiting),
		HamAdds: site.totals.Ham, SpamAdds: site.totals.Spam, Imported: uint32(site.imported),
	}
	copy(h.Magic[:], snapshotMagic)
	if _, err := hex.Decode(h.Ledger[:], []byte(db.uuid)); err != nil {
		return nil, fmt.Errorf("ledger id %q: %w", db.uuid, err)
	}
	if t := site.tab; t != nil {
		h.HamZero, h.SpamZero = t.zero.Ham, t.zero.Spam
		for i := range t.shards {
			h.Slots += uint64(t.shards[i].live())
		}
	}
	h.Weights = uint64(len(site.weights))
	return h, nil
}

// newerOnDisk reports that another process has already saved a later state.
func (db *DB) newerOnDisk(mine *snapHeader) bool {
	f, err := os.Open(db.snapshotPath())
	if err != nil {
		return false
	}
	defer f.Close()
	var h snapHeader
	if binary.Read(f, binary.LittleEndian, &h) != nil || db.checkHeader(f, &h) != nil {
		return false
	}
	return h.Seq > mine.Seq
}

// write streams the header, the counting slots and the weights.
func (c *siteCounts) write(out io.Writer, h *snapHeader) error {
	crc := crc32.New(castagnoli)
	w := bufio.NewWriterSize(io.MultiWriter(out, crc), snapshotBuffer)
	if err := binary.Write(w, binary.LittleEndian, h); err != nil {
		return err
	}
	t := c.tab
	if t == nil {
		t = new(table)
	}
	var b [slotSize]byte
	for i := range t.shards {
		s := &t.shards[i]
		w.Write(binary.LittleEndian.AppendUint32(b[:0], uint32(s.live())))
		for j := range s.slots {
			if p := &s.slots[j]; p.counts() {
				w.Write(p.append(b[:0]))
			}
		}
	}
	if err := binary.Write(w, binary.LittleEndian, c.weights); err != nil {
		return err
	}
	if err := w.Flush(); err != nil { // keeps the first error of the writes above
		return err
	}
	return binary.Write(out, binary.LittleEndian, crc.Sum32())
}

func (p *slot) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, p.feature)
	b = binary.LittleEndian.AppendUint32(b, p.ham)
	return binary.LittleEndian.AppendUint32(b, p.spam)
}

// loadSnapshot fills the site's model from the snapshot, or leaves it alone and
// says why.
func (db *DB) loadSnapshot() error {
	f, err := os.Open(db.snapshotPath())
	if err != nil {
		return err
	}
	defer f.Close()
	sum := &summed{r: bufio.NewReaderSize(f, snapshotBuffer), crc: crc32.New(castagnoli)}
	var h snapHeader
	if err := binary.Read(sum, binary.LittleEndian, &h); err != nil {
		return fmt.Errorf("read header: %w", err)
	}
	if err := db.checkHeader(f, &h); err != nil {
		return err
	}
	c := siteCounts{
		counts: counts{
			ham: int(h.Ham), spam: int(h.Spam), waiting: int(h.Waiting),
			totals: classify.Count{Ham: h.HamAdds, Spam: h.SpamAdds}, imported: int(h.Imported),
		},
		window: window{stale: true},
	}
	if c.tab, err = readTable(sum, &h); err != nil {
		return err
	}
	if c.weights, err = readWeights(sum, int(h.Weights)); err != nil {
		return err
	}
	if err := sum.check(); err != nil {
		return err
	}
	db.mem.set("", c)
	db.seq.Store(h.Seq)
	db.unsaved = 0
	return nil
}

// checkHeader reports why a snapshot is not one of this ledger's past.
func (db *DB) checkHeader(f *os.File, h *snapHeader) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	opTime, err := db.w.Integer("SELECT time FROM op WHERE seq = ?", h.Seq)
	if err != nil {
		return err
	}
	switch {
	case string(h.Magic[:]) != snapshotMagic:
		return errors.New("not a model snapshot")
	case h.Format != snapshotFormat || h.Shards != shards:
		return fmt.Errorf("format %d with %d tables, want %d with %d", h.Format, h.Shards, snapshotFormat, shards)
	case h.Features != classify.FeatureVersion:
		return fmt.Errorf("feature version %d, want %d", h.Features, classify.FeatureVersion)
	case hex.EncodeToString(h.Ledger[:]) != db.uuid:
		return errors.New("it belongs to another ledger")
	case h.Weights != 0 && h.Weights != classify.Buckets:
		return fmt.Errorf("%d weights, want %d", h.Weights, classify.Buckets)
	case h.Slots > uint64(info.Size()) || info.Size() != snapHeaderSize+shards*4+int64(h.Slots)*slotSize+int64(h.Weights)*4+crc32.Size:
		return fmt.Errorf("%d bytes do not hold %d features and %d weights", info.Size(), h.Slots, h.Weights)
	case h.OpTime != opTime:
		return fmt.Errorf("op %d is not the ledger's", h.Seq)
	}
	return nil
}

// readTable reads the slots.
func readTable(sum *summed, h *snapHeader) (*table, error) {
	t := &table{zero: classify.Count{Ham: h.HamZero, Spam: h.SpamZero}}
	if t.zero != (classify.Count{}) {
		t.live++
	}
	left := h.Slots
	for i := range t.shards {
		n, err := sum.uint32()
		if err != nil {
			return nil, err
		}
		if uint64(n) > left {
			return nil, errors.New("more features than the header says")
		}
		left -= uint64(n)
		if t.shards[i], err = readShard(sum, i, int(n)); err != nil {
			return nil, err
		}
		t.live += int(n)
		t.slots += len(t.shards[i].slots)
	}
	return t, nil
}

// readWeights reads n weights; none are nil.
func readWeights(sum *summed, n int) (weights []int32, err error) {
	if n > 0 {
		weights = make([]int32, n)
		err = binary.Read(sum, binary.LittleEndian, weights)
	}
	return weights, err
}

func readShard(sum *summed, index, n int) (shard, error) {
	if n == 0 {
		return shard{}, nil
	}
	s := newShard(n)
	for range n {
		b, err := sum.next(slotSize)
		if err != nil {
			return s, err
		}
		p := slot{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])}
		if p.feature*spread>>(64-shardBits) != uint64(index) || p.feature == 0 || !p.counts() {
			return s, fmt.Errorf("feature %x does not belong in table %d", p.feature, index)
		}
		s.put(p)
	}
	return s, nil
}

// summed reads through a small buffer and sums what was read.
type summed struct {
	r   *bufio.Reader
	crc hash.Hash32
	buf [slotSize]byte
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.crc.Write(p[:n])
	return n, err
}

// next returns the next n bytes, at most slotSize, valid until the next call.
func (s *summed) next(n int) ([]byte, error) {
	b := s.buf[:n]
	if _, err := io.ReadFull(s.r, b); err != nil {
		return nil, fmt.Errorf("read tables: %w", err)
	}
	s.crc.Write(b)
	return b, nil
}

// check compares the checksum of all that was read with the one that follows.
func (s *summed) check() error {
	want := s.crc.Sum32()
	if got, err := s.uint32(); err != nil || got != want {
		return errors.Join(errors.New("checksum does not match"), err)
	}
	return nil
}

func (s *summed) uint32() (uint32, error) {
	b, err := s.next(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}
