package match

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"fanmill/classify"
	"fanmill/policy/address"
)

// Hosts is a compiled list of addresses, networks and host names. Looking one
// up costs a map access per distinct prefix length, however long the list is.
type Hosts struct {
	prefixes map[netip.Prefix]struct{}
	lengths  []int // distinct prefix lengths, longest first
	names    map[string]struct{}
	suffixes map[string]struct{} // of .example.org, without the dot
}

var (
	errHostBits = errors.New("has address bits set beyond its prefix length")
	errZone     = errors.New("has an IPv6 zone")
	errNetwork  = errors.New("is neither an address nor a network in CIDR form")
	errHost     = errors.New("is neither an address, nor a network in CIDR form, nor a host name")
)

// HostEntries says what a list of hosts may hold.
type HostEntries int

// The kinds of lists.
const (
	Networks     HostEntries = iota // addresses and networks in CIDR form
	HostNames                       // also full host names
	HostSuffixes                    // also .example.org, for all hosts below it
)

// CompileHosts compiles the list of an option; the errors say what is wrong with which
// entry, the other entries are still in force.
func CompileHosts(option string, entries []string, may HostEntries) (*Hosts, []error) {
	h := &Hosts{prefixes: map[netip.Prefix]struct{}{}, names: map[string]struct{}{}, suffixes: map[string]struct{}{}}
	var errs []error
	for _, entry := range entries {
		if err := h.add(entry, may); err != nil {
			errs = append(errs, &OptionError{Option: option, Entry: entry, Err: err, Hint: hostHint(entry, may)})
		}
	}
	slices.Sort(h.lengths)
	h.lengths = slices.Compact(h.lengths)
	slices.Reverse(h.lengths)
	return h, errs
}

func hostHint(entry string, may HostEntries) string {
	if p, err := netip.ParsePrefix(strings.TrimSpace(entry)); err == nil {
		return fmt.Sprintf("write %s for the network, %s for the one host", p.Masked(), p.Addr().WithZone(""))
	}
	switch may {
	case HostNames:
		return "write an address such as 192.0.2.1, a network such as 192.0.2.0/24 or 2001:db8::/32, or a full host name"
	case HostSuffixes:
		return "write an address such as 192.0.2.1, a network such as 192.0.2.0/24 or 2001:db8::/32, a full host name, or .example.org for all hosts below it"
	}
	return "write an address such as 192.0.2.1 or a network such as 192.0.2.0/24 or 2001:db8::/32"
}

func (h *Hosts) add(entry string, may HostEntries) error {
	s := strings.TrimSpace(entry)
	if s == "" {
		return errEmpty
	}
	if p, ok := parseNetwork(s); ok {
		switch {
		case p.Addr().Zone() != "":
			return errZone
		case p != p.Masked():
			return errHostBits
		}
		p = unmapPrefix(p)
		h.prefixes[p] = struct{}{}
		h.lengths = append(h.lengths, p.Bits())
		return nil
	}
	if may == Networks {
		return errNetwork
	}
	name, below := strings.CutPrefix(hostName(s), ".")
	switch {
	case !validHost(name), below && may != HostSuffixes:
		return errHost
	case below:
		h.suffixes[name] = struct{}{}
	default:
		h.names[name] = struct{}{}
	}
	return nil
}

// parseNetwork reads an address as the network that holds it alone.
func parseNetwork(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p, true
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	if a.Zone() != "" {
		return netip.PrefixFrom(a, 0), false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

// unmapPrefix turns an IPv4 network in IPv6 clothes into the plain one.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// hostName is the form in which host names are compared.
func hostName(s string) string { return strings.TrimSuffix(address.Lower(strings.TrimSpace(s)), ".") }

// validHost accepts what can stand in the DNS as a host name. A last label of
// digits only is a mistyped address.
func validHost(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	labels := strings.Split(name, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
		if strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

// Match reports whether the client is in the list, by its address or by its
// verified name. What a client says of itself (HELO) is not looked at.
func (h *Hosts) Match(c classify.Client) bool {
	if h.Contains(c.Addr) {
		return true
	}
	name := hostName(c.Name)
	if _, ok := h.names[name]; ok {
		return true
	}
	for len(h.suffixes) > 0 && name != "" {
		_, name, _ = strings.Cut(name, ".")
		if _, ok := h.suffixes[name]; ok {
			return true
		}
	}
	return false
}

func (h *Hosts) Contains(a netip.Addr) bool {
	if !a.IsValid() {
		return false
	}
	a = a.Unmap().WithZone("")
	for _, n := range h.lengths {
		// Prefix fails for a length beyond the address's own: no match.
		if p, err := a.Prefix(n); err == nil {
			if _, ok := h.prefixes[p]; ok {
				return true
			}
		}
	}
	return false
}
