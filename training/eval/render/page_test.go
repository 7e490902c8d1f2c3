package render

import (
	"bytes"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fanmill/training/eval"

	"golang.org/x/net/html"
)

func writePage(t *testing.T, out *eval.Outcome) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WritePage(&b, out, clean); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// nodes returns all elements of a page.
func nodes(t *testing.T, page []byte) []*html.Node {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var out []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			out = append(out, n)
		}
	}
	return out
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// The page loads nothing, runs nothing, and what hostile mail says is text.
func TestPageIsHarmless(t *testing.T) {
	for name, out := range map[string]*eval.Outcome{"one": one(t, 50), "two": two(t)} {
		page := writePage(t, out)
		for _, n := range nodes(t, page) {
			if slices.Contains([]string{"script", "link", "img", "iframe", "object", "embed", "a", "form", "image", "use"}, n.Data) {
				t.Errorf("%s: element %s", name, n.Data)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "href" || strings.Contains(a.Val, "://") {
					t.Errorf("%s: attribute %s=%q", name, a.Key, a.Val)
				}
			}
		}
		if bytes.ContainsAny(page, "\x1b\u202e") || !bytes.Contains(page, []byte("ESC[31mRLO")) {
			t.Errorf("%s: text from mail went past clean, or is missing", name)
		}
	}
}

