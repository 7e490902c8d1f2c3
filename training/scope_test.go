package training

import (
	"fmt"
	"slices"
	"testing"

	"fanmill/classify"
	"fanmill/store"
)

// bulletin is mail that most people want.
func bulletin(i int) string {
	return fmt.Sprintf("From: Harbour Bulletin <bulletin@harbour.example.net>\r\nSubject: Harbour bulletin number %d\r\n"+
		"List-Id: <bulletin.harbour.example.net>\r\nMessage-ID: <bulletin%d@harbour.example.net>\r\n\r\n"+
		"Dear members of the harbour club,\r\n\r\nhere is bulletin %d with berths, tides and the regatta of week %d.\r\n"+
		"Yours, the harbour master\r\n", i, i, i, i%52)
}

// TestATrainedUserPrevails: labels of his own turn what a site says that was sure of
// it, his other mail and the mail of others stay as they were, and who has no labels has
// the site's scores.
func TestATrainedUserPrevails(t *testing.T) {
	db := open(t, t.TempDir())
	site := train1
	site.All = true
	for i := range 300 {
		for _, l := range []struct {
			class store.Class
			raw   string
		}{{store.Ham, mail(false, i)}, {store.Spam, mail(true, i)}, {store.Ham, bulletin(i)}} {
			r, err := New(db, site).Learn(t.Context(), l.class, []byte(l.raw))
			wantOutcome(t, r, err, Learned)
		}
	}
	const heldOut = 900 // numbers from here on are learned by nobody
	other := []string{mail(false, heldOut), mail(true, heldOut)}
	if v := verdicts(t, db, "", append(other, bulletin(heldOut))); !slices.Equal(v, []classify.Verdict{classify.Ham, classify.Spam, classify.Ham}) {
		t.Fatalf("the site says %v", v)
	}
	sameScore(t, db, "ann", "", bulletin(heldOut))
	user := train1
	user.Scope = "ann"
	for i := range 30 {
		if _, err := New(db, user).Learn(t.Context(), store.Spam, []byte(bulletin(400+i))); err != nil {
			t.Fatal(err)
		}
		if _, err := New(db, user).Learn(t.Context(), store.Ham, []byte(mail(false, 400+i))); err != nil {
			t.Fatal(err)
		}
	}
	if v := verdicts(t, db, "ann", append(other, bulletin(heldOut))); !slices.Equal(v, []classify.Verdict{classify.Ham, classify.Spam, classify.Spam}) {
		t.Errorf("the user has %v", v)
	}
	sameScore(t, db, "ben", "", bulletin(heldOut))
	checkRebuild(t, db)
}

// TestWithoutAUsersLabel: less a label of his own, which counts several times, the model is
// the one before.
func TestWithoutAUsersLabel(t *testing.T) {
	db := open(t, t.TempDir())
	site, user := train1, train1
	site.All, user.All, user.Scope = true, true, "ann"
	for i := range 120 {
		for _, spam := range []bool{false, true} {
			if _, err := New(db, site).Learn(t.Context(), class(spam), []byte(mail(spam, i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, raw := range []string{mail(false, 200), bulletin(1), bulletin(2)} {
		m := classify.Extract(classify.DefaultOptions(), []byte(raw))
		before := scoreIn(t, db, "ann", raw)
		r, err := New(db, user).Learn(t.Context(), store.Spam, []byte(raw))
		wantOutcome(t, r, err, Learned)
		row, _, err := db.Find(t.Context(), "ann", m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		model, err := db.Model("ann")
		if err != nil {
			t.Fatal(err)
		}
		after := scoreIn(t, db, "ann", raw)
		without := new(classify.Scorer).Score(m.Features, m.Grams, less(model, row))
		if without != before || after == before {
			t.Errorf("label %d: %+v before, %+v without, %+v with it", i, before, without, after)
		}
	}
}

func class(spam bool) store.Class {
	if spam {
		return store.Spam
	}
	return store.Ham
}

func scoreIn(t *testing.T, db *store.DB, scope, raw string) classify.Score {
	t.Helper()
	model, err := db.Model(scope)
	if err != nil {
		t.Fatal(err)
	}
	m := classify.Extract(classify.DefaultOptions(), []byte(raw))
	return new(classify.Scorer).Score(m.Features, m.Grams, model)
}

func sameScore(t *testing.T, db *store.DB, scope, other, raw string) {
	t.Helper()
	if a, b := scoreIn(t, db, scope, raw), scoreIn(t, db, other, raw); a != b {
		t.Errorf("scope %q has %+v, %q has %+v", scope, a, other, b)
	}
}

func verdicts(t *testing.T, db *store.DB, scope string, raws []string) (list []classify.Verdict) {
	t.Helper()
	for _, raw := range raws {
		list = append(list, classify.DefaultCutoffs().Verdict(scoreIn(t, db, scope, raw).P))
	}
	return list
}
