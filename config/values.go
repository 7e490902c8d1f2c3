package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes. In the file it is an integer, or a string with a
// decimal unit ("256kB") or a binary one ("64MiB").
type Size int64

// sizeUnits are the units ParseSize knows, the largest first of each kind.
var sizeUnits = []struct {
	name   string
	factor int64
}{
	{"TiB", 1 << 40},
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"TB", 1e12},
	{"GB", 1e9},
	{"MB", 1e6},
	{"kB", 1e3},
	{"B", 1},
}

// ParseSize reads a size; the case of the unit does not matter.
func ParseSize(s string) (Size, error) {
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	unit := s[len(digits):]
	n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 63)
	if errors.Is(err, strconv.ErrRange) {
		return 0, errors.New("is too large")
	}
	if err != nil {
		return 0, errors.New("is not a size")
	}
	if unit == "" {
		return Size(n), nil
	}
	for _, u := range sizeUnits {
		if strings.EqualFold(u.name, unit) {
			if int64(n) > math.MaxInt64/u.factor {
				return 0, errors.New("is too large")
			}
			return Size(int64(n) * u.factor), nil
		}
	}
	return 0, fmt.Errorf("has the unknown unit %q", unit)
}

// String writes the size in the largest unit that leaves a whole number.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if u.factor > 1 && s != 0 && int64(s)%u.factor == 0 {
			return strconv.FormatInt(int64(s)/u.factor, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// Duration is a time span. In the file it is a string such as "2h10m", "30s",
// "250ms" or "5d" (a day is 24 hours).
type Duration time.Duration

// ParseDuration reads a time span.
func ParseDuration(s string) (Duration, error) {
	var days int64
	rest := s
	if head, tail, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(head, 10, 31)
		if err != nil {
			return 0, errors.New("is not a duration")
		}
		days, rest = int64(n), tail
	}
	var d time.Duration
	if rest != "" || rest == s {
		var err error
		if d, err = time.ParseDuration(rest); err != nil {
			return 0, errors.New("is not a duration")
		}
	}
	const day = int64(24 * time.Hour)
	switch {
	case d < 0 || strings.HasPrefix(rest, "-"):
		return 0, errors.New("is negative")
	case days > (math.MaxInt64-int64(d))/day:
		return 0, errors.New("is too long")
	}
	return Duration(days*day + int64(d)), nil
}

// String writes the time span without units that are zero: 2h10m, not 2h10m0s.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// FileMode is the permission bits of a file. In the file it is a string of
// octal digits such as "0660".
type FileMode uint32

// ParseFileMode reads permission bits.
func ParseFileMode(s string) (FileMode, error) {
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil || len(s) < 3 {
		return 0, errors.New("is not a file mode")
	}
	if n > 0o777 {
		return 0, errors.New("has bits beyond 0777")
	}
	return FileMode(n), nil
}

// String writes four octal digits.
func (m FileMode) String() string { return fmt.Sprintf("%04o", uint32(m)) }
