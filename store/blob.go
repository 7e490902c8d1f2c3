package store

import (
	"bytes"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/DataDog/zstd"
	"github.com/klauspost/compress/s2"
	dezstd "github.com/klauspost/compress/zstd"

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
	zstd                  zstd.Ctx
}

func newPacker() *packer {
	return &packer{features: make([]byte, 0, 4<<10), grams: make([]byte, 0, 4<<10), zstd: zstd.NewCtx()}
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

// message returns a message as a frame of zstd, NULL for nil. Of the settings the fastest
// one pays: Snappy takes half of the time, and a third more room (docs/performance.md).
func (p *packer) message(message []byte) (driver.Value, error) {
	if message == nil {
		return nil, nil
	}
	packed, err := p.zstd.CompressLevel(p.text, message, zstd.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("pack message: %w", err)
	}
	p.text = packed
	return packed, nil
}

// unpack returns what message stored, or an older fanmill as a Snappy block.
func unpack(stored []byte) (message []byte, err error) {
	if bytes.HasPrefix(stored, zstdMagic) {
		message, err = unzstd().DecodeAll(stored, nil)
	} else if n, lenErr := s2.DecodedLen(stored); lenErr == nil && n > MaxMessage {
		err = fmt.Errorf("%d bytes, the limit is %d", n, MaxMessage)
	} else {
		message, err = s2.Decode(nil, stored)
	}
	if err != nil {
		return nil, fmt.Errorf("unpack stored message: %w (%v)", ErrDamaged, err)
	}
	return message, nil
}

// zstdMagic begins every frame of zstd (RFC 8878 section 3.1.1). As a Snappy block it
// would begin with a copy of what came before.
var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// unzstd returns a decoder for any number of goroutines. It is another library's, in Go,
// and bounds what it makes.
var unzstd = sync.OnceValue(func() *dezstd.Decoder {
	d, err := dezstd.NewReader(nil, dezstd.WithDecoderConcurrency(1), dezstd.WithDecoderMaxMemory(MaxMessage))
	if err != nil {
		panic(err) // the options are wrong
	}
	return d
})
