package headers

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"fanmill/classify"
)

// Family is the set of verdict fields one filter writes.
type Family uint8

// The families.
const (
	Fanmill Family = iota
	SpamBayes
	DSPAM
	Bogofilter
	SpamAssassin
)

var familyNames = [...]string{"fanmill", "spambayes", "dspam", "bogofilter", "spamassassin"}

// String returns the family's name as it is written in the configuration.
func (f Family) String() string {
	if int(f) < len(familyNames) {
		return familyNames[f]
	}
	return "family(" + strconv.Itoa(int(f)) + ")"
}

// ParseFamily reads a family's name.
func ParseFamily(name string) (Family, error) {
	for i, n := range familyNames {
		if n == name {
			return Family(i), nil
		}
	}
	return 0, fmt.Errorf("header family %q: want one of %s", name, strings.Join(familyNames[:], ", "))
}

// Info is what a message's verdict headers say.
type Info struct {
	ID       string // the message's id: letters and digits
	Verdict  classify.Verdict
	Score    float64          // 0..1
	Cutoffs  classify.Cutoffs // zero: the defaults; spamassassin's points are scaled by them
	Unscored bool             // the message could not be scored: Verdict and Score say nothing
	Clues    []classify.Clue  // strongest first; empty: no clue field
}

// Field is one header field. Value is printable ASCII without the blank after
// the colon; long values are folded with LF and TAB, no line longer than 998
// bytes (RFC 5322 section 2.1.1).
type Field struct {
	Name, Value string
}

// Render returns the fields of the families in the order in which they are to
// stand in the message, each family at most once.
func Render(families []Family, i Info) []Field {
	if i.Cutoffs == (classify.Cutoffs{}) {
		i.Cutoffs = classify.DefaultCutoffs()
	}
	i.ID = word(i.ID)
	i.Score = clamp(i.Score)
	var seen [len(familyNames)]bool
	var fields []Field
	for _, f := range families {
		if int(f) >= len(seen) || seen[f] {
			continue
		}
		seen[f] = true
		fields = append(fields, f.render(i)...)
	}
	return fields
}

func (f Family) render(i Info) []Field {
	if f == Fanmill {
		return fanmill(i)
	}
	if i.Unscored {
		return nil
	}
	switch f {
	case SpamBayes:
		return []Field{{"X-Spambayes-Classification", i.Verdict.String() + "; " + decimals(i.Score, 2)}}
	case DSPAM:
		return dspam(i)
	case Bogofilter:
		return []Field{{"X-Bogosity", title(i.Verdict) + ", tests=bogofilter, spamicity=" + decimals(i.Score, 6)}}
	case SpamAssassin:
		return spamAssassin(i)
	}
	return nil
}

func fanmill(i Info) []Field {
	if i.Unscored {
		return []Field{{"X-Fanmill-Status", "unscored id=" + i.ID}}
	}
	fields := []Field{{"X-Fanmill-Status", i.Verdict.String() + " score=" + decimals(i.Score, 4) + " id=" + i.ID}}
	if len(i.Clues) > 0 {
		fields = append(fields, Field{"X-Fanmill-Clues", clueList(i.Clues)})
	}
	return fields
}

// dspam knows two classes: what is not spam is Innocent. Confidence is the
// distance of the score from the middle, 0..1.
func dspam(i Info) []Field {
	result := "Innocent"
	if i.Verdict == classify.Spam {
		result = "Spam"
	}
	return []Field{
		{"X-DSPAM-Result", result},
		{"X-DSPAM-Confidence", decimals(math.Abs(2*i.Score-1), 4)},
		{"X-DSPAM-Probability", decimals(i.Score, 4)},
		{"X-DSPAM-Signature", i.ID},
	}
}

// spamAssassin writes the score as points of 0 to 10, bent so that 5 is the
// spam cut-off: rules that count five stars or compare with 5.0 work.
func spamAssassin(i Info) []Field {
	flag, status := "NO", "No"
	if i.Verdict == classify.Spam {
		flag, status = "YES", "Yes"
	}
	tenths := tenths(i.Score, i.Cutoffs.Spam)
	points := strconv.Itoa(tenths/10) + "." + strconv.Itoa(tenths%10)
	fields := []Field{
		{"X-Spam-Flag", flag},
		{"X-Spam-Status", status + ", score=" + points + " required=5.0 tests=FANMILL_" + strings.ToUpper(i.Verdict.String())},
		{"X-Spam-Score", points},
	}
	// An empty value would delete the field instead of writing it.
	if stars := tenths / 10; stars > 0 {
		fields = append(fields, Field{"X-Spam-Level", strings.Repeat("*", stars)})
	}
	return fields
}

// tenths maps 0..spam to 0..49 and spam..1 to 50..100, rounding down.
func tenths(score, spam float64) int {
	switch {
	case score < spam:
		return min(int(50*score/spam), 49)
	case spam >= 1:
		return 100
	}
	return 50 + int(50*(score-spam)/(1-spam))
}

// clueList writes each clue as "text" probability, folded between clues.
func clueList(clues []classify.Clue) string {
	const width, maxText = 76, 120
	var b strings.Builder
	line := len("X-Fanmill-Clues: ")
	for n, c := range clues {
		item := printable(c.Text, maxText) + " " + decimals(clamp(c.Prob), 2)
		if n > 0 {
			b.WriteByte(';')
			if line+len(item)+2 > width {
				b.WriteString("\n\t")
				line = 8
			} else {
				b.WriteByte(' ')
				line += 2
			}
		}
		b.WriteString(item)
		line += len(item)
	}
	return b.String()
}

// printable quotes hostile text in printable ASCII of at most limit+2 bytes.
func printable(s string, limit int) string {
	q := strconv.QuoteToASCII(s[:min(len(s), limit)])
	if len(q) <= limit+2 {
		return q
	}
	return strings.TrimRight(q[:limit], `\`) + `"`
}

// word keeps the letters, digits and hyphens of an id.
func word(id string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-':
			return r
		}
		return -1
	}, id)
}

func clamp(x float64) float64 {
	if math.IsNaN(x) {
		return 0.5
	}
	return min(max(x, 0), 1)
}

func decimals(x float64, n int) string { return strconv.FormatFloat(x, 'f', n, 64) }

func title(v classify.Verdict) string {
	s := v.String()
	return strings.ToUpper(s[:1]) + s[1:]
}
