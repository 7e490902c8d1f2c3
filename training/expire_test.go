package training

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"fanmill/store"
	"fanmill/store/query"
)

// Expiry leaves the model that the rows left give, lets others count in place of what
// went, and keeps the accuracy; cut short, a second run does the rest.
func TestExpire(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	tr := New(db, train1)
	ham, spam := writers(false, 900), writers(true, 901)
	train(t, tr, store.Ham, writeFile(t, filepath.Join(dir, "ham"), mbox(ham[:600])))
	train(t, tr, store.Spam, writeFile(t, filepath.Join(dir, "spam"), mbox(spam[:600])))
	was := mustLabels(t, db)
	keep := query.Keep{Rows: 400}
	ctx, cancel := context.WithCancel(t.Context())
	first, err := tr.Expire(ctx, keep, 0, func(int, int) { cancel() })
	if !errors.Is(err, context.Canceled) || first.Labels == 0 || first.Labels > expireStep {
		t.Fatalf("cut short: %+v, %v", first, err)
	}
	second, err := tr.Expire(t.Context(), keep, 0, nil)
	if err != nil || first.Labels+second.Labels != 800 || second.Found != second.Labels {
		t.Fatalf("then %+v, %v", second, err)
	}
	labels := mustLabels(t, db)
	if labels.Ham+labels.Spam != 400 || labels.HamAdds > was.HamAdds || labels.SpamAdds > was.SpamAdds || labels.Ham != 200 {
		t.Errorf("left %+v of %+v", labels, was)
	}
	checkRebuild(t, db)
	if h, s := errorsOf(t, db, false, ham[600:]), errorsOf(t, db, true, spam[600:]); h+s > 60 {
		t.Errorf("%d of 300 ham and %d of 301 spam on the wrong side", h, s)
	}
	// What counted goes too: then the newest that did not are judged again.
	sum, err := tr.Expire(t.Context(), query.Keep{Rows: 100}, 0, nil)
	if err != nil || sum.Needed == 0 || sum.Needed > sum.Labels {
		t.Errorf("%+v, %v", sum, err)
	}
	checkRebuild(t, db)
	if n, err := Sweep(t.Context(), db, query.Memory{}, 0); n != (Swept{}) || err != nil {
		t.Errorf("%+v removed at once, %v", n, err)
	}
	// Of the log only the newest entries stay; the model does not depend on it.
	swept, err := Sweep(t.Context(), db, query.Memory{Age: time.Nanosecond, Least: 7}, 0)
	if err != nil || swept != (Swept{Ops: db.Seq() - 7}) {
		t.Errorf("%+v of %d ops, %v", swept, db.Seq(), err)
	}
	checkRebuild(t, db)
	if sum, err := tr.Expire(t.Context(), query.Keep{Age: time.Hour}, 0, nil); sum != (Expired{}) || err != nil {
		t.Errorf("nothing is that old: %+v, %v", sum, err)
	}
}
