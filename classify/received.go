package classify

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"fanmill/classify/octets"
)

// trust tells which hosts are the site's own on the way of a message.
type trust struct {
	set      bool
	prefixes []netip.Prefix
	names    map[string]bool
}

// newTrust compiles Options.OwnHosts. Entries that are neither address nor
// network are taken as host names; the error names those that cannot be.
func newTrust(hosts []string) (trust, error) {
	t := trust{set: len(hosts) > 0, names: map[string]bool{}}
	var errs []error
	for _, h := range hosts {
		h = strings.ToLower(strings.TrimSpace(h))
		if p, err := netip.ParsePrefix(h); err == nil {
			t.prefixes = append(t.prefixes, p.Masked())
		} else if a, err := netip.ParseAddr(strings.Trim(h, "[]")); err == nil {
			t.prefixes = append(t.prefixes, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
		} else if h == "" || strings.ContainsAny(h, "/ \t@") {
			errs = append(errs, fmt.Errorf("own host %q: not an address, a network (192.0.2.0/24) or a host name", h))
		} else {
			t.names[strings.TrimSuffix(h, ".")] = true
		}
	}
	return t, errors.Join(errs...)
}

// own tells whether a hop is the site's own host, so that the walk to the
// border goes on below it: loopback always; with own hosts named these, else
// every address that is not public.
func (t *trust) own(h *hop) bool {
	if h.addr.IsLoopback() {
		return true
	}
	if !t.set {
		return !public(h.addr)
	}
	for _, p := range t.prefixes {
		if p.Contains(h.addr) {
			return true
		}
	}
	return len(h.name) > 0 && t.names[string(h.name)]
}

var sharedSpace = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !sharedSpace.Contains(a)
}

// hop is a Client in buffers that are used again: a message has many Received
// lines, of which one names the client that counts.
type hop struct {
	addr netip.Addr
	name []byte
	helo []byte
}

func (h *hop) set(c Client) {
	h.addr, h.name, h.helo = c.Addr, append(h.name[:0], c.Name...), append(h.helo[:0], c.Helo...)
}

func (h *hop) client() Client {
	return Client{Addr: h.addr, Name: string(h.name), Helo: string(h.helo)}
}

// setName sets the name in lower case, or none where b is no full host name, such
// as "unknown".
func (h *hop) setName(b []byte) {
	h.name = octets.AppendLower(h.name[:0], bytes.TrimSuffix(b, dot))
	_, isAddr := parseIPv4(h.name)
	if isAddr || len(h.name) > hostMax || bytes.IndexByte(h.name, '.') < 0 || !hostName(h.name) {
		h.name = h.name[:0]
	}
}

var dot = []byte{'.'}

// hostMax is the longest host name (RFC 1035 section 2.3.4).
const hostMax = 255

