package store

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/klauspost/compress/s2"

	"fanmill/classify"
)

// appendFeatures appends the stored form of features: 8 bytes each, little endian.
func appendFeatures(b []byte, features []uint64) []byte {
	for _, f := range features {
		b = binary.LittleEndian.AppendUint64(b, f)
	}
	return b
}

// parseFeatures appends what appendFeatures stored to features.
func parseFeatures(features []uint64, b []byte) ([]uint64, error) {
	if len(b)%8 != 0 {
		return features, fmt.Errorf("feature list of %d bytes: %w", len(b), ErrDamaged)
	}
	for ; len(b) > 0; b = b[8:] {
		features = append(features, binary.LittleEndian.Uint64(b))
	}
	return features, nil
}

// appendGrams appends the stored form of grams, which must be ascending: of each the
// distance from the one before it, less one (of the first, its value), as so many
// bytes 255 and one byte below 255 that add up to it. A message has some hundred to two
// thousand of the buckets, so that most take one byte, where a varint would take two
// from 128 on.
func appendGrams(b []byte, grams []uint32) ([]byte, error) {
	n, next := len(b), uint32(0)
	b = slices.Grow(b, len(grams)+classify.Buckets/255+8)
	b = b[:cap(b)]
	for _, g := range grams {
		if g < next || g >= classify.Buckets {
			return b[:0], fmt.Errorf("gram %d stands where one from %d to %d should", g, next, classify.Buckets-1)
		}
		d := g - next
		full := int(d / 255) // of one in four there are some: no branch would know of which
		for ; full > 8; full -= 8 {
			binary.LittleEndian.PutUint64(b[n:], math.MaxUint64)
			n += 8
		}
		binary.LittleEndian.PutUint64(b[n:], math.MaxUint64)
		n += full
		b[n] = byte(d % 255)
		n++
		next = g + 1
	}
	return b[:n], nil
}

// parseGrams appends what appendGrams stored to grams.
func parseGrams(grams []uint32, b []byte) ([]uint32, error) {
	n, g := len(grams), uint64(0) // which even a list of 255s that fills memory does not wrap
	grams = slices.Grow(grams, len(b))[:n+len(b)]
	for _, d := range b {
		g += uint64(d)
		grams[n] = uint32(g)
		if d < 255 {
			g++
			n++
		}
	}
	switch {
	case g > classify.Buckets:
		return grams[:0], fmt.Errorf("gram %d of %d: %w", g-1, classify.Buckets, ErrDamaged)
	case len(b) > 0 && b[len(b)-1] == 255:
		return grams[:0], fmt.Errorf("list of grams is cut short: %w", ErrDamaged)
	}
	return grams[:n], nil
}

// packer makes the stored forms of what is kept of a row, for one goroutine at a
// time; each is valid until the next of its kind.
type packer struct {
	features, grams, text []byte // never nil, or what is empty would be stored as NULL
}

func newPacker() *packer {
	return &packer{features: make([]byte, 0, 4<<10), grams: make([]byte, 0, 4<<10)}
}

// lists returns a row's features and grams, NULL where one is not wanted or not
// known.
func (p *packer) lists(row *Row, features, grams bool) (stored [2]driver.Value, err error) {
	if features && row.Features != nil {
		p.features = appendFeatures(p.features[:0], row.Features)
		stored[0] = p.features
	}
	if grams && row.Grams != nil {
		if p.grams, err = appendGrams(p.grams[:0], row.Grams); err != nil {
			return stored, fmt.Errorf("learn %s: %w", row.Digest, err)
		}
		stored[1] = p.grams
	}
	return stored, nil
}

// message returns a message as a Snappy block, NULL for nil. The fastest setting of
// zstd makes mail a quarter smaller still, but in three times the time, a tenth of
// the whole work of learning a message; without entropy coding it saves nothing.
func (p *packer) message(message []byte) driver.Value {
	if message == nil {
		return nil
	}
	p.text = s2.EncodeSnappy(p.text[:cap(p.text)], message)
	return p.text
}

// unpack returns what message stored.
func unpack(stored []byte) ([]byte, error) {
	if n, err := s2.DecodedLen(stored); err == nil && n > MaxMessage {
		return nil, fmt.Errorf("unpack stored message: %w (%d bytes, the limit is %d)", ErrDamaged, n, MaxMessage)
	}
	message, err := s2.Decode(nil, stored)
	if err != nil {
		return nil, fmt.Errorf("unpack stored message: %w (%v)", ErrDamaged, err)
	}
	return message, nil
}
