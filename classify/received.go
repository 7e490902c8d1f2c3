package classify

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
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

// own tells whether a client is the site's own host, so that the walk to the
// border goes on below it: loopback always; with own hosts named these, else
// every address that is not public.
func (t *trust) own(c Client) bool {
	a := c.Addr.Unmap().WithZone("")
	if a.IsLoopback() {
		return true
	}
	if !t.set {
		return !public(a)
	}
	for _, p := range t.prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return c.Name != "" && t.names[c.Name]
}

var sharedSpace = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !sharedSpace.Contains(a)
}

// cleanName drops what is no full host name, such as "unknown".
func cleanName(name string) string {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if !strings.Contains(name, ".") || len(name) > 255 || strings.ContainsFunc(name, notHostName) {
		return ""
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return ""
	}
	return name
}

// cleanHelo replaces what MTAs (and our own spool) replace when they write a
// HELO into a Received line, so that both give the same.
func cleanHelo(s string) string {
	literal := len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']'
	b := []byte(s)
	for i, c := range b {
		bracket := (c == '[' || c == ']') && !(literal && (i == 0 || i == len(b)-1))
		if c <= ' ' || c >= 0x7f || bracket || strings.IndexByte("()<>;\"\\@,", c) >= 0 {
			b[i] = '?'
		}
	}
	return string(b)
}

func notHostName(r rune) bool {
	return r != '.' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
}

// clean brings a client to the form in which SMTP and a Received line agree.
func (c Client) clean() Client {
	c.Addr = c.Addr.Unmap().WithZone("")
	c.Name = cleanName(c.Name)
	c.Helo = cleanHelo(c.Helo)
	if len(c.Helo) > 255 { // RFC 1035 section 2.3.4
		c.Helo = c.Helo[:255]
	}
	if c.Helo == "" { // Postfix writes the name where no HELO was given
		c.Helo = "unknown"
		if c.Name != "" {
			c.Helo = c.Name
		}
	}
	return c
}

// parseReceived reads the from-clause of a Received field (RFC 5321 section
// 4.4) in the forms of Postfix and Sendmail "helo (name [address])", of Exim
// "name ([address] helo=x)" and of qmail "name (HELO x) (address)". ok is false
// when the line names no client address.
func parseReceived(v []byte) (c Client, ok bool) {
	if len(v) < 5 || !bytes.EqualFold(v[:5], []byte("from ")) {
		return c, false
	}
	v = bytes.TrimLeft(v[5:], " ")
	if len(v) > 1000 {
		v = v[:1000]
	}
	first, rest, _ := bytes.Cut(v, []byte{' '})
	c.Helo = string(first)
	comments := rest
	if end := clauseEnd(rest); end >= 0 {
		comments = rest[:end]
	}
	if !c.fromComments(comments) {
		a, ok := parseLiteral(first)
		c.Addr = a
		return c, ok
	}
	return c, true
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
func (c *Client) fromComments(b []byte) (found bool) {
	var prev []byte
	for w := range bytes.FieldsFuncSeq(b, commentBreak) {
		switch {
		case len(w) > 5 && bytes.EqualFold(w[:5], []byte("helo=")):
			c.Name, c.Helo = cleanName(c.Helo), string(w[5:])
		case bytes.EqualFold(prev, []byte("helo")):
			c.Name, c.Helo = cleanName(c.Helo), string(w)
		case !found:
			if c.Addr, found = parseLiteral(w); found && len(prev) > 0 && c.Name == "" {
				_, host, at := bytes.Cut(prev, []byte{'@'})
				if !at {
					host = prev
				}
				c.Name = cleanName(string(host))
			}
		case bytes.EqualFold(w, []byte("forged")): // Sendmail: (may be forged)
			c.Name = ""
		}
		prev = w
	}
	return found
}

func commentBreak(r rune) bool { return r == ' ' || r == '(' || r == ')' || r == ',' }

// parseLiteral reads "[192.0.2.1]", "[IPv6:2001:db8::1]" or a bare address.
func parseLiteral(b []byte) (netip.Addr, bool) {
	b = bytes.TrimSuffix(bytes.TrimPrefix(b, []byte{'['}), []byte{']'})
	if len(b) > 5 && bytes.EqualFold(b[:5], []byte("ipv6:")) {
		b = b[5:]
	}
	if len(b) < 2 || len(b) > 60 || bytes.ContainsFunc(b, notAddress) || !bytes.ContainsAny(b, ".:") {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(string(b))
	return a.Unmap(), err == nil
}

func notAddress(r rune) bool {
	return r != '.' && r != ':' && (r < '0' || r > '9') && (r < 'a' || r > 'f') && (r < 'A' || r > 'F')
}
