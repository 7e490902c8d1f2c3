// Package canon holds the canonical form (design invariant 1): what a message is the
// same in, wherever it is found, as SMTP brought it, in a Maildir or an mbox, in the
// spool. A Feeder parts a stored message into the stages in which SMTP brings one;
// Dropped, AppendValue and Lines bring fields and body to the form.
//
// Dropped are fields that delivery and mail readers add, verdict fields of any filter
// and, by the Stream, Authentication-Results of hosts that are not named, and the
// Received lines down to the border.
package canon

import "slices"

// AppendValue appends a field's value unfolded: every run of blanks and line
// ends is one space, none stands at the ends.
func AppendValue(dst, v []byte) []byte {
	start := len(dst)
	dst = slices.Grow(dst, len(v))[:start+len(v)]
	n, last := start, byte(' ')
	for _, c := range v {
		c = unfolded[c]
		dst[n] = c
		if c|last != ' ' { // not both are blanks; no branch in machine code
			n++
		}
		last = c
	}
	if n > start && last == ' ' {
		n--
	}
	return dst[:n]
}

// unfolded is what stands for a byte in an unfolded value.
var unfolded = func() (t [256]byte) {
	for c := range t {
		t[c] = byte(c)
	}
	t['\t'], t['\r'], t['\n'], t[0] = ' ', ' ', ' ', ' '
	return t
}()

// Dropped tells whether a field (its name in lower case) is never part of the canonical
// form. Postfix drops Bcc itself.
func Dropped(name []byte) bool {
	switch string(name) {
	case "return-path", "delivered-to", "x-original-to", "envelope-to", "delivery-date",
		"status", "x-status", "x-uid", "x-uidl", "x-keywords", "x-imap", "x-imapbase",
		"lines", "content-length", "bcc", "resent-bcc", "x-gmail-labels", "x-gm-thrid",
		"x-authentication-warning", "x-bogosity", "x-scanned-by", "received-spf", "x-evolution-source":
		return true
	}
	return droppedByPrefix(name)
}

// droppedPrefixes begin the names of others that are not.
var droppedPrefixes = []string{
	"x-fanmill", "x-spam", "x-dspam", "x-rspamd", "x-mozilla-", "x-virus", "x-crm114", "x-barracuda", "x-ironport",
	"x-mailscanner", "x-amavis", "x-pyzor", "x-razor", "x-sa-", "x-pm-", "x-hammie", "x-spambayes",
}

func droppedByPrefix(name []byte) bool {
	if len(name) < 3 || name[0] != 'x' || name[1] != '-' {
		return false
	}
	for _, p := range droppedPrefixes {
		if len(name) >= len(p) && string(name[:len(p)]) == p {
			return true
		}
	}
	return false
}
