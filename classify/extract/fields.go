package extract

import (
	"slices"

	"fanmill/classify/grams"
)

// fieldKind is what is known of a header field by its name.
type fieldKind struct {
	ofList bool
	gram   int8 // its place in grams.Fields; -1: none
}

// fieldKinds has the names that are known, in lower case.
var fieldKinds = func() map[string]fieldKind {
	m := map[string]fieldKind{}
	for _, name := range ofList {
		m[name] = fieldKind{ofList: true, gram: -1}
	}
	for i, name := range grams.Fields() {
		m[name] = fieldKind{ofList: slices.Contains(ofList, name), gram: int8(i)}
	}
	return m
}()

// kindOf returns what is known of a field (lower-case name).
func kindOf(name []byte) fieldKind {
	if k, ok := fieldKinds[string(name)]; ok {
		return k
	}
	return fieldKind{gram: -1}
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
