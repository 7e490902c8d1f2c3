// Package pack makes the stored forms of what is kept of a message: its features, its
// grams, and its canonical text. Ledger, history and dumps share them.
package pack

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/DataDog/zstd"
	"github.com/klauspost/compress/s2"
	dezstd "github.com/klauspost/compress/zstd"

	"fanmill/classify"
	"fanmill/store/sqlite"
)

// MaxMessage is how much of a canonical message is kept, in bytes.
const MaxMessage = 256 << 10

// AppendFeatures appends the stored form of features: 8 bytes each, little endian.
func AppendFeatures(b []byte, features []uint64) []byte {
	for _, f := range features {
		b = binary.LittleEndian.AppendUint64(b, f)
	}
	return b
}

// ReadFeatures returns what AppendFeatures stored, nil for nil.
func ReadFeatures(b []byte) ([]uint64, error) {
	if b == nil {
		return nil, nil
	}
	return ReadFeaturesTo(make([]uint64, 0, len(b)/8), b)
}

// ReadFeaturesTo appends what AppendFeatures stored to features.
func ReadFeaturesTo(features []uint64, b []byte) ([]uint64, error) {
	if len(b)%8 != 0 {
		return features, fmt.Errorf("feature list of %d bytes: %w", len(b), sqlite.ErrDamaged)
	}
	for ; len(b) > 0; b = b[8:] {
		features = append(features, binary.LittleEndian.Uint64(b))
	}
	return features, nil
}

// AppendGrams appends the stored form of grams, which must be ascending: of each the
// distance from the one before it, less one (of the first, its value), as so many
// bytes 255 and one byte below 255 that add up to it. A message has some hundred to two
// thousand of the buckets, so that most take one byte, where a varint would take two
// from 128 on.
func AppendGrams(b []byte, grams []uint32) ([]byte, error) {
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

// ReadGrams returns what AppendGrams stored, nil for nil.
func ReadGrams(b []byte) ([]uint32, error) {
	if b == nil {
		return nil, nil
	}
	return ReadGramsTo(make([]uint32, 0, len(b)), b)
}

// ReadGramsTo appends what AppendGrams stored to grams.
func ReadGramsTo(grams []uint32, b []byte) ([]uint32, error) {
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
		return grams[:0], fmt.Errorf("gram %d of %d: %w", g-1, classify.Buckets, sqlite.ErrDamaged)
	case len(b) > 0 && b[len(b)-1] == 255:
		return grams[:0], fmt.Errorf("list of grams is cut short: %w", sqlite.ErrDamaged)
	}
	return grams[:n], nil
}

// Packer makes stored forms in buffers of its own, for one goroutine at a time; each is
// valid until the next of its kind.
type Packer struct {
	features, grams, text []byte // never nil, or what is empty would be stored as NULL
	zstd                  zstd.Ctx
}

// NewPacker returns a Packer.
func NewPacker() *Packer {
	return &Packer{features: make([]byte, 0, 4<<10), grams: make([]byte, 0, 4<<10), zstd: zstd.NewCtx()}
}

// Features is AppendFeatures, nil for nil.
func (p *Packer) Features(features []uint64) []byte {
	if features == nil {
		return nil
	}
	p.features = AppendFeatures(p.features[:0], features)
	return p.features
}

// Grams is AppendGrams, nil for nil.
func (p *Packer) Grams(grams []uint32) (stored []byte, err error) {
	if grams == nil {
		return nil, nil
	}
	p.grams, err = AppendGrams(p.grams[:0], grams)
	return p.grams, err
}

// Message returns a message as a frame of zstd, nil for nil. Of the settings the fastest
// one pays: Snappy takes half of the time, and a third more room (docs/performance.md).
func (p *Packer) Message(message []byte) ([]byte, error) {
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

// ReadMessage returns what Packer.Message stored, or an older fanmill as a Snappy block.
func ReadMessage(stored []byte) (message []byte, err error) {
	if bytes.HasPrefix(stored, zstdMagic) {
		message, err = unzstd().DecodeAll(stored, nil)
	} else if n, lenErr := s2.DecodedLen(stored); lenErr == nil && n > MaxMessage {
		err = fmt.Errorf("%d bytes, the limit is %d", n, MaxMessage)
	} else {
		message, err = s2.Decode(nil, stored)
	}
	if err != nil {
		return nil, fmt.Errorf("unpack stored message: %w (%v)", sqlite.ErrDamaged, err)
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
