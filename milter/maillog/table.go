package maillog

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"fanmill/policy"
)

// Row is a day of the table.
type Row struct {
	Day string // 2006-01-02
	N   [policy.Columns]int64
}

// Bounds of a table. A gap of more than a year is no quiet time but a clock that was
// wrong, and is not filled.
const (
	maxDays = 100 * 366
	maxGap  = 366
)

var errDays = errors.New("it would be a day too many: the log speaks of more than a hundred years")

// Table adds messages up by day.
type Table struct {
	zone *time.Location

	mu   sync.Mutex
	days map[string]*Row
	row  *Row // of the day in hand: lines come in the order of time
	from time.Time
	to   time.Time
}

// NewTable returns an empty table whose days are those of zone.
func NewTable(zone *time.Location) *Table { return &Table{zone: zone, days: map[string]*Row{}} }

// Add counts what a line says.
func (t *Table) Add(e Entry) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.row == nil || e.Time.Before(t.from) || !e.Time.Before(t.to) {
		if err := t.turnTo(e.Time.In(t.zone)); err != nil {
			return err
		}
	}
	for _, c := range e.Columns {
		t.row.N[c]++
	}
	return nil
}

// turnTo takes the day of when in hand.
func (t *Table) turnTo(when time.Time) error {
	day := when.Format(time.DateOnly)
	row := t.days[day]
	if row == nil {
		if len(t.days) >= maxDays {
			return errDays
		}
		row = &Row{Day: day}
		t.days[day] = row
	}
	y, m, d := when.Date()
	t.row, t.from, t.to = row, time.Date(y, m, d, 0, 0, 0, 0, t.zone), time.Date(y, m, d+1, 0, 0, 0, 0, t.zone)
	return nil
}

// Rows returns the days in order, with a row of zeros for each day between on which
// nothing was counted.
func (t *Table) Rows() []Row {
	t.mu.Lock()
	rows := make([]Row, 0, len(t.days))
	for _, r := range t.days {
		rows = append(rows, *r)
	}
	t.mu.Unlock()
	return Fill(rows)
}

// Fill puts rows in the order of days and adds one of zeros for each missing day
// between two that are not more than a year apart.
func Fill(rows []Row) []Row {
	slices.SortFunc(rows, func(a, b Row) int { return strings.Compare(a.Day, b.Day) })
	var full []Row
	for i, r := range rows {
		if i > 0 {
			full = append(full, between(rows[i-1].Day, r.Day)...)
		}
		full = append(full, r)
	}
	return full
}

// between returns rows of zeros for the days after a and before b.
func between(a, b string) []Row {
	from, err := time.Parse(time.DateOnly, a)
	to, err2 := time.Parse(time.DateOnly, b)
	if err != nil || err2 != nil || to.Sub(from) > maxGap*24*time.Hour {
		return nil
	}
	var list []Row
	for d := from.AddDate(0, 0, 1); d.Before(to); d = d.AddDate(0, 0, 1) {
		list = append(list, Row{Day: d.Format(time.DateOnly)})
	}
	return list
}
