package messages

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"fanmill/cmd/fanmill/cli"
	"fanmill/control"
	"fanmill/spool"
)

// explainText is an explanation for a terminal, below the line of the verdict.
func explainText(r control.ScoreReply) string {
	var b strings.Builder
	if x := r.Explanation; x != nil {
		sumText(&b, x, r)
		piecesText(&b, x)
	}
	heading := "clues, the strongest first"
	if x := r.Explanation; x != nil && x.Beginning != 0 {
		heading = "clues of the beginning, the strongest first"
	}
	cluesText(&b, heading, r.Clues)
	return b.String()
}

// heldText is why a message was held, for a terminal. Messages that an older version
// held have clues only, without places.
func heldText(m spool.Meta) string {
	r := control.ScoreReply{Score: m.Score, LogOdds: m.LogOdds, Explanation: m.Explanation}
	for _, c := range m.Clues {
		r.Clues = append(r.Clues, control.Clue{Text: c.Text, Place: c.Place, Prob: c.Prob, Strength: math.Abs(c.Prob - 0.5), Ham: c.Ham, Spam: c.Spam})
	}
	return explainText(r)
}

// sumText shows what adds up to the score.
func sumText(b *strings.Builder, x *control.Explanation, r control.ScoreReply) {
	row := func(name string, logOdds float64, note string, args ...any) {
		fmt.Fprintf(b, "    %+9.4f  %-14s  %s\n", logOdds, name, fmt.Sprintf(note, args...))
	}
	b.WriteString("  log-odds of spam, natural logarithm\n")
	row("counts", x.Counts, "opinion %+.4f from %s, *H* %.4f, *S* %.4f", x.CountsOpinion, cli.Plural(x.ClueCount, "clue", "clues"), x.HamTail, x.SpamTail)
	row("second reading", x.Second, "opinion %+.4f from the same counts", x.SecondOpinion)
	row("linear part", x.Linear, "opinion %+.4f", x.LinearOpinion)
	row("bias", x.Bias, "of the calibrator")
	if x.Own != 0 {
		row("own labels", x.Own, "what the scope's own labels changed in counts and second reading, once more")
	}
	switch {
	case x.Borrowed:
		row("thin evidence", x.Thin, "another filter counted most of it; from %d own labels of each class the score leaves the unsure band", x.Needed)
	case int(min(x.HamCounted, x.SpamCounted)) < x.Needed:
		row("thin evidence", x.Thin, "%d ham and %d spam counted; from %d of each the score leaves the unsure band", x.HamCounted, x.SpamCounted, x.Needed)
	}
	if x.Beginning != 0 {
		row("beginning", x.Beginning, "header, markup, first links and first words say spam by themselves; what follows takes little back")
	}
	row("sum", r.LogOdds, "probability %.4f, with a floor of doubt the score %.4f", x.BeforeFloor, r.Score)
}

// piecesText shows what adds up to the linear part's opinion.
func piecesText(b *strings.Builder, x *control.Explanation) {
	if len(x.Pieces) == 0 {
		return
	}
	b.WriteString("  words that moved the linear part's opinion\n")
	for _, p := range x.Pieces {
		fmt.Fprintf(b, "    %+9.4f  %s\n", p.Share, cli.Safe(p.Text))
	}
	fmt.Fprintf(b, "    %+9.4f  the rest, %s\n    %+9.4f  opinion\n", x.Rest.Share, cli.Plural(x.Others, "word", "words"), x.LinearOpinion)
}

// placeWidth is the widest a clue's place is shown.
const placeWidth = 36

// cluesText shows clues under a heading, each with its sources below.
func cluesText(b *strings.Builder, heading string, clues []control.Clue) {
	if len(clues) == 0 {
		return
	}
	width := len("place")
	for _, c := range clues {
		width = max(width, utf8.RuneCountInString(cli.Fit(c.Place, placeWidth)))
	}
	fmt.Fprintf(b, "  %s\n    %-6s  %-8s  %6s  %6s  %-*s  clue\n", heading, "prob", "strength", "ham", "spam", width, "place")
	for _, c := range clues {
		fmt.Fprintf(b, "    %.4f  %8.4f  %6d  %6d  %-*s  %s\n", c.Prob, c.Strength, c.Ham, c.Spam, width, cli.Fit(c.Place, placeWidth), cli.Safe(c.Text))
		for _, s := range c.Sources {
			line := fmt.Sprintf("            %-4s  %s  %.12s  %s", cli.Safe(s.Class), s.Time.Local().Format("2006-01-02 15:04"), cli.Safe(s.Digest), cli.Fit(s.Subject, 60))
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
}
