package feature

import "github.com/cespare/xxhash/v2"

// Kind is the kind of a feature, such as words of the subject.
type Kind struct {
	seed  uint64
	label string // what a person reads before the word
	field []byte // with label empty: the field whose words these are
}

// NewKind makes a kind. The hash of text enters those of its features, so that texts are
// append-only: a changed rule gets a new one. The label is what a person reads.
func NewKind(text, label string) *Kind {
	return &Kind{seed: xxhash.Sum64String(text) | 1, label: label}
}

// OfField returns the kind of words in a header field (lower-case name) that has no kind
// of its own. It keeps name.
func OfField(name []byte) Kind {
	return Kind{seed: mix(0x66, sum64(name)) | 1, field: name}
}

// Hash is the feature of a word of this kind.
func (k *Kind) Hash(word []byte) uint64 { return mix(k.seed, sum64(word)) }

// mix joins a kind and the hash of a word into the feature's hash. The
// multiplier is the 64-bit golden ratio (Knuth, TAOCP 3, 6.4).
func mix(seed, h uint64) uint64 {
	h = (h ^ seed) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}
