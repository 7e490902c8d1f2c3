package mime

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// namesMax bounds the file names of one field.
const namesMax = 20

// FileNames returns every file name that the value of a Content-Type or
// Content-Disposition field gives, where Type.Name is the one that the standards mean:
// mail programs differ in which parameter they believe. Names may hold encoded words.
func FileNames(value []byte) (names []string) {
	var pieces []namePiece
	Params(value, func(param, v []byte) {
		param = param[bytes.LastIndexAny(param, " \t")+1:] // a semicolon may be missing
		key, number, extended := bytes.Cut(param, []byte{'*'})
		switch {
		case !equalFold(key, "name") && !equalFold(key, "filename") || len(names) == namesMax:
		case extended:
			pieces = append(pieces, newNamePiece(number, v))
		default:
			names = append(names, string(v))
		}
	})
	if len(pieces) > 0 {
		names = append(names, joinPieces(pieces))
	}
	return names
}

// namePiece is a parameter with an asterisk in its name (RFC 2231): a piece of a value
// that was cut up, or all of it.
type namePiece struct {
	number int
	coded  bool // with percent signs, the first one with charset and language
	value  []byte
}

func newNamePiece(number, value []byte) namePiece {
	digits, coded := bytes.CutSuffix(number, []byte{'*'})
	n, _ := strconv.Atoi(string(digits)) // what is no number is the first
	return namePiece{number: n, coded: coded || len(number) == 0, value: bytes.Clone(value)}
}

// joinPieces puts pieces together by their numbers (RFC 2231 section 3), in whatever
// order they stand.
func joinPieces(pieces []namePiece) string {
	slices.SortStableFunc(pieces, func(a, b namePiece) int { return cmp.Compare(a.number, b.number) })
	var name []byte
	charset := ""
	for i, p := range pieces {
		if label, rest, ok := bytes.Cut(p.value, []byte{'\''}); ok && i == 0 && p.coded {
			charset = strings.ToLower(string(label))
			_, p.value, _ = bytes.Cut(rest, []byte{'\''}) // the language
		}
		if p.coded {
			p.value = appendPercent(nil, p.value)
		}
		name = append(name, p.value...)
	}
	var c charsetConverter
	text, _ := c.utf8(charset, name)
	return string(text)
}
