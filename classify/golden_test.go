package classify_test

import (
	"bytes"
	"flag"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fanmill/classify"
)

var update = flag.Bool("update", false, "write the golden files anew")

// counted is a model that makes up its counts from the features themselves.
type counted struct{ classify.Untrained }

func (counted) Totals() classify.Count { return classify.Count{Ham: 700, Spam: 650} }
func (counted) Lookup(f []uint64, out []classify.Count) {
	for i, h := range f {
		out[i] = classify.Count{Ham: uint32(h >> 60), Spam: uint32(h >> 40 & 15)}
	}
}

// dressed is a model to which a message is spam, but ham behind its beginning.
type dressed struct {
	counted
	m *classify.Message
}

func (d dressed) Lookup(f []uint64, out []classify.Count) {
	for i, h := range f {
		few, many := uint32(h>>60&3), uint32(h>>40&15)+8
		out[i] = classify.Count{Ham: few, Spam: many}
		if at, ok := slices.BinarySearch(d.m.Features, h); ok && d.m.Behind[at] == 1 {
			out[i] = classify.Count{Ham: 4 * many, Spam: few}
		}
	}
}

// TestGolden holds features and scores to the bit. Features are append-only: a
// changed rule needs a new prefix and a new FeatureVersion. `make test` runs it
// for GOAMD64=v1 and v3, since compilers may round differently for each.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.eml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no messages in testdata/golden (%v)", err)
	}
	var b strings.Builder
	var sc classify.Scorer
	lifted := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := classify.Extract(classify.DefaultOptions(), raw)
		h := fnv.New64a()
		for _, f := range m.Features {
			fmt.Fprintf(h, "%x ", f)
		}
		s := sc.Score(m.Features, m.Grams, counted{})
		whole, heard := sc.Score(m.Features, m.Grams, dressed{m: m}), sc.ScoreMessage(m, dressed{m: m})
		if heard.Beginning != 0 && heard.P > whole.P {
			lifted++
		}
		fmt.Fprintf(&b, "%s digest %.16s features %d %x c %016x p %016x behind %d p %016x\n", filepath.Base(file), m.Digest, len(m.Features), h.Sum64(),
			math.Float64bits(s.C), math.Float64bits(s.P), bytes.Count(m.Behind, []byte{1}), math.Float64bits(heard.P))
	}
	if lifted == 0 {
		t.Error("of no message the beginning is heard")
	}
	const golden = "testdata/golden/scores"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("features or scores changed (FeatureVersion %d):\n%swant\n%s", classify.FeatureVersion, b.String(), want)
	}
}
