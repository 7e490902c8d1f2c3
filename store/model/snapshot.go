package model

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"fanmill/classify"
)

const (
	snapshotMagic  = "fanmill model\r\n\x00"
	snapshotFormat = 4
	slotSize       = 16
	snapshotBuffer = 64 << 10
)

// Stamp says of which ledger's past a snapshot is. The op's time tells a ledger that was put
// back from a backup and has gone on since.
type Stamp struct {
	Ledger [16]byte // its id
	Seq    int64    // of the last op in it
	OpTime int64    // of that op, in microseconds
}

// header is the fixed part of a snapshot, as it lies in the file.
type header struct {
	Magic    [16]byte
	Format   uint32
	Features uint32 // feature version
	Shards   uint32
	Stamp
	Ham, Spam int64 // labelled messages
	Waiting   int64 // of these
	HamAdds   uint32
	SpamAdds  uint32
	Imported  uint32 // of these, what another filter has counted
	HamZero   uint32 // counts of feature 0
	SpamZero  uint32
	Slots     uint64
	Weights   uint64 // of the linear part: 0 or classify.Buckets
}

var headerSize = int64(binary.Size(header{}))

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// WriteSnapshot writes the site's model, which is that of a ledger as of stamp. Look-ups go
// on meanwhile.
func (all *Models) WriteSnapshot(out io.Writer, stamp Stamp) error {
	return all.site.write(out, all.site.header(stamp))
}

// header describes the model as it is.
func (t *Sum) header(stamp Stamp) *header {
	h := &header{
		Format: snapshotFormat, Features: classify.FeatureVersion, Shards: shards, Stamp: stamp,
		Ham: int64(t.ham), Spam: int64(t.spam), Waiting: int64(t.waiting),
		HamAdds: t.totals.Ham, SpamAdds: t.totals.Spam, Imported: uint32(t.imported), Weights: uint64(len(t.weights)),
	}
	copy(h.Magic[:], snapshotMagic)
	if tab := t.tab; tab != nil {
		h.HamZero, h.SpamZero = tab.zero.Ham, tab.zero.Spam
		for i := range tab.shards {
			h.Slots += uint64(tab.shards[i].live())
		}
	}
	return h
}

// write streams the header, the counting slots and the weights.
func (c *Sum) write(out io.Writer, h *header) error {
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

// ReadStamp reads the beginning of a snapshot of size bytes and says what it is of, or why
// it cannot be used.
func ReadStamp(in io.Reader, size int64) (Stamp, error) {
	h, err := readHeader(in, size)
	return h.Stamp, err
}

func readHeader(in io.Reader, size int64) (h header, err error) {
	if err := binary.Read(in, binary.LittleEndian, &h); err != nil {
		return h, fmt.Errorf("read header: %w", err)
	}
	return h, h.check(size)
}

// check reports why a snapshot of so many bytes is none that can be read.
func (h *header) check(size int64) error {
	switch {
	case string(h.Magic[:]) != snapshotMagic:
		return errors.New("not a model snapshot")
	case h.Format != snapshotFormat || h.Shards != shards:
		return fmt.Errorf("format %d with %d tables, want %d with %d", h.Format, h.Shards, snapshotFormat, shards)
	case h.Features != classify.FeatureVersion:
		return fmt.Errorf("feature version %d, want %d", h.Features, classify.FeatureVersion)
	case h.Weights != 0 && h.Weights != classify.Buckets:
		return fmt.Errorf("%d weights, want %d", h.Weights, classify.Buckets)
	case h.Slots > uint64(size) || size != headerSize+shards*4+int64(h.Slots)*slotSize+int64(h.Weights)*4+crc32.Size:
		return fmt.Errorf("%d bytes do not hold %d features and %d weights", size, h.Slots, h.Weights)
	}
	return nil
}

// ReadSnapshot reads a snapshot of size bytes, whose stamp fits must not refuse. The Fit of
// what it returns is to be made anew.
func ReadSnapshot(in io.Reader, size int64, fits func(Stamp) error) (t Sum, stamp Stamp, err error) {
	sum := &summed{r: bufio.NewReaderSize(in, snapshotBuffer), crc: crc32.New(castagnoli)}
	h, err := readHeader(sum, size)
	if err == nil {
		err = fits(h.Stamp)
	}
	if err != nil {
		return t, stamp, err
	}
	t = NewSum(int(h.Ham), int(h.Spam), int(h.Waiting))
	t.totals, t.imported = classify.Count{Ham: h.HamAdds, Spam: h.SpamAdds}, int(h.Imported)
	if t.tab, err = readTable(sum, &h); err != nil {
		return t, stamp, err
	}
	if t.weights, err = readWeights(sum, int(h.Weights)); err != nil {
		return t, stamp, err
	}
	return t, h.Stamp, sum.check()
}

// readTable reads the slots.
func readTable(sum *summed, h *header) (*table, error) {
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
