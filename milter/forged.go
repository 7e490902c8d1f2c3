package milter

import (
	"strings"

	"fanmill/headers"
)

// maxForgedNames bounds the different names that are remembered; names that we
// write ourselves are remembered beyond it, and are finite. maxForgedName bounds
// one name: no filter writes such long ones, and a message may have thousands.
const (
	maxForgedNames = 4096
	maxForgedName  = 256
)

// forged counts the verdict fields that a message brings along, by name.
type forged struct {
	index  map[string]int
	counts []forgedName
	missed bool // too many different names: some stay in the message
}

// forgedName is a name (lower case) and how often it occurs.
type forgedName struct {
	name  string
	count int
}

// add notes a field and reports whether it is a verdict field.
func (f *forged) add(name string) bool {
	if !headers.IsVerdict(name) {
		return false
	}
	name = strings.TrimRight(name, " \t")
	if len(name) > maxForgedName {
		f.missed = true
		return true
	}
	key := strings.ToLower(name)
	i, ok := f.index[key]
	if !ok {
		if len(f.counts) >= maxForgedNames && !headers.IsWritten(key) {
			f.missed = true
			return true
		}
		if f.index == nil {
			f.index = map[string]int{}
		}
		i = len(f.counts)
		f.index[key] = i
		f.counts = append(f.counts, forgedName{name: key})
	}
	f.counts[i].count++
	return true
}
