package query_test

import (
	"fmt"
	"testing"

	"fanmill/store"
	"fanmill/store/storetest"
)

// plain returns a row whose opinions all say what its class is, or all the contrary.
func plain(n int, class store.Class, wrong bool) store.Row {
	row := storetest.Message(n, class, 0)
	row.Step = 0
	y := 1.0
	if (class == store.Ham) != wrong {
		y = -1
	}
	row.ScoreC, row.ScoreE, row.ScoreL = y*(40+float64(n%7)), y*3, y
	row.Message = fmt.Appendf(nil, "From: =?utf-8?q?J=C3=B6rg?= <j@example.org>\nSubject: offer %d\n\ntext\n", n)
	return row
}

// TestDoubtful: of the labels that the Fit is made from, those are listed that all
// opinions are against, the likeliest slip first, unless a person insisted on them.
func TestDoubtful(t *testing.T) {
	db := open(t)
	wrong := map[int]bool{1: true, 30: true, 42: true, 60: true, 76: true, 298: true, 303: true}
	rows := make([]store.Row, 305)
	for n := range rows {
		rows[n] = plain(n, store.Ham+store.Class(n%2), wrong[n])
	}
	rows[60].Sure = true
	rows[30].Complete, rows[30].Message = false, nil
	for i, n := range []int{42, 76, 30, 298} { // in the order expected
		rows[n].ScoreC *= float64(4 - i)
	}
	storetest.Learn(t, db.Update, rows...)
	storetest.Forget(t, db.Update, "", rows[1].Digest)

	// 304 labels, of which the first 300 count: rows 0 and 2 to 300.
	fit := modelOf(t, db, "").Fit()
	for limit, want := range map[int][]int{-1: {}, 3: {42, 76, 30}, 100: {42, 76, 30, 298}} {
		d, err := db.Doubtful(t.Context(), "", fit, limit)
		if err != nil || d.Labels != 300 || d.Spam != 149 || d.Total != 4 || len(d.Worst) != len(want) {
			t.Fatalf("limit %d: %+v, %v", limit, d, err)
		}
		for i, n := range want {
			got, row := d.Worst[i], rows[n]
			chance := fit.Slip(row.Class == store.Spam, fit.LogOdds(row.ScoreC, row.ScoreE, row.ScoreL))
			if got.Digest != row.Digest || got.Class != row.Class || got.Chance != chance || got.Source != "train" || got.Time.IsZero() {
				t.Errorf("place %d: %+v, want row %d with chance %g", i, got, n, chance)
			}
			subject, from := fmt.Sprint("offer ", n), "Jörg <j@example.org>"
			if row.Message == nil {
				subject, from = "", ""
			}
			if got.Subject != subject || got.From != from || got.Message != nil {
				t.Errorf("row %d: subject %q, from %q", n, got.Subject, got.From)
			}
		}
	}
	if d, err := db.Doubtful(t.Context(), "nobody", modelOf(t, db, "nobody").Fit(), 5); err != nil || d.Labels != 0 || len(d.Worst) > 0 {
		t.Errorf("of nobody: %+v, %v", d, err)
	}
}
