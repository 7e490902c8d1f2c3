// Package received reads the Received fields of a message (RFC 5321 section 4.4) in the
// forms that MTAs write, and tells which of the hosts in them are the site's own. It
// brings what SMTP knows of a client and what a Received line says of it to one form,
// so that a message has the same client wherever it is found.
package received

import (
	"bytes"
	"net/netip"
	"strings"

	"fanmill/classify/octets"
)

// Hop is a host that handed the message on, in buffers that are used again: a message
// has many Received lines, of which one names the client that counts.
type Hop struct {
	Addr netip.Addr // zero: not known
	Name []byte     // verified reverse name, lower case, empty when there is none
	Helo []byte     // as the client gave it
}

// Set sets what SMTP knows of a client.
func (h *Hop) Set(addr netip.Addr, name, helo string) {
	h.Addr, h.Name, h.Helo = addr, append(h.Name[:0], name...), append(h.Helo[:0], helo...)
}

// setName sets the name in lower case, or none where b is no full host name, such
// as "unknown".
func (h *Hop) setName(b []byte) {
	h.Name = octets.AppendLower(h.Name[:0], bytes.TrimSuffix(b, dot))
	_, isAddr := parseIPv4(h.Name)
	if isAddr || len(h.Name) > HostMax || bytes.IndexByte(h.Name, '.') < 0 || !hostName(h.Name) {
		h.Name = h.Name[:0]
	}
}

var dot = []byte{'.'}

// HostMax is the longest host name (RFC 1035 section 2.3.4).
const HostMax = 255

func hostName(b []byte) bool {
	for _, c := range b {
		if c != '.' && c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// Clean brings a hop to the form in which SMTP and a Received line agree.
func (h *Hop) Clean() {
	h.Addr = h.Addr.Unmap().WithZone("")
	h.setName(h.Name)
	cleanHelo(h.Helo)
	h.Helo = octets.Cut(h.Helo, HostMax)
	switch {
	case len(h.Helo) > 0:
	case len(h.Name) > 0: // Postfix writes the name where no HELO was given
		h.Helo = append(h.Helo, h.Name...)
	default:
		h.Helo = append(h.Helo, "unknown"...)
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

// Parse reads the from-clause of a Received field (RFC 5321 section 4.4) in the
// forms of Postfix and Sendmail "helo (name [address])", of Exim "name ([address]
// helo=x)" and of qmail "name (HELO x) (address)". It returns false when the line
// names no client address.
func (h *Hop) Parse(v []byte) (ok bool) {
	h.Set(netip.Addr{}, "", "")
	if len(v) < 5 || !bytes.EqualFold(v[:5], []byte("from ")) {
		return false
	}
	first, rest, _ := bytes.Cut(octets.Cut(bytes.TrimLeft(v[5:], " "), 1000), space)
	h.Helo = append(h.Helo, first...)
	if end := clauseEnd(rest); end >= 0 {
		rest = rest[:end]
	}
	if h.fromComments(rest) {
		return true
	}
	h.Addr, ok = ParseAddr(first)
	return ok
}

var space = []byte{' '}

// By returns the host that a Received field says wrote it; nil when it names none.
func By(v []byte) []byte {
	i := clauseEnd(v)
	if i < 0 {
		return nil
	}
	host, _, _ := bytes.Cut(v[i+len("by "):], space)
	return host
}

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
func (h *Hop) fromComments(b []byte) (found bool) {
	var prev []byte
	for len(b) > 0 {
		var w []byte
		if w, b = commentWord(b); len(w) == 0 {
			continue
		}
		switch {
		case len(w) > 5 && bytes.EqualFold(w[:5], []byte("helo=")):
			h.setName(h.Helo)
			h.Helo = append(h.Helo[:0], w[5:]...)
		case bytes.EqualFold(prev, []byte("helo")):
			h.setName(h.Helo)
			h.Helo = append(h.Helo[:0], w...)
		case !found:
			if h.Addr, found = ParseAddr(w); found && len(prev) > 0 && len(h.Name) == 0 {
				_, host, at := bytes.Cut(prev, []byte{'@'})
				if !at {
					host = prev
				}
				h.setName(host)
			}
		case bytes.EqualFold(w, []byte("forged")): // Sendmail: (may be forged)
			h.Name = h.Name[:0]
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

// ParseAddr reads "[192.0.2.1]", "[IPv6:2001:db8::1]" or a bare address.
func ParseAddr(b []byte) (netip.Addr, bool) {
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
