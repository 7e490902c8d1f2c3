package senders

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
// of them cost 30 ms; here each is filed under three bytes of a literal that whatever it
// matches contains, those that the fewest others stand under, and only those are tried
// whose bytes the text has. They are kept as source, since a compiled expression has some
// kilobytes, and compiled when they are first tried.
type expressions struct {
	sources []expressionLine
	grams   map[[gramLen]byte][]int32 // indices into sources
	rest    []int32                   // without a literal that is long enough: always tried
	resting int                       // weight of these

	mu       sync.Mutex
	compiled map[int32]*regexp.Regexp
	weight   int // of what is compiled
}

type expressionLine struct {
	source string
	line   int32
	weight int // instructions, about
}

// Whoever keeps a list may be anybody, and all mail waits for it: each expression, what is
// kept of them compiled, and the work for one message are bounded. An expression takes at
// most its instructions for each byte of the text (some 10 ns each).
const (
	gramLen     = 3
	maxWeight   = 1000       // of one expression
	maxCompiled = 100_000    // of all that are kept, some 10 MB
	maxRest     = 20_000     // of those without a literal
	maxWork     = 10_000_000 // instructions for one message: what is left then is not tried
	maxLiterals = 64         // of one expression with alternatives
)

func newExpressions() *expressions {
	return &expressions{grams: map[[gramLen]byte][]int32{}, compiled: map[int32]*regexp.Regexp{}}
}

// fromPrefix is in every text: what is in it tells nothing.
var fromPrefix = fold("From: ")

// add files an expression that is matched unanchored and whatever the case.
func (x *expressions) add(source string, line int32) error {
	re, err := parseExpression(source)
	if err != nil {
		return err
	}
	weight := weigh(re)
	if weight > maxWeight {
		return errHeavy
	}
	n := int32(len(x.sources))
	literals := x.required(re)
	if len(literals) == 0 {
		if err := x.addToRest(source, n, weight); err != nil {
			return err
		}
	}
	for _, l := range literals {
		g, _ := x.emptiest(l)
		if list := x.grams[g]; len(list) == 0 || list[len(list)-1] != n {
			x.grams[g] = append(list, n)
		}
	}
	x.sources = append(x.sources, expressionLine{source, line, weight})
	return nil
}

// addToRest takes an expression without a literal, unless it matches every sender or there
// is too much of that kind.
func (x *expressions) addToRest(source string, n int32, weight int) error {
	re, err := regexp.Compile("(?i)" + source)
	switch {
	case err != nil:
		return fmt.Errorf("is not a regular expression: %w", err)
	case re.MatchString("From: "):
		return errLineShort
	}
	if x.resting+weight > maxRest {
		return errNoLiteral
	}
	x.resting += weight
	x.rest = append(x.rest, n)
	return nil
}

// weigh returns about how many instructions an expression has; what is beyond maxWeight is
// not counted.
func weigh(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)/2
	for _, sub := range re.Sub {
		if n += weigh(sub); n > maxWeight {
			return n
		}
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return n
}

// emptiest returns the gram of a literal under which the fewest expressions stand, and
// how many these are; -1 where no gram tells anything.
func (x *expressions) emptiest(literal string) (best [gramLen]byte, crowd int) {
	crowd = -1
	for i := 0; i+gramLen <= len(literal); i++ {
		if strings.Contains(fromPrefix, literal[i:i+gramLen]) {
			continue
		}
		g := [gramLen]byte([]byte(literal[i : i+gramLen]))
		if n := len(x.grams[g]); crowd < 0 || n < crowd {
			best, crowd = g, n
		}
	}
	return best, crowd
}

// match returns the line of the first expression that matches the first of the texts that
// any matches.
func (x *expressions) match(texts ...string) (line int32, ok bool) {
	work := maxWork
	for _, text := range texts {
		if len(x.sources) == 0 || text == "" {
			continue
		}
		for _, n := range x.candidates(text) {
			if work -= x.sources[n].weight * len(text); work < 0 {
				return 0, false
			}
			if x.compile(n).MatchString(text) {
				return x.sources[n].line, true
			}
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
	re := x.compiled[n]
	x.mu.Unlock()
	if re != nil {
		return re
	}
	re = regexp.MustCompile("(?i)" + x.sources[n].source) // add has parsed it
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.weight += x.sources[n].weight; x.weight > maxCompiled {
		clear(x.compiled)
		x.weight = x.sources[n].weight
	}
	x.compiled[n] = re
	return re
}

// required returns folded literals of which every match of re contains at least one, each
// with a gram that tells something; none where that cannot be said.
func (x *expressions) required(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		literal := fold(string(re.Rune))
		if _, crowd := x.emptiest(literal); crowd >= 0 {
			return []string{literal}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return x.required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return x.required(re.Sub[0])
		}
	case syntax.OpConcat:
		return x.requiredOfConcat(re.Sub)
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			one := x.required(sub)
			if one == nil || len(all)+len(one) > maxLiterals {
				return nil
			}
			all = append(all, one...)
		}
		return all
	}
	return nil
}

// requiredOfConcat returns what the most telling of several parts in a row requires: that
// whose most crowded literal is the least crowded.
func (x *expressions) requiredOfConcat(subs []*syntax.Regexp) (best []string) {
	least := math.MaxInt
	for _, sub := range subs {
		literals := x.required(sub)
		most := -1
		for _, l := range literals {
			_, crowd := x.emptiest(l)
			most = max(most, crowd)
		}
		if literals != nil && most < least {
			best, least = literals, most
		}
	}
	return best
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
	errHeavy     = errors.New("is too large an expression: write fewer or smaller repeats")
	errNoLiteral = errors.New("is one too many of the patterns without three plain characters in a row, which are slow")
)
