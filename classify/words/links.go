package words

import "bytes"

// cutURL finds a link in a run of text; u is nil, and post all of b, if there is
// none. With scheme false there is no "://" in b; more tells whether there may be
// one in post. Looking through the rest behind each of many links only to find
// nothing would take time that grows with the square of their number.
func cutURL(b []byte, scheme bool) (pre, u, post []byte, more bool) {
	start := -1
	if scheme {
		start = bytes.Index(b, []byte("://"))
		scheme = start >= 0
	}
	if scheme {
		colon := start
		for start > 0 && isAlpha(b[start-1]) {
			start--
		}
		if start == colon {
			return nil, nil, b, false
		}
	} else if start = bytes.Index(b, []byte("www.")); start < 0 {
		return nil, nil, b, false
	}
	end := start
	for end < len(b) && !endsURL[b[end]] {
		end++
	}
	for end > start && bytes.IndexByte([]byte(".,;:!?*_"), b[end-1]) >= 0 {
		end--
	}
	if end-start < 5 {
		return nil, nil, b, false
	}
	return b[:start], b[start:end], b[end:], scheme
}

// cutMail finds an address in a run of text and cuts the punctuation around it.
func cutMail(b []byte) (pre, addr, post []byte) {
	for at := 0; ; at++ {
		i := bytes.IndexByte(b[at:], '@')
		if i < 0 {
			return nil, nil, b
		}
		at += i
		start, end := at, at+1
		for start > 0 && inMail(b[start-1]) {
			start--
		}
		for end < len(b) && inMail(b[end]) {
			end++
		}
		a := bytes.Trim(b[start:end], ".-")
		if isMail(a) {
			const around = "<>()[]{}\"',;:.!?*"
			pre = bytes.TrimSuffix(bytes.TrimRight(b[:start], around), []byte("mailto"))
			return bytes.TrimRight(pre, around), a, bytes.TrimLeft(b[end:], around)
		}
	}
}

func inMail(c byte) bool {
	return byteClass[c] <= joiner || c == '.' || c == '-' || c == '+' || c == '='
}

func isMail(b []byte) bool {
	at := bytes.IndexByte(b, '@')
	return at > 0 && at < len(b)-3 && len(b) <= 100 && bytes.IndexByte(b[at+1:], '.') > 0
}
