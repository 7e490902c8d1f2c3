package classify_test

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"fanmill/classify"
)

// taught makes up counts and weights from the features and buckets themselves.
type taught struct {
	counted
	totals classify.Count
	fit    classify.Fit
}

func (t taught) Totals() classify.Count { return t.totals }
func (t taught) Fit() classify.Fit      { return t.fit }
func (taught) Weigh(grams []uint32) (sum int64) {
	for _, g := range grams {
		sum += int64(int32(g*0x85ebca6b)) >> 8
	}
	return sum
}

// TestExplanationAddsUp: what the opinions bring adds up to the log-odds, what the
// pieces bring to the linear opinion, and the score is the one that Score gives.
func TestExplanationAddsUp(t *testing.T) {
	fit := classify.Fit{WC: 1.1, WL: 2.7, WE: 0.3, Bias: -1.3}
	for _, m := range []taught{
		{totals: classify.Count{Ham: 700, Spam: 650}, fit: classify.PriorFit()},
		{totals: classify.Count{Ham: 700, Spam: 650}, fit: fit},
		{totals: classify.Count{Ham: 12, Spam: 3}, fit: fit},
	} {
		thin := m.totals.Spam < classify.MinLabels
		for _, raw := range corpus(t) {
			msg := classify.Extract(classify.DefaultOptions(), raw)
			var sc classify.Scorer
			want := sc.ScoreMessage(msg, m)
			x := classify.Explain(classify.DefaultOptions(), raw, m, 15, 8)
			if x.Score != want || x.Totals != m.totals {
				t.Fatalf("explained is %+v, the score is %+v:\n%.300q", x.Score, want, raw)
			}
			sum := x.Counts + x.Second + x.Linear + x.Bias + x.Own + x.Thin + x.Beginning
			if math.Abs(sum-want.LogOdds) > 1e-12*math.Abs(want.LogOdds) {
				t.Errorf("the parts of %+v add up to %v", x, sum)
			}
			if (x.Thin != 0) != thin || x.Bias != m.fit.Bias {
				t.Errorf("thin evidence brings %v, the bias %v", x.Thin, x.Bias)
			}
			if p := 0.003 + 0.994*x.P; math.Abs(p-want.P) > 1e-15 {
				t.Errorf("score %v, %v with a floor", want.P, p)
			}
			if c := math.Log((1 + x.SpamTail - x.HamTail) / (1 - x.SpamTail + x.HamTail)); math.Abs(want.C) < 8 && math.Abs(c-want.C) > 1e-9 {
				t.Errorf("the tails %v and %v give %v, not %v", x.HamTail, x.SpamTail, c, want.C)
			}
			piecesAddUp(t, x, m.Weigh(msg.Grams))
		}
	}
}

func piecesAddUp(t *testing.T, x classify.Explanation, want int64) {
	t.Helper()
	sum, share := x.Rest.Sum, x.Rest.Share
	for i, p := range x.Pieces {
		sum, share = sum+p.Sum, share+p.Share
		if i > 0 && max(p.Sum, -p.Sum) > max(x.Pieces[i-1].Sum, -x.Pieces[i-1].Sum) {
			t.Errorf("piece %d of %+v moved more than the one before it", i, x.Pieces)
		}
	}
	if sum != want || math.Abs(share-x.Score.L) > 1e-12 {
		t.Errorf("the pieces add up to %d and %v, want %d and %v", sum, share, want, x.Score.L)
	}
	if len(x.Pieces) > 8 || x.Others < 0 {
		t.Errorf("%d pieces and %d others", len(x.Pieces), x.Others)
	}
}

// aware is a model of which the linear part knows some words.
type aware struct {
	one
	weights map[uint32]int64
}

func (a aware) Weigh(grams []uint32) (sum int64) {
	for _, g := range grams {
		sum += a.weights[g]
	}
	return sum
}

// knows returns a model with a weight on each 4-gram of each word.
func knows(words map[string]int64) aware {
	a := aware{weights: map[uint32]int64{}}
	for w, n := range words {
		for i := range len(w) - 3 {
			a.weights[binary.LittleEndian.Uint32([]byte(w[i:]))*0x9e3779b1>>14] += n
		}
	}
	return a
}

