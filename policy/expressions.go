package policy

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// expressions are many regular expressions over one short text. Tried one by one, 20,000
// of them cost 30 ms; here each is filed under four bytes of a literal that whatever it
// matches contains, and only those are tried whose four bytes the text has. They are
// kept as source, since a compiled expression has some kilobytes, and compiled when they
// are first tried.
type expressions struct {
	sources []expressionLine
	grams   map[[gramLen]byte][]int32 // indices into sources
	rest    []int32                   // without a literal that is long enough: always tried

	mu       sync.Mutex
	compiled map[int32]*regexp.Regexp // at most maxCompiled
}

type expressionLine struct {
	source string
	line   int32
}

const (
	gramLen     = 4
	maxCompiled = 1000
	maxRest     = 500 // more without a literal would take too long
	maxLiterals = 64  // of one expression with alternatives
)

func newExpressions() *expressions {
	return &expressions{grams: map[[gramLen]byte][]int32{}, compiled: map[int32]*regexp.Regexp{}}
}

// add files an expression that is matched unanchored and whatever the case.
func (x *expressions) add(source string, line int32) error {
	re, err := parseExpression(source)
	if err != nil {
		return err
	}
	literals := required(re)
	n := int32(len(x.sources))
	if len(literals) == 0 {
		if len(x.rest) == maxRest {
			return errNoLiteral
		}
		x.rest = append(x.rest, n)
	}
	for _, l := range literals {
		g := x.emptiest(l)
		if list := x.grams[g]; len(list) == 0 || list[len(list)-1] != n {
			x.grams[g] = append(list, n)
		}
	}
	x.sources = append(x.sources, expressionLine{source, line})
	return nil
}

// emptiest returns the gram of a literal under which the fewest expressions stand.
func (x *expressions) emptiest(literal string) (best [gramLen]byte) {
	least := -1
	for i := 0; i+gramLen <= len(literal); i++ {
		g := [gramLen]byte([]byte(literal[i : i+gramLen]))
		if n := len(x.grams[g]); least < 0 || n < least {
			best, least = g, n
		}
	}
	return best
}

// match returns the line of the first expression that matches text.
func (x *expressions) match(text string) (line int32, ok bool) {
	if len(x.sources) == 0 || text == "" {
		return 0, false
	}
	for _, n := range x.candidates(text) {
		if x.compile(n).MatchString(text) {
			return x.sources[n].line, true
		}
	}
	return 0, false
}

// candidates returns those that may match text, in the order of the list.
func (x *expressions) candidates(text string) []int32 {
	list := slices.Clone(x.rest)
	folded := fold(text)
	for i := 0; i+gramLen <= len(folded); i++ {
		list = append(list, x.grams[[gramLen]byte([]byte(folded[i:i+gramLen]))]...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// compile returns an expression ready for use. When too many are kept all are dropped:
// that costs less than to know which were used last.
func (x *expressions) compile(n int32) *regexp.Regexp {
	x.mu.Lock()
	defer x.mu.Unlock()
	re := x.compiled[n]
	if re == nil {
		if len(x.compiled) >= maxCompiled {
			clear(x.compiled)
		}
		re = regexp.MustCompile("(?i)" + x.sources[n].source) // add has parsed it
		x.compiled[n] = re
	}
	return re
}

// required returns folded literals, each of gramLen bytes or more, of which every match
// of re contains at least one; none where that cannot be said.
func required(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return longEnough(fold(string(re.Rune)))
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat:
		return requiredOfConcat(re.Sub)
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			one := required(sub)
			if one == nil || len(all)+len(one) > maxLiterals {
				return nil
			}
			all = append(all, one...)
		}
		return all
	}
	return nil
}

// requiredOfConcat returns what the most telling of several parts in a row requires:
// that whose shortest literal is the longest.
func requiredOfConcat(subs []*syntax.Regexp) (best []string) {
	least := 0
	consider := func(literals []string) {
		shortest := math.MaxInt
		for _, l := range literals {
			shortest = min(shortest, len(l))
		}
		if literals != nil && shortest > least {
			best, least = literals, shortest
		}
	}
	for _, sub := range subs {
		consider(required(sub))
	}
	return best
}

func longEnough(literal string) []string {
	if len(literal) < gramLen {
		return nil
	}
	return []string{literal}
}

// fold maps each character to the least of those that differ from it in case only.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r // the least: small letters and signs such as the Kelvin follow
		}
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, s)
}

// parseExpression checks a pattern and returns its syntax tree.
func parseExpression(source string) (*syntax.Regexp, error) {
	re, err := syntax.Parse(source, syntax.Perl|syntax.FoldCase)
	if err == nil {
		return re, nil
	}
	if strings.HasPrefix(source, "*") {
		return nil, errGlob
	}
	for _, construct := range []string{"(?=", "(?!", "(?<=", "(?<!", "(?>", `\1`, `\2`, "*+", "++", "?+"} {
		if strings.Contains(source, construct) {
			return nil, errPCRE
		}
	}
	return nil, fmt.Errorf("is not a regular expression: %w", err)
}

var (
	errPCRE      = errors.New("is PCRE: look-around, back-references and possessive repeats do not exist in RE2")
	errGlob      = errors.New("begins with *, which is no wildcard here: write the domain alone for all its addresses")
	errNoLiteral = errors.New("is one too many of the patterns without four plain characters in a row, which are slow")
)
