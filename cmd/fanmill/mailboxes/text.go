package mailboxes

import (
	"fmt"
	"strings"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/store"
	"fanmill/training/cull"
)

// maxMixed is how many groups with both labels are listed for a reader; JSON has
// all of them.
const maxMixed = 20

// mailReport is what corpus stats prints as JSON.
type mailReport struct {
	Paths []pathReport  `json:"paths"`
	Total pathReport    `json:"total"`
	Ham   int           `json:"ham"`
	Spam  int           `json:"spam"`
	Mixed [][]oneOfKind `json:"both_labels"` // groups of near-duplicates that have both
}

// pathReport adds to a summary what it only points at.
type pathReport struct {
	cull.Summary
	Largest *letter `json:"largest,omitempty"`
}

// letter names one message. The texts are hostile; cli.PrintJSON and cli.Safe escape them.
type letter struct {
	Source    string `json:"source"`
	MessageID string `json:"message_id"`
	Subject   string `json:"subject"`
	Class     string `json:"class,omitempty"`
	Bytes     int64  `json:"bytes"`
}

// oneOfKind is a message of a group, with its likeness to the first.
type oneOfKind struct {
	letter
	Likeness float64 `json:"likeness"`
	Same     bool    `json:"same"`
}

// dupsReport is what corpus dups prints as JSON.
type dupsReport struct {
	Messages int           `json:"messages"`
	Same     int           `json:"same"`
	Near     int           `json:"near"`
	Groups   [][]oneOfKind `json:"groups"`
	Written  []Written     `json:"written,omitempty"`
}

// trimReport is what corpus trim prints as JSON.
type trimReport struct {
	Messages int       `json:"messages"`
	Left     cull.Left `json:"left_out"`
	Written  []Written `json:"written,omitempty"`
}

func reportMail(s *cull.Survey) mailReport {
	r := mailReport{
		Total: reportPath(s, s.Total(store.None)), Mixed: kinds(s, s.Mixed()),
		Ham: s.Total(store.Ham).Messages, Spam: s.Total(store.Spam).Messages,
	}
	for _, sum := range s.Summaries() {
		r.Paths = append(r.Paths, reportPath(s, sum))
	}
	return r
}

func reportPath(s *cull.Survey, sum cull.Summary) pathReport {
	r := pathReport{Summary: sum}
	if sum.Largest >= 0 {
		l := letterOf(s, sum.Largest)
		r.Largest = &l
	}
	return r
}

func reportDups(s *cull.Survey, list []Written) dupsReport {
	sum := s.Total(store.None)
	return dupsReport{sum.Messages, sum.Same, sum.Near, kinds(s, s.Groups()), list}
}

func letterOf(s *cull.Survey, i int) letter {
	e := &s.Entries[i]
	return letter{e.Source(), e.MessageID(), e.Subject(), className(s.Class(i)), e.Size}
}

func className(c store.Class) string {
	if c == store.None {
		return ""
	}
	return c.String()
}

func kinds(s *cull.Survey, groups [][]int) [][]oneOfKind {
	all := make([][]oneOfKind, 0, len(groups))
	for _, g := range groups {
		var list []oneOfKind
		for _, i := range g {
			list = append(list, oneOfKind{letterOf(s, i), s.Likeness(g[0], i), s.Entries[i].Same})
		}
		all = append(all, list)
	}
	return all
}

