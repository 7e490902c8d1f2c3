// Package octets holds what all readers of mail do with bytes.
package octets

// AppendLower appends b with the letters of ASCII in lower case.
func AppendLower(dst, b []byte) []byte {
	n := len(dst)
	dst = append(dst, b...)
	for i, c := range dst[n:] {
		dst[n+i] = lowerCase[c]
	}
	return dst
}

var lowerCase = func() (t [256]byte) {
	for c := range t {
		t[c] = byte(c)
	}
	for c := 'A'; c <= 'Z'; c++ {
		t[c] += 'a' - 'A'
	}
	return t
}()

// Lowered turns b to lower case where it stands.
func Lowered(b []byte) []byte { return AppendLower(b[:0], b) }

// Cut returns the first n bytes of b, or all where it has fewer.
func Cut(b []byte, n int) []byte {
	if len(b) > n {
		return b[:n]
	}
	return b
}
