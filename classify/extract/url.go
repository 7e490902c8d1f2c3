package extract

import (
	"bytes"
	"net/netip"
	"strconv"

	"golang.org/x/net/publicsuffix"

	"fanmill/classify/octets"
	"fanmill/classify/received"
	"fanmill/classify/words"
)

// urlsMax bounds the links of a message that are taken apart.
const urlsMax = 400

// url takes a link apart: scheme, host with its parent domains, words of path
// and query, and what is odd about it.
func (x *Extractor) url(u []byte) {
	if x.urls++; x.urls > urlsMax {
		return
	}
	x.nextLink(len(u))
	defer x.endLink()
	scheme, rest := cutScheme(octets.Cut(u, 2000))
	x.host = octets.AppendLower(x.host[:0], scheme)
	x.set.Add(pURLScheme, x.host)
	switch string(x.host) {
	case "mailto":
		rest, _, _ = bytes.Cut(rest, []byte{'?'})
		x.mailInText(octets.Cut(rest, 255))
		return
	case "data": // an image, say, in the link itself
		media, _, _ := bytes.Cut(rest, []byte{','})
		x.set.Add(pURLOdd, x.lowerCut(media))
		return
	case "cid", "mid", "javascript":
		return
	}
	end := hostEnd(rest)
	x.urlHost(rest[:end])
	x.urlWords(rest[end:])
}

// cutScheme parts a link behind its scheme, which is "none" if it has none.
func cutScheme(u []byte) (scheme, rest []byte) {
	i := bytes.IndexByte(u, ':')
	if i <= 0 || i > 12 {
		return []byte("none"), bytes.TrimPrefix(u, []byte("//"))
	}
	return u[:i], bytes.TrimPrefix(u[i+1:], []byte("//"))
}

// hostEnd finds the end of the host, with user and port, of a link without scheme.
func hostEnd(b []byte) int {
	if i := bytes.IndexAny(b, "/?#\\"); i >= 0 {
		return i
	}
	return len(b)
}

// urlWords gives the words of a link's path and query.
func (x *Extractor) urlWords(b []byte) {
	for len(b) > 0 {
		n := 0
		for n < len(b) && !partsURLWords[b[n]] {
			n++
		}
		if n > 0 && n <= words.MaxWord {
			x.set.Add(pURLWord, b[:n])
		}
		b = b[min(n+1, len(b)):]
	}
}

var partsURLWords = func() (t [256]bool) {
	for _, c := range []byte("/?#&=;.,:+-_%~!()@ ") {
		t[c] = true
	}
	return t
}()

func (x *Extractor) urlHost(host []byte) {
	if i := bytes.LastIndexByte(host, '@'); i >= 0 {
		x.set.AddString(pURLOdd, "user")
		host = host[i+1:]
	}
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && i+1 < len(host) && host[len(host)-1] != ']' {
		x.set.Add(pURLOdd, octets.Cut(host[i:], 8))
		host = host[:i]
	}
	if bytes.IndexByte(host, '%') >= 0 {
		x.set.AddString(pURLOdd, "escaped host")
	}
	host = octets.AppendLower(x.host[:0], octets.Cut(host, 255))
	x.host = host
	if bytes.HasPrefix(host, []byte("xn--")) || bytes.Contains(host, []byte(".xn--")) {
		x.set.AddString(pURLOdd, "punycode")
	}
	if len(host) > 0 && (host[0] == '[' || host[0] >= '0' && host[0] <= '9') {
		if a, ok := received.ParseAddr(host); ok {
			x.set.AddString(pURLOdd, "address")
			x.addrPrefixes(a, pURLHost)
			return
		}
		if _, err := strconv.ParseUint(string(host), 0, 64); err == nil {
			x.set.AddString(pURLOdd, "number")
		}
	}
	x.hostSuffixes(host, pURLHost)
}

// shownSite returns the site (a domain that somebody registered) that the text of
// a link shows, if the link leads to another one; else "".
func shownSite(text, url []byte) string {
	if len(text) > 200 || bytes.IndexByte(text, '.') < 0 {
		return ""
	}
	scheme, rest := cutScheme(url)
	if string(scheme) == "mailto" || string(scheme) == "none" {
		return ""
	}
	there, target := hostIn(text), hostOf(rest)
	if len(there) == 0 || len(target) == 0 || bytes.Equal(there, target) {
		return ""
	}
	shown := site(there)
	if shown == site(target) {
		return ""
	}
	return shown
}

// hostIn finds the host that text names: that of a link at its start, or text
// that is nothing but a name or an address.
func hostIn(text []byte) []byte {
	word, more, _ := bytes.Cut(text, []byte{' '})
	scheme, rest := cutScheme(word)
	if string(scheme) == "http" || string(scheme) == "https" || len(word) > 4 && string(octets.AppendLower(nil, word[:4])) == "www." {
		return hostOf(rest)
	}
	if len(more) > 0 || bytes.IndexByte(word, ':') >= 0 {
		return nil
	}
	host := hostOf(word)
	if _, known := publicsuffix.PublicSuffix(string(host)); !known {
		return nil // a file's name, a version
	}
	return host
}

// hostOf cuts user, port and all behind from the host at the start of b.
func hostOf(b []byte) []byte {
	host := b[:hostEnd(b)]
	if i := bytes.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	host, _, _ = bytes.Cut(host, []byte{':'})
	return bytes.TrimRight(octets.AppendLower(nil, octets.Cut(host, 255)), ".")
}

// site returns the domain that somebody registered which a host belongs to; an
// address is its own.
func site(host []byte) string {
	if _, err := netip.ParseAddr(string(host)); err == nil {
		return string(host)
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(string(host))
	if err != nil {
		return ""
	}
	return domain
}
