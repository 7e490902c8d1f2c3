package classify

import "slices"

// fieldKind is what is known of a header field by its name.
type fieldKind struct {
	dropped bool
	ofList  bool
	gram    int8 // its place in gramFields; -1: none
}

// fieldKinds has the names that are known, in lower case.
var fieldKinds = func() map[string]fieldKind {
	m := map[string]fieldKind{}
	for _, name := range droppedFields {
		m[name] = fieldKind{dropped: true, gram: -1}
	}
	for _, name := range ofList {
		m[name] = fieldKind{ofList: true, gram: -1}
	}
	for i, name := range gramFields {
		m[name] = fieldKind{ofList: slices.Contains(ofList, name), gram: int8(i)}
	}
	return m
}()

// kindOf returns what is known of a field (lower-case name).
func kindOf(name []byte) fieldKind {
	if k, ok := fieldKinds[string(name)]; ok {
		return k
	}
	return fieldKind{dropped: droppedByPrefix(name), gram: -1}
}

// droppedFields are never part of the canonical form. Postfix drops Bcc itself.
var droppedFields = []string{
	"return-path", "delivered-to", "x-original-to", "envelope-to", "delivery-date",
	"status", "x-status", "x-uid", "x-uidl", "x-keywords", "x-imap", "x-imapbase",
	"lines", "content-length", "bcc", "resent-bcc", "x-gmail-labels", "x-gm-thrid",
	"x-authentication-warning", "x-bogosity", "x-scanned-by", "received-spf", "x-evolution-source",
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

// ofList has the fields in which a mailing list names itself: those of RFC 2919 and
// 2369, and what lists use besides. They say one thing up to a dozen times, which
// would outvote all else in spam that comes by a list. So they share one kind, and
// each of their words counts once. (Figures in docs/accuracy.md.)
var ofList = []string{
	"list-id", "list-help", "list-unsubscribe", "list-subscribe", "list-post",
	"list-owner", "list-archive", "sender", "errors-to", "x-beenthere",
	"mailing-list", "x-mailing-list", "x-loop",
}

// listKind stands for the name of any of ofList.
var listKind = []byte("list")
