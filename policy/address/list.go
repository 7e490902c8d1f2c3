package address

import "strings"

// maxListed bounds the addresses that are taken from one list.
const maxListed = 20

// InList finds the addresses of an address list, also of one that no grammar
// admits: what stands in angle brackets, and in each part without brackets the words
// with an @. Quoted strings and comments hold none.
func InList(value string) (list []string) {
	for _, part := range splitList(value) {
		if len(list) == maxListed {
			break
		}
		if i := strings.LastIndexByte(part, '<'); i >= 0 {
			inside, _, _ := strings.Cut(part[i+1:], ">")
			if inside = strings.Join(strings.Fields(inside), ""); inside != "" {
				list = append(list, inside)
				continue
			}
		}
		for _, word := range strings.Fields(strings.NewReplacer("<", " ", ">", " ").Replace(part)) {
			if strings.Contains(word, "@") && len(list) < maxListed {
				list = append(list, word)
			}
		}
	}
	return list
}

// splitList parts an address list at commas and semicolons, without display names
// in quotes and without comments. A quoted string before an @ is a local part and stays.
func splitList(value string) (parts []string) {
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			parts = append(parts, b.String())
		}
		b.Reset()
	}
	for i := 0; i < len(value); {
		switch value[i] {
		case '"':
			if _, rest, ok := CutQuoted(value[i:]); ok {
				if n := len(value) - len(rest); strings.HasPrefix(rest, "@") {
					b.WriteString(value[i:n])
				}
				i = len(value) - len(rest)
				continue
			}
		case '(':
			if n := CommentLen(value[i:]); n > 0 {
				b.WriteByte(' ')
				i += n
				continue
			}
		case ',', ';':
			flush()
			i++
			continue
		}
		b.WriteByte(value[i])
		i++
	}
	flush()
	return parts
}

// CommentLen returns the length of the comment at the start of s (RFC 5322 section
// 3.2.2, nested), 0 where it is not closed.
func CommentLen(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}
