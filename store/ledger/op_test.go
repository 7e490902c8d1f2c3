package ledger

import (
	"testing"

	"fanmill/store/model"
)

// TestWhatOpsSay: of each sort of op, whether it is a decision and changed the label whole, and
// what is left of the mark that it gave when it is taken back.
func TestWhatOpsSay(t *testing.T) {
	ham, spam := model.Mark{Class: model.Ham, Adds: 1}, model.Mark{Class: model.Spam, Adds: 1}
	more, sure, waits := ham, ham, model.Mark{Class: model.Ham, Waits: true}
	more.Adds = 3
	sure.Sure = true
	sureMore := more
	sureMore.Sure = true
	for name, c := range map[string]struct {
		op                       Op
		decides, confirms, whole bool
		without                  model.Mark // of what the op gave
	}{
		"new":           {Op{Kind: KindLearn, After: ham}, true, false, true, model.Mark{}},
		"flipped":       {Op{Kind: KindFlip, Before: ham, After: spam}, true, false, true, ham},
		"forgotten":     {Op{Kind: KindForget, Before: ham}, true, false, true, ham},
		"confirmed":     {Op{Kind: KindLearn, Before: ham, After: ham}, true, true, false, ham},
		"insisted on":   {Op{Kind: KindLearn, Before: ham, After: sure}, true, false, false, ham},
		"sure and more": {Op{Kind: KindFlip, Before: ham, After: sureMore}, true, false, true, ham},
		"adds more":     {Op{Kind: KindFlip, Before: ham, After: more}, false, false, false, ham},
		"learned":       {Op{Kind: KindLearn, Before: waits, After: ham}, false, false, false, waits},
		"taken back":    {Op{Kind: KindFlip, Before: more, After: ham, Undoes: 3}, true, false, false, more},
	} {
		if o := &c.op; o.Decides() != c.decides || o.Confirms() != c.confirms || o.Whole() != c.whole {
			t.Errorf("%s: decides %v, confirms %v, whole %v", name, o.Decides(), o.Confirms(), o.Whole())
		}
		if !c.op.Stands(c.op.After) {
			t.Errorf("%s: it does not stand right after", name)
		}
		if got := c.op.Without(c.op.After); got != c.without {
			t.Errorf("%s: without it %+v, want %+v", name, got, c.without)
		}
	}
	flip, adds := Op{Before: ham, After: spam}, Op{Before: ham, After: more}
	if flip.Stands(ham) || !adds.Stands(sureMore) || adds.Stands(spam) {
		t.Error("an op stands where the label has changed, or does not where something else has")
	}
	if got := adds.Without(sureMore); got != sure {
		t.Errorf("what was added is taken back, and more: %+v", got)
	}
}