// Every element is closed where it belongs: a parser repairs what is not, so the
// tags are counted.
func TestPageIsWellFormed(t *testing.T) {
	void := []string{"meta", "br"}
	z := html.NewTokenizer(bytes.NewReader(writePage(t, two(t))))
	var open []string
	for z.Next() != html.ErrorToken {
		token := z.Token()
		switch {
		case token.Type == html.StartTagToken && !slices.Contains(void, token.Data):
			open = append(open, token.Data)
		case token.Type == html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != token.Data {
				t.Fatalf("</%s> ends %v", token.Data, open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("not closed: %v", open)
	}
}

// What is drawn has a name and a description for those who cannot see it.
func TestPageIsAccessible(t *testing.T) {
	for want, out := range map[int]*eval.Outcome{4: one(t, 50), 6: two(t)} {
		ids := map[string]bool{}
		all := nodes(t, writePage(t, out))
		for _, n := range all {
			if id := attr(n, "id"); id != "" && ids[id] {
				t.Errorf("two elements have the id %s", id)
			} else {
				ids[id] = true
			}
		}
		drawings := 0
		for _, n := range all {
			switch {
			case n.Data == "svg" && attr(n, "aria-hidden") == "":
				drawings++
				for _, id := range strings.Fields(attr(n, "aria-labelledby")) {
					if !ids[id] {
						t.Errorf("a drawing is labelled by %s, which is not there", id)
					}
				}
				if attr(n, "role") != "img" {
					t.Error("a drawing is no image")
				}
			case n.Data == "th" && attr(n, "scope") == "":
				t.Error("a heading without a scope")
			case n.Data == "html" && attr(n, "lang") == "":
				t.Error("no language")
			}
		}
		if drawings != want {
			t.Errorf("%d drawings, want %d", drawings, want)
		}
	}
}

var numbers = regexp.MustCompile(`-?[0-9.]+`)

// Everything is drawn within its frame, and nothing is NaN.
func TestPageStaysInFrame(t *testing.T) {
	for _, n := range nodes(t, writePage(t, two(t))) {
		for _, a := range n.Attr {
			if strings.Contains(a.Val, "NaN") || strings.Contains(a.Val, "Inf") {
				t.Errorf("%s: %s=%q", n.Data, a.Key, a.Val)
			}
		}
		if class := attr(n, "class"); n.Data != "path" || !strings.HasPrefix(class, "line") && !strings.HasPrefix(class, "band") {
			continue
		}
		for i, s := range numbers.FindAllString(attr(n, "d"), -1) {
			v, err := strconv.ParseFloat(s, 64)
			if lo, hi := []float64{left, top}[i%2], []float64{right, bottom}[i%2]; err != nil || v < lo || v > hi {
				t.Fatalf("%s is not between %v and %v (%v)", s, lo, hi, err)
			}
		}
	}
}

// corners are the points of a path of M, L and z.
func corners(t *testing.T, d string) (out [][2]float64) {
	t.Helper()
	all := numbers.FindAllString(d, -1)
	for i := 0; i+1 < len(all); i += 2 {
		x, errX := strconv.ParseFloat(all[i], 64)
		y, errY := strconv.ParseFloat(all[i+1], 64)
		if errX != nil || errY != nil {
			t.Fatalf("%v, %v in %s", errX, errY, d)
		}
		out = append(out, [2]float64{x, y})
	}
	return out
}

// inside tells whether a point lies within an outline, to a tenth of a unit.
func inside(outline [][2]float64, x, y float64) bool {
	lo, hi := math.Inf(1), math.Inf(-1)
	for i, a := range outline {
		b := outline[(i+1)%len(outline)]
		if x < min(a[0], b[0])-0.1 || x > max(a[0], b[0])+0.1 {
			continue
		}
		ends := []float64{a[1], b[1]}
		if math.Abs(b[0]-a[0]) > 0.2 {
			ends = []float64{a[1] + (b[1]-a[1])*(x-a[0])/(b[0]-a[0])}
		}
		lo, hi = min(lo, slices.Min(ends)), max(hi, slices.Max(ends))
	}
	return lo-0.2 <= y && y <= hi+0.2
}

// Each curve has its band, which it does not leave, and a key that says what it is.
func TestCurvesHaveBands(t *testing.T) {
	for name, out := range map[string]*eval.Outcome{"one": one(t, 50), "two": two(t)} {
		found := 0
		for _, n := range nodes(t, writePage(t, out)) {
			if n.Data != "svg" {
				continue
			}
			lines, bands, patches, text := map[string]string{}, map[string]string{}, map[string]bool{}, ""
			for n := range n.Descendants() {
				kind, series, _ := strings.Cut(attr(n, "class"), " ")
				switch {
				case n.Type == html.TextNode:
					text += n.Data
				case n.Data == "path" && kind == "line":
					lines[series] = attr(n, "d")
				case n.Data == "path" && kind == "band":
					bands[series] = attr(n, "d")
				case n.Data == "rect" && kind == "band":
					patches[series] = true
				}
			}
			for series, d := range lines {
				found++
				band := corners(t, bands[series])
				if !patches[series] || !strings.Contains(text, "shaded: 95 % interval") || !strings.Contains(text, ": 95 % interval of the ") {
					t.Fatalf("%s: no legend or title of the band in %q", name, text)
				}
				for _, p := range corners(t, d) {
					if p[0] > left && !inside(band, p[0], p[1]) { // what is off the scale is drawn at its left end
						t.Errorf("%s %s: the curve is at %v outside its band", name, series, p)
					}
				}
			}
		}
		if want := 2 * len(out.Series); found != want {
			t.Errorf("%s: %d curves, want %d", name, found, want)
		}
	}
}

// Bars have intervals, and nothing of them leaves the frame.
func TestBarsHaveIntervals(t *testing.T) {
	bars, strokes := 0, 0
	for _, n := range nodes(t, writePage(t, one(t, 50))) {
		switch class := attr(n, "class"); {
		case strings.HasPrefix(class, "bars "):
			bars++
		case class == "interval" && n.Data == "line":
			strokes++
			for _, key := range []string{"y1", "y2"} {
				if y, err := strconv.ParseFloat(attr(n, key), 64); err != nil || y < top || y > bottom {
					t.Errorf("%s is %q", key, attr(n, key))
				}
			}
		}
	}
	if bars == 0 || bars != strokes {
		t.Errorf("%d bars, %d intervals", bars, strokes)
	}
}

func TestPageTwice(t *testing.T) {
	if a, b := writePage(t, two(t)), writePage(t, two(t)); !bytes.Equal(a, b) {
		t.Error("the same outcome gives another page")
	}
}

func TestPageSays(t *testing.T) {
	for want, out := range map[string]*eval.Outcome{
		"reject_cutoff = ": one(t, 50), "wrong label": one(t, 50), "12": one(t, 50), "wrong in 3 of 3 runs": two(t), "second less first": two(t),
	} {
		if !bytes.Contains(writePage(t, out), []byte(want)) {
			t.Errorf("no %q", want)
		}
	}
	out := one(t, 50)
	out.Advice, out.Series[0].Mistakes = nil, nil
	if page := writePage(t, out); bytes.Contains(page, []byte("Cut-offs for")) || bytes.Contains(page, []byte("surest mistakes</h3>")) {
		t.Error("headings of what is not there")
	}
}

func TestScales(t *testing.T) {
	x := xAxis(0.01, 100, math.Log10)
	for _, c := range []struct{ v, want float64 }{{0.01, left}, {0, left}, {1, (left + right) / 2}, {100, right}, {1e6, right}} {
		if got := x.at(c.v); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v is drawn at %v, want %v", c.v, got, c.want)
		}
	}
	for hi, want := range map[float64][]float64{
		6046: {0, 1000, 2000, 3000, 4000, 5000, 6000}, 70: {0, 10, 20, 30, 40, 50, 60, 70}, 1: {0, 1}, 2.1: {0, 1, 2},
		100: {0, 20, 40, 60, 80, 100}, 9000: {0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000},
	} {
		if got := evenly(hi); !slices.Equal(got, want) {
			t.Errorf("up to %v: %v, want %v", hi, got, want)
		}
	}
	if got := decades(0.01, 100); len(got) != 5 {
		t.Errorf("decades %v", got)
	}
}

func TestPath(t *testing.T) {
	var p path
	p.stairs(1, 9)
	p.stairs(1.01, 9.01) // not to be told apart
	p.stairs(5, 2)
	if got := p.String(); got != "M1.0 9.0L5.0 9.0L5.0 2.0" {
		t.Errorf("got %s", got)
	}
}