func TestPiecesOfTheLinearPart(t *testing.T) {
	raw := "Received: from mx.example.net (mx.example.net [203.0.113.9]) by mx.example.org\n" +
		"From: Anna <anna@example.com>\nSubject: cheap\n watches\nOrganization: zzyzx1\nTo: broken\xff\n\n" +
		"Buy   watches\nnow " + strings.Repeat("日本語", 40) + " thanks\n"
	m := knows(map[string]int64{
		"subject:": 10 << 20, "watches": 8 << 20, "now ": -7 << 20, "anna@": 6 << 20, "zzyzx1": -5 << 20, "thanks": 1 << 20,
		"[203.0": 1 << 18, "broken": 1 << 19,
	})
	var got []string
	x := classify.Explain(classify.DefaultOptions(), []byte(raw), m, 0, 8)
	for _, p := range x.Pieces {
		got = append(got, p.Text)
		if !utf8.ValidString(p.Text) {
			t.Errorf("piece %q is no text", p.Text)
		}
	}
	want := []string{"subject: cheap", "subject: watches", "organization: zzyzx1", "from: <anna@example.com>", "text: now", "text: thanks", "to: brokenÿ", "received: [203.0.113.9])"}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
		t.Fatalf("pieces %q, want %q", got, want)
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("pieces %q lack %q", got, w)
		}
	}
	all := classify.Explain(classify.DefaultOptions(), []byte(raw), m, 0, 1000)
	if all.Rest.Sum != 0 || all.Others+len(all.Pieces) != x.Others+len(x.Pieces) {
		t.Errorf("of all pieces %+v the rest is %+v, %d of them", all.Pieces, all.Rest, all.Others)
	}
}

// TestPiecesOfHostileMail: whatever comes, names are short and valid, and nothing
// is lost.
func TestPiecesOfHostileMail(t *testing.T) {
	m := taught{totals: classify.Count{Ham: 700, Spam: 650}, fit: classify.PriorFit()}
	long := strings.Repeat("\xe6\x97\xa5\xf0\x9f", 3000)
	for _, raw := range []string{
		"", "x", "\n\n\n", "Subject:\n", "abc", strings.Repeat("n", 5000) + ": v\n\ntext\n", "Subject: " + long + "\n\n" + long,
		"Subject: =?utf-8?q?a=0Afrom:_b=0A=0A:_=00?=\n\n", "From: \x1b[2J" + strings.Repeat("\x80", 300) + "\n\n" + strings.Repeat("\x80", 3000),
	} {
		msg := classify.Extract(classify.DefaultOptions(), []byte(raw))
		x := classify.Explain(classify.DefaultOptions(), []byte(raw), m, 15, 8)
		piecesAddUp(t, x, m.Weigh(msg.Grams))
		for _, p := range x.Pieces {
			if len(p.Text) > 400 || !utf8.ValidString(p.Text) {
				t.Errorf("piece %q of %.100q", p.Text, raw)
			}
		}
	}
}

func TestPlacesOfClues(t *testing.T) {
	s := classify.NewStream(classify.DefaultOptions())
	s.EnableClues()
	for range 2 { // places are those of the message in hand
		s.Reset()
		s.Stored([]byte(sample))
		places := map[string]string{}
		for _, c := range s.Clues(one{}, classify.Score{}, 100000) {
			places[c.Text] = c.Place
		}
		for text, want := range map[string]string{
			"subject: Grüße": "header field subject", "from: Jürgen": "header field from", "has field: to": "header field to",
			"received from network: 198.51.100.7/32": "header field received", "client helo: smtp.example.com": "client",
			"link to host: www.shop.example.net": "text part 1 (text/plain)", "soft": "text part 1 (text/plain)",
			"Viagra": "text part 2 (text/html)", "link in: a href": "text part 2 (text/html)", "odd link: address": "text part 2 (text/html)",
			"enclosed": "part's header field subject", "日本": "text part 3 (text/plain)",
			"file name: invoice.pdf": "part's header", "transfer encoding: base64": "part's header field content-transfer-encoding",
		} {
			if got, ok := places[text]; !ok || got != want {
				t.Errorf("%q stood in %q, want %q", text, got, want)
			}
		}
	}
	s.Reset()
	s.Stored([]byte("nothing\n"))
	for _, c := range s.Clues(one{}, classify.Score{}, 100000) {
		if strings.HasPrefix(c.Text, "message: ") && c.Place != "message" {
			t.Errorf("%q stood in %q", c.Text, c.Place)
		}
	}
}

