package measure

import (
	"fmt"
	"strconv"
	"strings"

	"fanmill/cmd/fanmill/cli"
)

// Flags of eval with values of their own. Each is a flag.Value.

// firstValue is the number of a message, from 1, or auto, which is 0.
type firstValue int

// String is flag.Value.
func (v *firstValue) String() string {
	if *v == 0 {
		return "" // also the zero value, which is no default
	}
	return strconv.Itoa(int(*v))
}

// Set is flag.Value.
func (v *firstValue) Set(s string) error {
	if s == "auto" {
		*v = 0
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return fmt.Errorf("want a number from 1 on, or auto")
	}
	*v = firstValue(n)
	return nil
}

// shareValue is a share such as 0.05 or 5%.
type shareValue float64

// String is flag.Value.
func (v *shareValue) String() string { return strconv.FormatFloat(float64(*v), 'g', -1, 64) }

// Set is flag.Value.
func (v *shareValue) Set(s string) error {
	x, err := cli.ParseShare(s)
	if err != nil || x > 1 {
		return fmt.Errorf("want a share such as 0.05 or 5%%")
	}
	*v = shareValue(x)
	return nil
}

// splitValue is the share that is learned; half is 0.5.
type splitValue float64

// String is flag.Value.
func (v *splitValue) String() string { return (*shareValue)(v).String() }

// Set is flag.Value.
func (v *splitValue) Set(s string) error {
	if s == "half" {
		s = "0.5"
	}
	x, err := cli.ParseShare(s)
	if err != nil || x <= 0 || x >= 1 {
		return fmt.Errorf("want half, or a share between 0 and 1 such as 0.7 or 70%%")
	}
	*v = splitValue(x)
	return nil
}

// maxSeeds bounds how many runs a range asks for.
const maxSeeds = 1000

// seedsValue is a number, or several: 1-10 or 1,5,9.
type seedsValue []uint64

// String is flag.Value.
func (v *seedsValue) String() string { return "" }

// Set is flag.Value.
func (v *seedsValue) Set(s string) error {
	*v = nil
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, errA := strconv.ParseUint(first, 10, 64)
		b, errB := strconv.ParseUint(last, 10, 64)
		if errA != nil || errB != nil || a > b {
			return fmt.Errorf("want a number, or several such as 1-10 or 1,5,9")
		}
		if b-a >= maxSeeds || len(*v)+int(b-a) >= maxSeeds {
			return fmt.Errorf("more than %d runs", maxSeeds)
		}
		for seed := a; seed <= b; seed++ {
			*v = append(*v, seed)
		}
	}
	return nil
}

// oneInValue is N of "1 in N", or of a plain N.
type oneInValue int

// String is flag.Value.
func (v *oneInValue) String() string { return strconv.Itoa(int(*v)) }

// Set is flag.Value.
func (v *oneInValue) Set(s string) error {
	number := strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(number, "1 in "); ok {
		number = strings.TrimSpace(rest)
	}
	n, err := strconv.Atoi(strings.ReplaceAll(number, ",", ""))
	if err != nil || n < 2 || n > 1e9 {
		return fmt.Errorf("want \"1 in N\" or N, from 2 on")
	}
	*v = oneInValue(n)
	return nil
}
