package cli

import (
	"testing"
	"time"
)

func TestMoment(t *testing.T) {
	for _, tt := range []struct {
		in   string
		end  bool
		want time.Time
	}{
		{"2026-03-14", false, time.Date(2026, 3, 14, 0, 0, 0, 0, time.Local)},
		{"2026-03-14", true, time.Date(2026, 3, 15, 0, 0, 0, 0, time.Local)},
		{"2026-03-14T15:04", true, time.Date(2026, 3, 14, 15, 4, 0, 0, time.Local)},
		{"2026-03-14 15:04:05", false, time.Date(2026, 3, 14, 15, 4, 5, 0, time.Local)},
		{"2026-03-14T15:04:05Z", false, time.Date(2026, 3, 14, 15, 4, 5, 0, time.UTC)},
	} {
		m := Moment{End: tt.end}
		if err := m.Set(tt.in); err != nil || !m.Equal(tt.want) {
			t.Errorf("%s: %v, %v; want %v", tt.in, m.Time, err, tt.want)
		}
	}
	for in, ago := range map[string]time.Duration{"2h": 2 * time.Hour, "3d": 72 * time.Hour, "1d12h": 36 * time.Hour} {
		var m Moment
		if err := m.Set(in); err != nil || time.Since(m.Time)-ago < 0 || time.Since(m.Time)-ago > time.Minute {
			t.Errorf("%s: %v, %v", in, m.Time, err)
		}
	}
	for _, in := range []string{"", "yesterday", "-2h", "2026-13-01", "14.3.2026"} {
		if err := new(Moment).Set(in); err == nil {
			t.Errorf("%q is taken", in)
		}
	}
}