func hostName(b []byte) bool {
	for _, c := range b {
		if c != '.' && c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// clean brings a hop to the form in which SMTP and a Received line agree.
func (h *hop) clean() {
	h.addr = h.addr.Unmap().WithZone("")
	h.setName(h.name)
	cleanHelo(h.helo)
	h.helo = octets.Cut(h.helo, hostMax)
	switch {
	case len(h.helo) > 0:
	case len(h.name) > 0: // Postfix writes the name where no HELO was given
		h.helo = append(h.helo, h.name...)
	default:
		h.helo = append(h.helo, "unknown"...)
	}
}

// cleanHelo replaces what MTAs (and our own spool) replace when they write a
// HELO into a Received line, so that both give the same.
func cleanHelo(b []byte) {
	literal := len(b) > 2 && b[0] == '[' && b[len(b)-1] == ']'
	for i, c := range b {
		bracket := (c == '[' || c == ']') && !(literal && (i == 0 || i == len(b)-1))
		if c <= ' ' || c >= 0x7f || bracket || strings.IndexByte("()<>;\"\\@,", c) >= 0 {
			b[i] = '?'
		}
	}
}

// parse reads the from-clause of a Received field (RFC 5321 section 4.4) in the
// forms of Postfix and Sendmail "helo (name [address])", of Exim "name ([address]
// helo=x)" and of qmail "name (HELO x) (address)". It returns false when the line
// names no client address.
func (h *hop) parse(v []byte) (ok bool) {
	h.set(Client{})
	if len(v) < 5 || !bytes.EqualFold(v[:5], []byte("from ")) {
		return false
	}
	first, rest, _ := bytes.Cut(octets.Cut(bytes.TrimLeft(v[5:], " "), 1000), space)
	h.helo = append(h.helo, first...)
	if end := clauseEnd(rest); end >= 0 {
		rest = rest[:end]
	}
	if h.fromComments(rest) {
		return true
	}
	h.addr, ok = parseLiteral(first)
	return ok
}

var space = []byte{' '}

// clauseEnd finds " by " outside of comments.
func clauseEnd(b []byte) int {
	depth := 0
	for i := range b {
		switch b[i] {
		case '(':
			depth++
		case ')':
			depth--
		case 'b', 'B':
			if depth <= 0 && i+3 <= len(b) && (i == 0 || b[i-1] == ' ') && bytes.EqualFold(b[i:i+3], []byte("by ")) {
				return i
			}
		}
	}
	return -1
}

// fromComments takes address, name and HELO from the comments of the clause.
func (h *hop) fromComments(b []byte) (found bool) {
	var prev []byte
	for len(b) > 0 {
		var w []byte
		if w, b = commentWord(b); len(w) == 0 {
			continue
		}
		switch {
		case len(w) > 5 && bytes.EqualFold(w[:5], []byte("helo=")):
			h.setName(h.helo)
			h.helo = append(h.helo[:0], w[5:]...)
		case bytes.EqualFold(prev, []byte("helo")):
			h.setName(h.helo)
			h.helo = append(h.helo[:0], w...)
		case !found:
			if h.addr, found = parseLiteral(w); found && len(prev) > 0 && len(h.name) == 0 {
				_, host, at := bytes.Cut(prev, []byte{'@'})
				if !at {
					host = prev
				}
				h.setName(host)
			}
		case bytes.EqualFold(w, []byte("forged")): // Sendmail: (may be forged)
			h.name = h.name[:0]
		}
		prev = w
	}
	return found
}

// commentWord cuts off b what stands before the next blank, bracket or comma.
func commentWord(b []byte) (w, rest []byte) {
	for i, c := range b {
		if c == ' ' || c == '(' || c == ')' || c == ',' {
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}

// parseLiteral reads "[192.0.2.1]", "[IPv6:2001:db8::1]" or a bare address.
func parseLiteral(b []byte) (netip.Addr, bool) {
	b = bytes.TrimSuffix(bytes.TrimPrefix(b, []byte{'['}), []byte{']'})
	if len(b) > 5 && bytes.EqualFold(b[:5], []byte("ipv6:")) {
		b = b[5:]
	}
	if a, ok := parseIPv4(b); ok {
		return a, true
	}
	if len(b) > 60 || bytes.IndexByte(b, ':') < 0 || bytes.ContainsFunc(b, notAddress) {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(string(b))
	return a.Unmap(), err == nil
}

// parseIPv4 reads "192.0.2.1" as netip.ParseAddr does, which takes a string and
// makes an error for each of the many words that are no address.
func parseIPv4(b []byte) (a netip.Addr, ok bool) {
	var ip [4]byte
	for i := range ip {
		field, rest, more := bytes.Cut(b, dot)
		if len(field) == 0 || len(field) > 3 || field[0] == '0' && len(field) > 1 || more == (i == 3) {
			return a, false
		}
		n := 0
		for _, c := range field {
			if c < '0' || c > '9' {
				return a, false
			}
			n = 10*n + int(c-'0')
		}
		if n > 255 {
			return a, false
		}
		ip[i], b = byte(n), rest
	}
	return netip.AddrFrom4(ip), true
}

func notAddress(r rune) bool {
	return r != '.' && r != ':' && (r < '0' || r > '9') && (r < 'a' || r > 'f') && (r < 'A' || r > 'F')
}
