package match

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"fanmill/classify"
)

func client(addr, name string) classify.Client {
	c := classify.Client{Name: name}
	if addr != "" {
		c.Addr = netip.MustParseAddr(addr)
	}
	return c
}

func TestHosts(t *testing.T) {
	h, errs := CompileHosts("own_hosts", []string{
		"192.0.2.0/24", "198.51.100.7", "2001:db8::/32", "::ffff:203.0.113.0/120", "fe80::1", "MX2.example.org.", "relay",
	}, HostNames)
	if len(errs) > 0 {
		t.Fatal(errors.Join(errs...))
	}
	for _, tt := range []struct {
		c    classify.Client
		want bool
	}{
		{client("192.0.2.200", ""), true},
		{client("::ffff:192.0.2.200", ""), true},
		{client("192.0.3.1", ""), false},
		{client("198.51.100.7", ""), true},
		{client("198.51.100.8", ""), false},
		{client("2001:db8:1::1", ""), true},
		{client("2001:db9::1", ""), false},
		{client("203.0.113.9", ""), true},
		{client("fe80::1%eth0", ""), true},
		{client("", "mx2.example.org"), true},
		{client("203.0.114.1", "MX2.Example.Org."), true},
		{client("203.0.114.1", "relay"), true},
		{client("203.0.114.1", "xmx2.example.org"), false},
		{client("203.0.114.1", "sub.mx2.example.org"), false},
		{client("", ""), false},
		// The name a client gives itself proves nothing.
		{classify.Client{Addr: netip.MustParseAddr("203.0.114.1"), Helo: "mx2.example.org"}, false},
	} {
		if got := h.Match(tt.c); got != tt.want {
			t.Errorf("match(%+v) = %v, want %v", tt.c, got, tt.want)
		}
	}
}

func TestEmptyHostsMatchNobody(t *testing.T) {
	h, _ := CompileHosts("own_hosts", nil, HostNames)
	for _, c := range []classify.Client{{}, client("127.0.0.1", ""), client("::1", "localhost")} {
		if h.Match(c) {
			t.Errorf("empty list matches %+v", c)
		}
	}
}

func TestBadHosts(t *testing.T) {
	for _, tt := range []struct {
		entry string
		may   HostEntries
		err   error
		hint  string
	}{
		{"", Networks, errEmpty, "192.0.2.0/24"},
		{"192.0.2.5/24", Networks, errHostBits, "write 192.0.2.0/24 for the network, 192.0.2.5 for the one host"},
		{"192.0.2.0/33", Networks, errNetwork, "192.0.2.0/24"},
		{"192.0.2", Networks, errNetwork, "192.0.2.0/24"},
		{"mx.example.org", Networks, errNetwork, "192.0.2.0/24"},
		{"fe80::1%eth0", Networks, errNetwork, "192.0.2.0/24"},
		{"192.0.2", HostNames, errHost, "full host name"},
		{"192.0.2.300", HostNames, errHost, "full host name"},
		{"mx example.org", HostNames, errHost, "full host name"},
		{"*.example.org", HostNames, errHost, "full host name"},
		{".example.org", HostNames, errHost, "full host name"},
		{"-mx.example.org", HostNames, errHost, "full host name"},
		{strings.Repeat("a", 64) + ".org", HostNames, errHost, "full host name"},
		{strings.Repeat("a.", 127) + "org", HostNames, errHost, "full host name"},
		{"192.0.2.0/24/8", HostNames, errHost, "full host name"},
	} {
		t.Run(tt.entry, func(t *testing.T) {
			_, errs := CompileHosts("trusted_networks", []string{"127.0.0.1", tt.entry}, tt.may)
			if len(errs) != 1 {
				t.Fatalf("got %d errors, want 1: %v", len(errs), errs)
			}
			var oe *OptionError
			if !errors.As(errs[0], &oe) || oe.Entry != tt.entry || !errors.Is(oe, tt.err) {
				t.Fatalf("got %v, want %v about %q", errs[0], tt.err, tt.entry)
			}
			if !strings.Contains(oe.Hint, tt.hint) {
				t.Errorf("hint %q lacks %q", oe.Hint, tt.hint)
			}
		})
	}
}

func BenchmarkNetworks(b *testing.B) {
	entries := make([]string, 20_000)
	for i := range entries {
		entries[i] = fmt.Sprintf("10.%d.%d.0/%d", i/100, i%100, 24+i%2)
	}
	h, errs := CompileHosts("trusted_networks", entries, Networks)
	if len(errs) > 0 {
		b.Fatal(errs[0])
	}
	c := client("192.0.2.1", "")
	for b.Loop() {
		h.Match(c)
	}
}
