package address

// Table finds what is filed under addresses and local parts, at the same cost however
// many there are. "+detail" of the address that is looked for is ignored by an entry that
// has none. The zero Table is empty.
type Table[V any] struct {
	addresses map[key]V
	locals    map[string]V
}

type key struct{ local, domain string }

// Add files a value under an address; the first of several stays.
func (t *Table[V]) Add(local, domain string, v V) {
	if t.addresses == nil {
		t.addresses = map[key]V{}
	}
	if k := (key{local, domain}); !has(t.addresses, k) {
		t.addresses[k] = v
	}
}

// AddLocal files a value under a local part at any domain, or without one; the first of
// several stays.
func (t *Table[V]) AddLocal(local string, v V) {
	if t.locals == nil {
		t.locals = map[string]V{}
	}
	if !has(t.locals, local) {
		t.locals[local] = v
	}
}

func has[K comparable, V any](m map[K]V, k K) bool {
	_, ok := m[k]
	return ok
}

// Lookup returns what is filed under an address: under all of it first, then under its
// local part.
func (t *Table[V]) Lookup(a Address) (v V, ok bool) {
	for _, local := range [...]string{a.Local, a.Base} {
		if v, ok = t.addresses[key{local, a.Domain}]; ok {
			return v, true
		}
		if v, ok = t.locals[local]; ok {
			return v, true
		}
	}
	return v, false
}
