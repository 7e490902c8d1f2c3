package delay

import "strings"

// PlainSender cuts from an envelope sender what may differ when the same message is
// sent again, and what names the recipient:
//
//	prvs=0123abcdef=bob@x, prvs=bob/0123abcdef@x   BATV (draft-levine-smtp-batv)  bob@x
//	btv1==0123==bob@x, msprvs1=0123=bob@x          the same, other products       bob@x
//	SRS0=hash=day=example.org=bob@x                forwarded (libsrs2)            bob@example.org
//	SRS1=hash=x==hash=day=example.org=bob@y        forwarded twice                bob@example.org
//	bounces+SRS=hash=day@x                         forwarded by Exchange Online   bounces@x
//	list-bounces+anna=example.net@x                VERP (qmail, Mailman)          list-bounces@x
//	bounce-1234-anna=example.net@x                 the same                       bounce@x
//	bob+detail@x                                   detail                         bob@x
//	bounce.77f3a.1234@x                            words with a digit             bounce.#.#@x
//
// All in lower case. Senders that become the same are no harm: it is the message
// that tells one from another.
func PlainSender(address string) string {
	local, domain := splitAddress(strings.ToLower(address))
	local, domain = unforward(untag(local), domain)
	local = untag(local)
	local, _, _ = strings.Cut(local, "+")
	if at := strings.IndexByte(local, '='); at >= 0 { // an address in the address
		local = local[:at]
		local = local[:max(0, strings.IndexAny(local, "-_"))]
	}
	return withoutNumbers(local) + "@" + strings.TrimSuffix(domain, ".")
}

func splitAddress(a string) (local, domain string) {
	if i := strings.LastIndexByte(a, '@'); i >= 0 {
		return a[:i], a[i+1:]
	}
	return a, ""
}

// untag cuts the tag that says that a bounce is one of the sender's own mail.
func untag(local string) string {
	for _, prefix := range []string{"prvs=", "msprvs1=", "btv1=="} {
		rest, ok := strings.CutPrefix(local, prefix)
		if !ok {
			continue
		}
		if _, user, ok := strings.Cut(rest, "="); ok {
			return strings.TrimPrefix(user, "=")
		}
		user, _, _ := strings.Cut(rest, "/")
		return user
	}
	return local
}

// unforward returns the sender in front of those who forwarded the mail.
func unforward(local, domain string) (string, string) {
	rest, once := strings.CutPrefix(local, "srs0")
	if !once {
		var twice bool
		if rest, twice = strings.CutPrefix(local, "srs1"); !twice {
			return local, domain
		}
		if _, rest, twice = strings.Cut(rest, "=="); !twice {
			return local, domain
		}
		rest = "=" + rest
	}
	if rest == "" || !strings.ContainsRune("=+-", rune(rest[0])) {
		return local, domain
	}
	parts := strings.SplitN(rest[1:], "=", 4) // hash, day, domain, local part
	if len(parts) < 4 {
		return local, domain
	}
	return parts[3], parts[2]
}

// withoutNumbers puts # for each word that has a digit.
func withoutNumbers(local string) string {
	var b strings.Builder
	for local != "" {
		end := strings.IndexAny(local, "-_.")
		if end < 0 {
			end = len(local)
		}
		word := local[:end]
		if strings.ContainsAny(word, "0123456789") {
			word = "#"
		}
		b.WriteString(word)
		if end < len(local) {
			b.WriteByte(local[end])
			end++
		}
		local = local[end:]
	}
	return b.String()
}
