package store

import (
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"

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

// packer compresses messages for the ledger. Its halves are made when first used:
// a process that only scores needs neither.
type packer struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
	buf []byte
}

// pack returns the stored form of message, valid until the next call. Entropy
// coding would make it a quarter smaller, but cost a fifth of the whole work of
// learning a message; a checksum would say what the digest says.
func (p *packer) pack(message []byte) ([]byte, error) {
	if p.enc == nil {
		enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(MaxMessage),
			zstd.WithSingleSegment(true), zstd.WithEncoderCRC(false), zstd.WithNoEntropyCompression(true))
		if err != nil {
			return nil, fmt.Errorf("prepare compression: %w", err)
		}
		p.enc = enc
	}
	p.buf = p.enc.EncodeAll(message, p.buf[:0])
	return p.buf, nil
}

func (p *packer) unpack(stored []byte) ([]byte, error) {
	if p.dec == nil {
		dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(2*MaxMessage))
		if err != nil {
			return nil, fmt.Errorf("prepare decompression: %w", err)
		}
		p.dec = dec
	}
	message, err := p.dec.DecodeAll(stored, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack stored message: %w (%v)", ErrDamaged, err)
	}
	return message, nil
}

func (p *packer) close() {
	if p.enc != nil {
		p.enc.Close()
	}
	if p.dec != nil {
		p.dec.Close()
	}
}
