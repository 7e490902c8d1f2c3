package classify

import (
	"math"
	"testing"
)

func TestSecondReading(t *testing.T) {
	even := Count{Ham: 100, Spam: 100}
	if e := second(nil, even); e != 0 {
		t.Errorf("of nothing: %v", e)
	}
	if e := second([]Count{{Ham: 50, Spam: 50}}, even); e != 0 {
		t.Errorf("of a word as common in both classes: %v", e)
	}
	spam, ham := second([]Count{{Spam: 20}}, even), second([]Count{{Ham: 20}}, even)
	if spam <= 0 || spam != -ham {
		t.Errorf("of a spam word %v, of a ham word %v", spam, ham)
	}
	if more := second([]Count{{Spam: 20}, {Spam: 30}}, even); more <= spam {
		t.Errorf("two spam words say %v, one %v", more, spam)
	}
	// A word seen once says less than one seen often, and no class is preferred
	// for being larger.
	if once := second([]Count{{Spam: 1}}, even); once >= spam {
		t.Errorf("seen once %v, seen often %v", once, spam)
	}
	if e := second([]Count{{Ham: 90, Spam: 10}}, Count{Ham: 900, Spam: 100}); e != 0 {
		t.Errorf("a word in a tenth of each class: %v", e)
	}
}

// A feature that comes four times under other names says twice as much, and features
// that the model does not know change nothing.
func TestSecondReadingOfRepeatedFeatures(t *testing.T) {
	even, c := Count{Ham: 100, Spam: 100}, Count{Spam: 20}
	once, four := second([]Count{c}, even), second([]Count{c, c, c, c}, even)
	if math.Abs(four-2*once) > 1e-9 {
		t.Errorf("once %v, four times %v", once, four)
	}
	if e := second([]Count{c, {}, {}, {}}, even); e != once {
		t.Errorf("with three unknown words %v, without %v", e, once)
	}
}

// However often features were seen in one class only, the sum is a number.
func TestSecondReadingOfCertainty(t *testing.T) {
	for _, n := range []uint32{400, 500, 150_000, math.MaxUint32} {
		even, spam, ham := Count{Ham: n, Spam: n}, Count{Spam: n}, Count{Ham: n}
		if e := second([]Count{spam}, even); !(e > 5 && e < 50) {
			t.Errorf("in %d spam and no ham: %v", n, e)
		}
		if e := second([]Count{spam, ham}, even); e != 0 {
			t.Errorf("with another as often in ham: %v", e)
		}
	}
}

// Thousands of strong features stay within the range of numbers.
func TestSecondReadingOfVeryMuch(t *testing.T) {
	counts := make([]Count, 8000)
	for i := range counts {
		counts[i] = Count{Ham: 5000}
	}
	e := second(counts, Count{Ham: 5000, Spam: 5000})
	if math.IsNaN(e) || math.IsInf(e, 0) || e > -100 {
		t.Errorf("8000 ham words: %v", e)
	}
}