// text is a paragraph for each path, one for all, the balance and what has both
// labels.
func (r mailReport) text() string {
	var b strings.Builder
	for _, p := range r.Paths {
		title := cli.Safe(p.Path)
		if p.Class != "" {
			title += " (" + p.Class + ")"
		}
		pathText(&b, title, p)
	}
	if len(r.Paths) > 1 {
		pathText(&b, "all", r.Total)
	}
	if r.Ham+r.Spam > 0 {
		b.WriteString(balanceText(r.Ham, r.Spam))
	}
	if len(r.Mixed) > 0 {
		fmt.Fprintf(&b, "\n%s of near-duplicates with both labels; one label of each is probably wrong:\n", cli.Plural(len(r.Mixed), "group", "groups"))
	}
	for i, g := range r.Mixed {
		if i == maxMixed {
			fmt.Fprintf(&b, "\nand %d more; --json lists all\n", len(r.Mixed)-i)
			break
		}
		b.WriteString("\n")
		for _, k := range g {
			fmt.Fprintf(&b, "  %-5s %s\n", k.Class, k.line())
		}
	}
	return b.String()
}

func pathText(b *strings.Builder, title string, p pathReport) {
	row := func(name, format string, args ...any) {
		fmt.Fprintf(b, "  %-11s %s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintln(b, title)
	row("messages", "%d, %s", p.Messages, cli.Bytes(p.Bytes))
	if p.Messages > p.Undated {
		row("dates", "%s to %s%s", dateText(p.Oldest), dateText(p.Newest), undatedText(p.Undated))
	}
	if p.Largest != nil {
		row("largest", "%s, %s", cli.Bytes(p.Largest.Bytes), p.Largest.line())
	}
	row("seen before", "%d the same, %d nearly the same", p.Same, p.Near)
	if p.Unreadable > 0 {
		row("unreadable", "%s", cli.Plural(p.Unreadable, "file or message", "files or messages"))
	}
}

func undatedText(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d without a date", n)
}

// line is a message in a list.
func (l *letter) line() string {
	return fmt.Sprintf("%s  %s  %s", cli.Safe(l.Source), cli.Fit(l.MessageID, 60), cli.Fit(l.Subject, 60))
}

// lopsided is how many messages of one class for each of the other are too many.
const lopsided = 4

// balanceText says how many messages there are of each class, and when that is
// lopsided.
func balanceText(ham, spam int) string {
	text := fmt.Sprintf("balance       %d ham, %d spam", ham, spam)
	few, many, more := ham, spam, "spam"
	if ham > spam {
		few, many, more = spam, ham, "ham"
	}
	switch {
	case few == 0:
		return text + ": one class only, from which nothing can be learned\n"
	case many > lopsided*few:
		return text + fmt.Sprintf(": %.1f %s for each one of the other, more than %d make training lopsided\n"+
			"              `fanmill corpus trim --balance %d` keeps the newest\n", float64(many)/float64(few), more, lopsided, lopsided)
	}
	return text + "\n"
}

// text is a paragraph for each group, and the counts.
func (r dupsReport) text() string {
	var b strings.Builder
	for _, g := range r.Groups {
		for i, k := range g {
			mark := fmt.Sprintf("%.2f", k.Likeness)
			switch {
			case i == 0:
				mark = "first"
			case k.Same:
				mark = "same"
			}
			fmt.Fprintf(&b, "%-5s %s\n", mark, k.line())
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%s in %s: %d the same, %d nearly the same as one before\n",
		cli.Plural(len(r.Groups), "group", "groups"), cli.Plural(r.Messages, "message", "messages"), r.Same, r.Near)
	b.WriteString(writtenText(r.Written))
	return b.String()
}

// text says how many messages each limit left out.
func (r trimReport) text() string {
	l := r.Left
	return fmt.Sprintf("%s read; left out: %d old, %d large, %d beyond the newest, %d for balance\n",
		cli.Plural(r.Messages, "message", "messages"), l.Old, l.Large, l.Surplus, l.Unbalanced) + writtenText(r.Written)
}

func writtenText(list []Written) string {
	var b strings.Builder
	for _, w := range list {
		fmt.Fprintf(&b, "wrote %s to %s\n", cli.Plural(w.Messages, "message", "messages"), cli.Safe(w.Path))
	}
	return b.String()
}

func dateText(t time.Time) string { return t.Local().Format(time.DateOnly) }
