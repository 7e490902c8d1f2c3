package config

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

// maxSocketPath is what the kernel takes: sun_path of unix(7) less its NUL.
const maxSocketPath = 107

// checkListen says what is wrong with a socket in the spelling of either MTA,
// and what to do; "" when nothing is.
func checkListen(spec string) (text, hint string) {
	network, rest, _ := strings.Cut(spec, ":")
	switch network {
	case "unix", "local":
		return checkSocketPath(rest)
	case "inet", "inet6":
		if text = checkInet(network, rest); text == "" {
			return "", ""
		}
		if network == "inet6" {
			return text, "write inet6:[::1]:8891 or inet6:8891@::1"
		}
		return text, "write inet:127.0.0.1:8891 or inet:8891@127.0.0.1"
	case "tcp":
		return "is not a milter socket", "write inet: instead of tcp:"
	}
	return "is not a milter socket", "write unix:PATH, inet:HOST:PORT or inet6:[HOST]:PORT"
}

func checkSocketPath(path string) (text, hint string) {
	switch {
	case path == "" || strings.ContainsRune(path, 0):
		return "has no path", "write unix:PATH, such as unix:/run/fanmill/milter.sock"
	case !filepath.IsAbs(path):
		return "has a relative path", "begin it with /, or name the data directory by its full path"
	case len(path) > maxSocketPath:
		return fmt.Sprintf("has a path of %d bytes", len(path)), fmt.Sprintf("the system takes %d: choose a shorter one", maxSocketPath)
	}
	return "", ""
}

// checkInet takes host:port, as Postfix writes it, and port@host, as Sendmail.
func checkInet(network, s string) string {
	host, port := "", ""
	if p, h, ok := strings.Cut(s, "@"); ok {
		host, port = h, p
	} else if i := strings.LastIndexByte(s, ':'); i >= 0 {
		host, port = s[:i], s[i+1:]
	} else {
		return "has no host, so every host could connect"
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if text := checkHostPort(host, port); text != "" {
		return text
	}
	// Postfix writes inet: for both kinds of addresses.
	if a, err := netip.ParseAddr(host); err == nil && a.Is4() && network == "inet6" {
		return "has an address that is not IPv6"
	}
	return ""
}

func checkHostPort(host, port string) string {
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Sprintf("has no port from 0 to 65535 but %q", clip(port))
	} else if strconv.FormatUint(n, 10) != port {
		return "has a port with leading zeros"
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	if host == "" || strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789-._") != "" {
		return fmt.Sprintf("has no host but %q", clip(host))
	}
	return ""
}

// checkTarget says what is wrong with submit.to, and what to do.
func checkTarget(spec string) (text, hint string) {
	const forms = "write smtp:HOST:PORT, lmtp:unix:PATH, lmtp:HOST:PORT or sendmail:PATH"
	kind, rest, _ := strings.Cut(spec, ":")
	switch kind {
	case "sendmail":
		if !filepath.IsAbs(rest) || strings.ContainsRune(rest, 0) {
			return "has no absolute path", "write sendmail:/usr/sbin/sendmail"
		}
		return "", ""
	case "lmtp":
		if path, ok := strings.CutPrefix(rest, "unix:"); ok {
			if !filepath.IsAbs(path) {
				return "has no absolute path", "write lmtp:unix:/run/dovecot/lmtp"
			}
			return checkSocketPath(path)
		}
	case "smtp":
	default:
		return "is not a way to hand mail on", forms
	}
	i := strings.LastIndexByte(rest, ':')
	if i < 0 {
		return "has no port", forms
	}
	host := strings.TrimSuffix(strings.TrimPrefix(rest[:i], "["), "]")
	if text = checkHostPort(host, rest[i+1:]); text == "" && rest[i+1:] == "0" {
		text = "has port 0"
	}
	if text == "" {
		return "", ""
	}
	return text, forms
}
