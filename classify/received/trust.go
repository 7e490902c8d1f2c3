package received

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Trust tells which hosts are the site's own on the way of a message.
type Trust struct {
	set      bool
	prefixes []netip.Prefix
	names    map[string]bool
}

// NewTrust compiles a list of own hosts. Entries that are neither address nor
// network are taken as host names; the error names those that cannot be.
func NewTrust(hosts []string) (Trust, error) {
	t := Trust{set: len(hosts) > 0, names: map[string]bool{}}
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

// Own tells whether a hop is the site's own host, so that the walk to the
// border goes on below it: loopback always; with own hosts named these, else
// every address that is not public.
func (t *Trust) Own(h *Hop) bool {
	if h.Addr.IsLoopback() {
		return true
	}
	if !t.set {
		return !public(h.Addr)
	}
	for _, p := range t.prefixes {
		if p.Contains(h.Addr) {
			return true
		}
	}
	return len(h.Name) > 0 && t.names[string(h.Name)]
}

var sharedSpace = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !sharedSpace.Contains(a)
}
