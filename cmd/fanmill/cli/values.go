package cli

import (
	"errors"
	"flag"
	"strconv"
	"strings"
	"time"

	"fanmill/config"
	"fanmill/control"
)

// Values of flags that several commands have. Each is a flag.Value.

// scopeValue is the flag --scope; it takes only what can be a scope's name.
type scopeValue struct{ name *string }

// ScopeValue is a flag whose value goes to name.
func ScopeValue(name *string) flag.Value { return scopeValue{name} }

// String is flag.Value; the zero value is the site.
func (v scopeValue) String() string {
	if v.name == nil {
		return ""
	}
	return *v.name
}

// Set is flag.Value.
func (v scopeValue) Set(s string) error {
	if err := control.CheckScope(s); err != nil {
		return err
	}
	*v.name = s
	return nil
}

// Moment is a flag that says when: so long ago, a date, or a date and a time, of
// this host's time zone unless it names one.
type Moment struct {
	time.Time
	End bool // of a date its end is meant, else its beginning
}

// String is flag.Value; the zero value is no condition.
func (m *Moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

// Set is flag.Value.
func (m *Moment) Set(text string) (err error) {
	if ago, err := config.ParseDuration(text); err == nil {
		m.Time = time.Now().Add(-time.Duration(ago))
		return nil
	}
	if m.Time, err = time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		if m.End {
			m.Time = m.AddDate(0, 0, 1)
		}
		return nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05", time.DateTime, time.RFC3339} {
		if m.Time, err = time.ParseInLocation(layout, text, time.Local); err == nil {
			return nil
		}
	}
	return errors.New("want a time ago such as 2h or 3d, a date such as 2006-01-02, or 2006-01-02T15:04")
}

// Repeated collects the values of a flag that is given several times.
type Repeated []string

// String is flag.Value.
func (v *Repeated) String() string { return "" }

// Set is flag.Value.
func (v *Repeated) Set(s string) error { *v = append(*v, s); return nil }

// ParseShare reads a number that is not negative, or a percentage.
func ParseShare(s string) (float64, error) {
	number, percent := strings.CutSuffix(s, "%")
	x, err := strconv.ParseFloat(number, 64)
	if percent {
		x /= 100
	}
	if err == nil && !(x >= 0) {
		err = strconv.ErrRange
	}
	return x, err
}

// ScopeFlag is the flag --scope as it stands in a command line, "" for the site.
func ScopeFlag(scope string) string {
	if scope == "" {
		return ""
	}
	return " --scope " + scope
}
