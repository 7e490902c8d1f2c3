package milter

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/policy"
	"fanmill/spool"
	"fanmill/store"
)

// opinion is a model with something to say of every feature and bucket; each bias is
// another one.
type opinion struct {
	frequent
	bias float64
}

func (opinion) Weigh(grams []uint32) (sum int64) {
	for _, g := range grams {
		sum += int64(int32(g*0x85ebca6b)) >> 12
	}
	return sum
}

func (o opinion) Fit() classify.Fit {
	f := classify.PriorFit()
	f.Bias = o.bias
	return f
}

// opinionScorer scores each scope by a model of its own.
type opinionScorer struct {
	taught map[string]opinion
	later  map[string]opinion // what explanations are asked of, where something was learned meanwhile
}

func (s *opinionScorer) Score(m *classify.Message, scope string) (classify.Score, store.Labels, error) {
	var sc classify.Scorer
	return sc.Score(m.Features, m.Grams, s.taught[scope]), enough, nil
}

func (s *opinionScorer) Counts(scope string) (classify.Model, error) {
	if m, ok := s.later[scope]; ok {
		return m, nil
	}
	m, ok := s.taught[scope]
	if !ok {
		return nil, errors.New("no such scope")
	}
	return m, nil
}

// holding is a rig that holds everything and explains it.
func holding(t *testing.T, s *opinionScorer) *rig {
	r := newRig(t)
	r.scorer, r.Clues, r.Pieces = s, 5, 4
	r.policy.Cutoffs = classify.Cutoffs{Ham: 0.001, Spam: 0.998, Reject: 0.999}
	return r
}

// heldOne is the only message held, and ID.json beside it.
func (r *rig) heldOne(t *testing.T) (spool.Meta, string) {
	t.Helper()
	held := r.heldIn(spool.Unsure)
	if len(held) != 1 {
		t.Fatalf("%d held", len(held))
	}
	raw, err := os.ReadFile(filepath.Join(r.dir, "spool", "unsure", held[0].ID+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return held[0], string(raw)
}

// A held message keeps why it was held: what the stored message is explained by, bit
// for bit, by the model that scored it.
func TestHeldMessagesAreExplained(t *testing.T) {
	s := &opinionScorer{taught: map[string]opinion{"": {bias: 1.5}}}
	r := holding(t, s).start()
	if res := r.one(subject("cheap watches \x1b[31m")); !res.discarded {
		t.Fatalf("answer %v", res)
	}
	m, raw := r.heldOne(t)
	e := m.Explanation
	if e == nil {
		t.Fatalf("no explanation in %s", raw)
	}
	want := classify.Explain(r.Classify, []byte(r.message(m.ID)), s.taught[""], 5, 4)
	if m.Score != want.Score.P || m.LogOdds != want.Score.LogOdds || !reflect.DeepEqual(e, Explanation(want)) || !reflect.DeepEqual(m.Clues, keptClues(want.Clues)) {
		t.Errorf("kept %+v\n%+v\nwant %+v", m, e, want)
	}
	if sum := e.Counts + e.Second + e.Linear + e.Bias + e.Thin; math.Abs(sum-m.LogOdds) > 1e-9 || e.Bias == 0 || e.Linear == 0 {
		t.Errorf("%+v adds up to %v, log-odds %v", e, sum, m.LogOdds)
	}
	share := e.Rest.Share
	for _, p := range e.Pieces {
		share += p.Share
	}
	if math.Abs(share-e.LinearOpinion) > 1e-9 || len(e.Pieces) != 4 || len(m.Clues) != 5 || m.Clues[0].Place == "" {
		t.Errorf("pieces %+v, clues %+v", e.Pieces, m.Clues)
	}
	if len(raw) > 8<<10 || !json.Valid([]byte(raw)) {
		t.Errorf("ID.json has %d bytes: %s", len(raw), raw)
	}
}

// extreme is a model as certain as counts and weights can be.
type extreme struct{ opinion }

func (extreme) Totals() classify.Count {
	return classify.Count{Ham: math.MaxUint32, Spam: math.MaxUint32}
}

func (extreme) Lookup(features []uint64, out []classify.Count) {
	for i := range features {
		out[i] = classify.Count{Spam: math.MaxUint32}
	}
}

func (extreme) Weigh(grams []uint32) int64 { return int64(len(grams)) * math.MaxInt32 }

type extremeScorer struct{}

func (extremeScorer) Score(m *classify.Message, _ string) (classify.Score, store.Labels, error) {
	var sc classify.Scorer
	return sc.Score(m.Features, m.Grams, extreme{}), enough, nil
}

func (extremeScorer) Counts(string) (classify.Model, error) { return extreme{}, nil }

// However certain the model is, the message is held, with the reason.
func TestCertaintyIsHeld(t *testing.T) {
	r := holding(t, nil)
	r.scorer = extremeScorer{}
	r.start()
	if res := r.one(subject("cheap watches")); !res.discarded {
		t.Fatalf("answer %v", res)
	}
	if m, _ := r.heldOne(t); len(m.Clues) != 5 || m.Score < 0.99 || m.Explanation == nil {
		t.Errorf("kept %+v", m)
	}
}

// What was learned between the score and its explanation explains another score: it
// is not put down as the reason.
func TestHeldMessageIsNotExplainedByAnother(t *testing.T) {
	r := holding(t, &opinionScorer{taught: map[string]opinion{"": {}}, later: map[string]opinion{"": {bias: 2}}}).start()
	r.one(subject("cheap watches"))
	if m, raw := r.heldOne(t); m.Explanation != nil || m.LogOdds == 0 || len(m.Clues) != 5 || strings.Contains(raw, "explanation") {
		t.Errorf("kept %+v", m)
	}
}

// A message that is held for somebody with training of their own is explained by
// that, not by the site's.
func TestHeldMessageIsExplainedInItsScope(t *testing.T) {
	s := &opinionScorer{taught: map[string]opinion{"": {bias: -0.5}, "anna": {bias: 0.5}}}
	r := holding(t, s)
	anna := "anna"
	r.policy.Rules = []policy.Rule{{Scope: &anna}}
	play(r.newSession(), "chmrrdlnbe")
	m, _ := r.heldOne(t)
	if m.Scope != "anna" || m.Explanation == nil || m.Explanation.Bias <= 0 {
		t.Errorf("kept %+v, %+v", m, m.Explanation)
	}
	want := classify.Explain(r.Classify, []byte(r.message(m.ID)), s.taught["anna"], 5, 4)
	if m.Score != want.Score.P {
		t.Errorf("score %v, want anna's %v", m.Score, want.Score.P)
	}
}

func TestNoExplanation(t *testing.T) {
	none := holding(t, &opinionScorer{taught: map[string]opinion{"": {}}})
	none.Clues = 0
	none.start().one(subject("cheap watches"))
	if m, _ := none.heldOne(t); m.Explanation != nil || m.Clues != nil || m.LogOdds == 0 {
		t.Errorf("kept %+v", m)
	}
}

// What is shown adds up as what is meant.
func TestExplanationKeepsAllParts(t *testing.T) {
	x := Explanation(classify.Explanation{Counts: 1, Second: 2, Linear: 4, Bias: 8, Own: 16, Thin: 32, Beginning: 64})
	if sum := x.Counts + x.Second + x.Linear + x.Bias + x.Own + x.Thin + x.Beginning; sum != 127 {
		t.Errorf("the parts of %+v add up to %v, want 127", x, sum)
	}
}
