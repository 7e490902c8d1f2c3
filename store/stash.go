package store

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"iter"

	"fanmill/classify"
)

// The first mailbox of a class waits until the other class is known. Its lists of
// features and grams, which training has made already, are put by until then in large
// pieces: to keep them in rows of their own, of which two of three would be removed
// again soon, takes a fifth of the time of such a training. What is not found there is
// made anew from the message, so nothing depends on them.
//
// A piece is, for each message, the digest, two numbers of four bytes, little endian, and
// as many bytes of features and of grams in their stored forms.

// stashPiece is about how long a piece is, in bytes.
const stashPiece = 1 << 20

const stashHead = len(classify.Digest{}) + 8

// Lists are what a model learns of a message.
type Lists struct {
	Features []uint64 // distinct, ascending
	Grams    []uint32 // buckets, distinct, ascending
}

// Stash puts lists by of messages that wait in the site's scope.
func (tx *Tx) Stash(all iter.Seq2[classify.Digest, Lists]) (err error) {
	if err := tx.usable(); err != nil {
		return err
	}
	var piece []byte
	for d, l := range all {
		if piece, err = appendStash(piece, d, l); err != nil {
			return fmt.Errorf("put lists of %s by: %w", d, err)
		}
		if len(piece) > stashPiece {
			if err := tx.stash(piece); err != nil {
				return err
			}
			piece = piece[:0]
		}
	}
	if len(piece) == 0 {
		return nil
	}
	return tx.stash(piece)
}

func (tx *Tx) stash(piece []byte) error {
	if _, err := tx.db.w.exec("INSERT INTO stash (lists) VALUES (?)", piece); err != nil {
		return tx.fail("put lists by", err)
	}
	return nil
}

func appendStash(piece []byte, d classify.Digest, l Lists) (_ []byte, err error) {
	piece = append(piece, d[:]...)
	head := len(piece)
	piece = appendFeatures(append(piece, make([]byte, 8)...), l.Features)
	grams := len(piece)
	if piece, err = appendGrams(piece, l.Grams); err != nil {
		return nil, err
	}
	binary.LittleEndian.PutUint32(piece[head:], uint32(grams-head-8))
	binary.LittleEndian.PutUint32(piece[head+4:], uint32(len(piece)-grams))
	return piece, nil
}

// Unstash hands out the lists that were put by, and removes them: to fn, until it
// returns false. They are fn's for good.
func (tx *Tx) Unstash(fn func(classify.Digest, Lists) bool) error {
	if err := tx.usable(); err != nil {
		return err
	}
	err := tx.db.w.query("SELECT lists FROM stash ORDER BY id", func(v []driver.Value) error {
		return readStash(asBlob(v[0]), fn)
	})
	if err != nil {
		return tx.fail("read the lists that were put by", err)
	}
	if _, err := tx.db.w.exec("DELETE FROM stash"); err != nil {
		return tx.fail("remove the lists that were put by", err)
	}
	return nil
}

// readStash reads one piece.
func readStash(b []byte, fn func(classify.Digest, Lists) bool) (err error) {
	for len(b) > 0 {
		if len(b) < stashHead {
			return fmt.Errorf("lists are cut short: %w", ErrDamaged)
		}
		d := classify.Digest(b)
		n, m := uint64(binary.LittleEndian.Uint32(b[len(d):])), uint64(binary.LittleEndian.Uint32(b[len(d)+4:]))
		if b = b[stashHead:]; n+m > uint64(len(b)) {
			return fmt.Errorf("lists of %s are cut short: %w", d, ErrDamaged)
		}
		var l Lists
		if l.Features, err = parseFeatures(make([]uint64, 0, n/8), b[:n]); err != nil {
			return err
		}
		if l.Grams, err = parseGrams([]uint32{}, b[n:n+m]); err != nil {
			return err
		}
		if !fn(d, l) {
			return errStop
		}
		b = b[n+m:]
	}
	return nil
}
