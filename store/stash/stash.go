// Package stash keeps what training has found in messages that wait to be learned, in a
// file beside the ledger.
//
// The first mailbox of a class waits until the other class is known. Its lists of
// features and grams, which training has made already, are put by until then in a file of
// their own: to keep them in the ledger, from which two of three would be removed again
// soon, takes a tenth of the time of such a training. What is not found there is made
// anew from the message, so nothing depends on it, and it may be deleted.
//
// The file begins with a header. Then come pieces: two numbers of four bytes, little
// endian, its length and its CRC-32C, and for each message the digest, two such numbers,
// and as many bytes of features and of grams in their stored forms (package pack). Whoever
// writes or reads it has the ledger's write lock.
package stash

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"syscall"

	"fanmill/classify"
	"fanmill/store/disk"
	"fanmill/store/pack"
	"fanmill/store/sqlite"
)

// FileName is that of the file in the data directory.
const FileName = "waiting.lists"

const (
	magic     = "fanmill lists\r\n\x00"
	pieceSize = 1 << 20  // about how long a piece is, in bytes
	most      = 64 << 20 // as long as the file may become
	listsHead = len(classify.Digest{}) + 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header says of which messages, and by which rules, the lists are.
type header struct {
	Magic    [16]byte
	Features uint32 // feature version
	Ledger   [16]byte
}

// Lists are what a model learns of a message.
type Lists struct {
	Features []uint64 // distinct, ascending
	Grams    []uint32 // buckets, distinct, ascending
}

// Stash is the file of one ledger.
type Stash struct {
	Dir    string
	Ledger [16]byte // the ledger's id
}

// Put puts lists by, behind those that are there. Where they cannot be written, the file is
// removed: most likely the disk is full, and the ledger needs the room.
func (s *Stash) Put(all iter.Seq2[classify.Digest, Lists]) (err error) {
	f, size, err := s.open()
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, os.Remove(filepath.Join(s.Dir, FileName)))
		}
	}()
	piece := make([]byte, 8, pieceSize+pieceSize/4)
	write := func() error {
		b := piece
		piece = piece[:8]
		if size += int64(len(b)); len(b) == 8 || size > most {
			return nil // what does not fit is made anew
		}
		binary.LittleEndian.PutUint32(b, uint32(len(b)-8))
		binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b[8:], castagnoli))
		_, err := f.Write(b)
		return err
	}
	for d, l := range all {
		if piece, err = appendLists(piece, d, l); err != nil {
			return fmt.Errorf("lists of %s: %w", d, err)
		}
		if len(piece) > pieceSize {
			if err := write(); err != nil {
				return err
			}
		}
	}
	return write()
}

func appendLists(piece []byte, d classify.Digest, l Lists) (_ []byte, err error) {
	piece = append(piece, d[:]...)
	head := len(piece)
	piece = pack.AppendFeatures(append(piece, make([]byte, 8)...), l.Features)
	grams := len(piece)
	if piece, err = pack.AppendGrams(piece, l.Grams); err != nil {
		return nil, err
	}
	binary.LittleEndian.PutUint32(piece[head:], uint32(grams-head-8))
	binary.LittleEndian.PutUint32(piece[head+4:], uint32(len(piece)-grams))
	return piece, nil
}

// open opens the file to append to it, after making it where there is none that is of use,
// and returns its size.
func (s *Stash) open() (*os.File, int64, error) {
	path, want := filepath.Join(s.Dir, FileName), s.header()
	f, err := existing(path, os.O_RDWR|os.O_APPEND)
	if err == nil {
		info, err := f.Stat()
		if got := make([]byte, len(want)); err == nil {
			if _, err = io.ReadFull(f, got); err == nil && bytes.Equal(got, want) {
				return f, info.Size(), nil
			}
		}
		f.Close()
	}
	disk.Sweep(s.Dir, FileName+".", "")
	if f, err = os.CreateTemp(s.Dir, FileName+".*"); err != nil {
		return nil, 0, err
	}
	_, err = f.Write(want)
	if err = errors.Join(err, disk.Hand(f)); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return f, int64(len(want)), nil
}

// errStrange is what existing says of a pipe, a directory and the like.
var errStrange = errors.New("is no regular file")

// existing opens the file at path if it is a regular one. Of a pipe it would wait for
// somebody to write.
func existing(path string, flags int) (*os.File, error) {
	f, err := os.OpenFile(path, flags|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s %w", path, errStrange)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (s *Stash) header() []byte {
	h := header{Features: classify.FeatureVersion, Ledger: s.Ledger}
	copy(h.Magic[:], magic)
	b, _ := binary.Append(nil, binary.LittleEndian, h) // never fails
	return b
}

// Take hands out the lists that were put by, and removes them: to fn, until it returns
// false. They are fn's for good. What is damaged, of another ledger, or of other features is
// removed all the same.
func (s *Stash) Take(fn func(classify.Digest, Lists) bool) error {
	path := filepath.Join(s.Dir, FileName)
	f, err := existing(path, os.O_RDONLY)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, errStrange):
		return errors.Join(err, os.Remove(path))
	case err != nil:
		return err
	}
	defer f.Close()
	return errors.Join(read(f, s.header(), fn), os.Remove(path))
}

// read reads the file. One of another ledger, or of other features, has nothing.
func read(r io.Reader, want []byte, fn func(classify.Digest, Lists) bool) error {
	head := make([]byte, len(want))
	if _, err := io.ReadFull(r, head); err != nil || !bytes.Equal(head, want) {
		return err
	}
	for left := int64(most); ; {
		var frame [8]byte
		if _, err := io.ReadFull(r, frame[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("%w: %v", sqlite.ErrDamaged, err)
		}
		n := int64(binary.LittleEndian.Uint32(frame[:]))
		if left -= n; left < 0 {
			return fmt.Errorf("%w: a piece of %d bytes", sqlite.ErrDamaged, n)
		}
		piece := make([]byte, n)
		if _, err := io.ReadFull(r, piece); err != nil || crc32.Checksum(piece, castagnoli) != binary.LittleEndian.Uint32(frame[4:]) {
			return fmt.Errorf("%w: a piece is not as it was written", sqlite.ErrDamaged)
		}
		if more, err := readLists(piece, fn); err != nil || !more {
			return err
		}
	}
}

// readLists reads one piece.
func readLists(b []byte, fn func(classify.Digest, Lists) bool) (more bool, err error) {
	for len(b) > 0 {
		if len(b) < listsHead {
			return false, fmt.Errorf("lists are cut short: %w", sqlite.ErrDamaged)
		}
		d := classify.Digest(b)
		n, m := uint64(binary.LittleEndian.Uint32(b[len(d):])), uint64(binary.LittleEndian.Uint32(b[len(d)+4:]))
		if b = b[listsHead:]; n+m > uint64(len(b)) {
			return false, fmt.Errorf("lists of %s are cut short: %w", d, sqlite.ErrDamaged)
		}
		var l Lists
		if l.Features, err = pack.ReadFeatures(b[:n]); err != nil {
			return false, err
		}
		if l.Grams, err = pack.ReadGrams(b[n : n+m]); err != nil {
			return false, err
		}
		if !fn(d, l) {
			return false, nil
		}
		b = b[n+m:]
	}
	return true, nil
}
