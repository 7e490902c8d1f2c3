package headers

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"fanmill/classify"
	"fanmill/policy"
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
	Stars // of SpamAssassin's fields the one with stars
)

var familyNames = [...]string{"fanmill", "spambayes", "dspam", "bogofilter", "spamassassin", "stars"}

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
	Clues    []classify.Clue  // the evidence, strongest first; empty: no field for it

	// Sender is what a rule says of the sender, which outranks Verdict and Score. Other
	// programs go by the fields of other families, so these say ham or spam as the rule
	// does, but for DSPAM's, which keep what the score says of a blocked sender beside
	// the Reclassified that stands for the rule.
	Sender policy.SenderList
}

// Field is one header field. Value is printable ASCII without the blank after
// the colon; long values are folded with LF and TAB, no line longer than 998
// bytes, and longer than 78 only where one clue is (RFC 5322 section 2.1.1).
type Field struct {
	Name, Value string
}

// Render returns the fields of the families in the order in which they are to
// stand in the message, each field at most once.
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
		for _, field := range f.render(i) {
			if !slices.ContainsFunc(fields, func(have Field) bool { return have.Name == field.Name }) {
				fields = append(fields, field) // two families have stars
			}
		}
	}
	return fields
}

func (f Family) render(i Info) []Field {
	if f == Fanmill {
		return fanmill(i)
	}
	switch {
	case i.Sender == policy.Welcome:
		i.Verdict, i.Score, i.Unscored = classify.Ham, 0, false
	case i.Sender == policy.Block && f != DSPAM:
		i.Verdict, i.Score, i.Unscored = classify.Spam, 1, false
	}
	switch {
	case f == DSPAM:
		return dspam(i)
	case i.Unscored:
		return nil
	case f == SpamBayes:
		return spamBayes(i)
	case f == Bogofilter:
		return []Field{{"X-Bogosity", title(i.Verdict) + ", tests=bogofilter, spamicity=" + decimals(i.Score, 6) + ", version=fanmill"}}
	case f == SpamAssassin:
		return spamAssassin(i)
	}
	return level(i)
}

func fanmill(i Info) []Field {
	var words []string
	switch {
	case i.Sender == policy.Welcome:
		words = append(words, classify.Ham.String())
	case i.Sender == policy.Block:
		words = append(words, classify.Spam.String())
	case i.Unscored:
		words = append(words, "unscored")
	default:
		words = append(words, i.Verdict.String())
	}
	if !i.Unscored {
		words = append(words, "score="+decimals(i.Score, 4))
	}
	if i.Sender != policy.Unlisted {
		words = append(words, "list="+i.Sender.String())
	}
	status := strings.Join(append(words, "id="+i.ID), " ")
	if i.Unscored {
		return []Field{{"X-Fanmill-Status", status}}
	}
	fields := []Field{{"X-Fanmill-Status", status}}
	if len(i.Clues) > 0 {
		fields = append(fields, Field{cluesName, clueList(i.Clues)})
	}
	return fields
}

// spamBayes writes what SpamBayes' hammie.py does (classification and score), and with
// clues the evidence as its message.py, addSBHeaders, puts it.
func spamBayes(i Info) []Field {
	fields := []Field{{"X-Spambayes-Classification", i.Verdict.String() + "; " + decimals(i.Score, 2)}}
	if len(i.Clues) > 0 {
		fields = append(fields, Field{evidenceName, evidence(i.Clues)})
	}
	return fields
}

// dspam writes the fields of DSPAM's dspam.c, add_xdspam_headers, less the time. It
// knows two classes: what is not spam is Innocent. Confidence is the distance of the
// score from the middle, 0..1. DSPAM writes Reclassified when it is told of an error;
// then Result is what it had said before.
func dspam(i Info) (fields []Field) {
	result := "Innocent"
	if i.Verdict == classify.Spam {
		result = "Spam"
	}
	if !i.Unscored {
		fields = []Field{
			{"X-DSPAM-Result", result},
			{"X-DSPAM-Confidence", decimals(math.Abs(2*i.Score-1), 4)},
			{"X-DSPAM-Probability", decimals(i.Score, 4)},
			{"X-DSPAM-Signature", i.ID},
		}
		if len(i.Clues) > 0 {
			fields = append(fields, Field{"X-DSPAM-Factors", factors(i.Clues)})
		}
	}
	if i.Sender == policy.Block {
		fields = append(fields, Field{"X-DSPAM-Reclassified", "Spam"})
	}
	return fields
}

// spamAssassin writes the score as points of 0 to 10, bent so that 5 is the
// spam cut-off: rules that count five stars or compare with 5.0 work. Status has the
// form of SpamAssassin's default add_header lines; Score, which SpamAssassin itself
// does not write, that of MIMEDefang: points, then stars in brackets, so that
// Mailman's customary X-Spam-Score: [*]{4,} matches as well as a number does.
func spamAssassin(i Info) []Field {
	flag, status := "NO", "No"
	if i.Verdict == classify.Spam {
		flag, status = "YES", "Yes"
	}
	tenths := tenths(i.Score, i.Cutoffs.Spam)
	points := strconv.Itoa(tenths/10) + "." + strconv.Itoa(tenths%10)
	score := points
	if tenths >= 10 {
		score += " (" + strings.Repeat("*", tenths/10) + ")"
	}
	return append([]Field{
		{"X-Spam-Flag", flag},
		{"X-Spam-Status", status + ", score=" + points + " required=5.0 tests=FANMILL_" + strings.ToUpper(i.Verdict.String()) + "\n\tautolearn=no version=fanmill"},
		{"X-Spam-Score", score},
	}, level(i)...)
}

// level writes a star for each whole point; without one there is no field, for an
// empty value would delete it instead of writing it.
func level(i Info) []Field {
	if stars := tenths(i.Score, i.Cutoffs.Spam) / 10; stars > 0 {
		return []Field{{"X-Spam-Level", strings.Repeat("*", stars)}}
	}
	return nil
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
