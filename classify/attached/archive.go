package attached

import (
	"bytes"
	"encoding/binary"
	"iter"

	"fanmill/classify/octets"
)

// entriesMax bounds the files of an archive that ZipEntries returns.
const entriesMax = 8

// ZipEntries returns the names of the files in an archive, as far as their headers
// stand in b (PKWARE APPNOTE, section 4.3.7), and whether each is encrypted. It trusts
// the lengths that the headers claim.
func ZipEntries(b []byte) iter.Seq2[[]byte, bool] {
	return func(yield func(name []byte, encrypted bool) bool) {
		const header = 30
		for range entriesMax {
			i := bytes.Index(b, []byte("PK\x03\x04"))
			if i < 0 || len(b)-i < header {
				return
			}
			b = b[i:]
			name := octets.Cut(b[header:], int(binary.LittleEndian.Uint16(b[26:])))
			if !yield(name, b[6]&1 != 0) {
				return
			}
			b = b[header+len(name):]
		}
	}
}

// Attributes of TNEF, the form that Outlook wraps messages in (MS-OXTNEF, 2.1.3).
const (
	TNEFSubject = 0x00018004
	TNEFBody    = 0x0002800c
	TNEFTitle   = 0x00018010 // of an attachment
)

// TNEF returns the attributes of a winmail.dat with their values, as far as they stand
// in b.
func TNEF(b []byte) iter.Seq2[uint32, []byte] {
	return func(yield func(id uint32, value []byte) bool) {
		const signature, header, sum = 6, 9, 2
		for b := b[min(signature, len(b)):]; len(b) > header; {
			id := binary.LittleEndian.Uint32(b[1:])
			n := int(min(binary.LittleEndian.Uint32(b[5:]), 1<<30))
			if !yield(id, bytes.TrimRight(octets.Cut(b[header:], n), "\x00")) {
				return
			}
			b = b[min(header+n+sum, len(b)):]
		}
	}
}
