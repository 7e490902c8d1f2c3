package store

import (
	"encoding/binary"
	"fmt"

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

// appendGrams appends the stored form of grams: of each the distance from the
// one before it, less one (of the first, its value), as so many bytes 255 and one
// byte below 255 that add up to it. A message has some hundred to two thousand of
// the buckets, so that most take one byte, where a varint would take two from 128 on.
func appendGrams(b []byte, grams []uint32) []byte {
	next := uint32(0)
	for _, g := range grams {
		d := g - next
		for ; d >= 255; d -= 255 {
			b = append(b, 255)
		}
		b = append(b, byte(d))
		next = g + 1
	}
	return b
}

// parseGrams appends what appendGrams stored to grams.
func parseGrams(grams []uint32, b []byte) ([]uint32, error) {
	g := uint32(0)
	for _, d := range b {
		if g += uint32(d); g >= classify.Buckets {
			return grams, fmt.Errorf("gram %d of %d: %w", g, classify.Buckets, ErrDamaged)
		}
		if d < 255 {
			grams = append(grams, g)
			g++
		}
	}
	if len(b) > 0 && b[len(b)-1] == 255 {
		return grams, fmt.Errorf("list of grams is cut short: %w", ErrDamaged)
	}
	return grams, nil
}

// pack returns the stored form of a message, in buf if that is long enough: a
// Snappy block. The fastest setting of zstd makes mail a quarter smaller still, but in
// three times the time, a tenth of the whole work of learning a message; without
// entropy coding it saves nothing.
func pack(buf, message []byte) []byte { return s2.EncodeSnappy(buf[:cap(buf)], message) }

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