// learning is a model that learns between any two questions.
type learning struct {
	taught
	asked *int
}

func (l learning) Totals() classify.Count {
	*l.asked++
	return classify.Count{Ham: uint32(10 + *l.asked), Spam: 19}
}

func (l learning) Fit() classify.Fit {
	*l.asked++
	return classify.Fit{WC: float64(*l.asked), WL: 1, WE: 1, Bias: float64(*l.asked)}
}

func (l learning) Weigh(grams []uint32) int64 {
	*l.asked++
	return int64(*l.asked) * int64(len(grams)) << 10
}

// TestExplanationAddsUpDuringTraining: the daemon explains while it learns.
func TestExplanationAddsUpDuringTraining(t *testing.T) {
	x := classify.Explain(classify.DefaultOptions(), []byte(sample), learning{asked: new(int)}, 5, 5)
	sum := x.Counts + x.Second + x.Linear + x.Bias + x.Thin
	if math.Abs(sum-x.Score.LogOdds) > 1e-12*math.Abs(sum) || x.Thin == 0 {
		t.Errorf("the parts of %+v add up to %v", x, sum)
	}
	share := x.Rest.Share
	for _, p := range x.Pieces {
		share += p.Share
	}
	if math.Abs(share-x.Score.L) > 1e-12*share || share == 0 {
		t.Errorf("the pieces add up to %v, want %v", share, x.Score.L)
	}
}

// user is a user's model: his labels have turned what taught says round.
type user struct{ taught }

func (u user) Lookup(features []uint64, out []classify.Count) {
	u.taught.Lookup(features, out)
	for i, c := range out {
		out[i] = classify.Count{Ham: 3*c.Spam + c.Ham, Spam: 3*c.Ham + c.Spam}
	}
}

func (u user) Base() (classify.Model, uint32) { return u.taught, 3 }

// TestExplanationOfAUser: what his labels change counts twice, and that adds up too.
func TestExplanationOfAUser(t *testing.T) {
	fit := classify.Fit{WC: 1.1, WL: 2.7, WE: 0.3, Bias: -1.3}
	for _, totals := range []classify.Count{{Ham: 700, Spam: 650}, {Ham: 12, Spam: 3}} {
		m := user{taught{totals: totals, fit: fit}}
		var sc classify.Scorer
		for _, raw := range corpus(t) {
			msg := classify.Extract(classify.DefaultOptions(), raw)
			site, want := sc.Score(msg.Features, msg.Grams, m.taught), sc.ScoreMessage(msg, m)
			x := classify.Explain(classify.DefaultOptions(), raw, m, 15, 8)
			sum := x.Counts + x.Second + x.Linear + x.Bias + x.Own + x.Thin + x.Beginning
			if x.Score != want || x.Own != want.Own || math.Abs(sum-want.LogOdds) > 1e-12*math.Abs(want.LogOdds) {
				t.Fatalf("the parts of %+v add up to %v, the score is %+v", x, sum, want)
			}
			if moved := fit.LogOdds(want.C, want.E, want.L) - fit.LogOdds(site.C, site.E, site.L); want.Own != moved || moved == 0 {
				t.Errorf("own labels bring %v once more, they moved %v", want.Own, moved)
			}
		}
	}
}

// TestExplainWithoutTexts: where EnableClues was not called, nothing was recorded.
func TestExplainWithoutTexts(t *testing.T) {
	s := classify.NewStream(classify.DefaultOptions())
	s.Stored([]byte(sample))
	x := s.Explain(one{}, 5, 5)
	if len(x.Clues) != 5 || x.Score.Clues < 50 {
		t.Errorf("%d clues of %d", len(x.Clues), x.Score.Clues)
	}
	for _, c := range x.Clues {
		if c.Text != "" || c.Place != "" || c.Feature == 0 || c.Strength != math.Abs(c.Prob-0.5) {
			t.Errorf("clue %+v", c)
		}
	}
}
