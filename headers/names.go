package headers

// A name is a verdict field when it is one of verdictNames or begins with one
// of verdictPrefixes (lower case). The prefixes take in what other filters put
// beside the fields we write: SpamAssassin's X-Spam-Checker-Version, rspamd's
// X-Spamd-Result, SpamBayes' X-Spambayes-Trained (which would make a filter
// unlearn mail it never learned), DSPAM's X-DSPAM-Reclassified.
var (
	verdictNames    = [...]string{"x-bogosity", "x-spam"}
	verdictPrefixes = [...]string{"x-fanmill-", "x-spam-", "x-spamd-", "x-spambayes-", "x-dspam-"}
)

// written lists, in lower case, every name that Render can produce.
var written = [...]string{
	"x-fanmill-status", "x-fanmill-clues",
	"x-spambayes-classification", "x-spambayes-evidence",
	"x-dspam-result", "x-dspam-confidence", "x-dspam-probability", "x-dspam-signature", "x-dspam-factors", "x-dspam-reclassified",
	"x-bogosity",
	"x-spam-flag", "x-spam-status", "x-spam-score", "x-spam-level",
}

// Release is the field by which a released message that comes back to our own
// milter is known again: verdict fields of ours never get past it.
const Release = "X-Fanmill-Release"

// IsVerdict reports whether name (without the colon, in any case, trailing
// blanks ignored) is a field that some filter states its verdict in. It does
// not allocate.
func IsVerdict[T ~string | ~[]byte](name T) bool {
	n := trimmedLen(name)
	for _, p := range verdictPrefixes {
		if n > len(p) && equalFold(name, len(p), p) {
			return true
		}
	}
	return isOneOf(name, n, verdictNames[:])
}

// IsWritten reports whether name is one that Render can produce: the part of
// IsVerdict's names that is finite. It does not allocate.
func IsWritten[T ~string | ~[]byte](name T) bool {
	return isOneOf(name, trimmedLen(name), written[:])
}

func isOneOf[T ~string | ~[]byte](name T, n int, names []string) bool {
	for _, v := range names {
		if n == len(v) && equalFold(name, n, v) {
			return true
		}
	}
	return false
}

// trimmedLen is the length of name without trailing blanks: "X-Spam-Flag :" is
// obsolete syntax (RFC 5322 section 4.5.8) that readers accept.
func trimmedLen[T ~string | ~[]byte](name T) int {
	n := len(name)
	for n > 0 && (name[n-1] == ' ' || name[n-1] == '\t') {
		n--
	}
	return n
}

// equalFold compares the first n bytes of name with lower, which is lower-case
// ASCII of at least n bytes.
func equalFold[T ~string | ~[]byte](name T, n int, lower string) bool {
	for i := range n {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
