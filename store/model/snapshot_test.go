package model

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"fanmill/classify"
)

// trained returns the model of some labels.
func trained() *Models {
	all := NewModels()
	m := all.Set("", NewSum(0, 0, 0))
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 50 {
		ch := labelled(n)
		ch.After.Adds, ch.After.Step = 1+n%3, int64(n)<<8
		for range 20 {
			ch.Features, ch.Grams = append(ch.Features, r.Uint64()), append(ch.Grams, r.Uint32N(classify.Buckets))
		}
		all.Change(m, ch)
	}
	all.Change(m, &Change{After: Mark{Class: HamCounts, Adds: 7}, Features: []uint64{0, 9}})
	return all
}

func exported(all *Models) string {
	var b bytes.Buffer
	all.Export(&b, all.Model(""))
	return b.String()
}

func anyStamp(Stamp) error { return nil }

// TestSnapshotComesBack with its stamp, bit for bit, also that of an untrained model.
func TestSnapshotComesBack(t *testing.T) {
	untrained := NewModels()
	untrained.Set("", NewSum(0, 0, 0))
	want := Stamp{Ledger: [16]byte{1, 2, 3}, Seq: 77, OpTime: 1234567}
	for name, all := range map[string]*Models{"trained": trained(), "untrained": untrained} {
		var b bytes.Buffer
		if err := all.WriteSnapshot(&b, want); err != nil {
			t.Fatal(err)
		}
		size := int64(b.Len())
		if stamp, err := ReadStamp(bytes.NewReader(b.Bytes()), size); err != nil || stamp != want {
			t.Errorf("%s: stamp %+v, %v", name, stamp, err)
		}
		sum, stamp, err := ReadSnapshot(&b, size, anyStamp)
		if err != nil || stamp != want {
			t.Fatalf("%s: %+v, %v", name, stamp, err)
		}
		again := NewModels()
		again.Set("", sum)
		if got, want := exported(again), exported(all); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestSpoiltSnapshots: one that is cut, longer or has a bit changed anywhere is refused, and
// so is one whose stamp does not fit.
func TestSpoiltSnapshots(t *testing.T) {
	var b bytes.Buffer
	if err := trained().WriteSnapshot(&b, Stamp{}); err != nil {
		t.Fatal(err)
	}
	read := func(b []byte) error {
		_, _, err := ReadSnapshot(bytes.NewReader(b), int64(len(b)), anyStamp)
		return err
	}
	good := b.Bytes()
	if err := read(good); err != nil {
		t.Fatal(err)
	}
	spots := []int{int(headerSize), int(headerSize) + 4, len(good) - 5, len(good) - 1}
	for i := range int(headerSize) {
		spots = append(spots, i)
	}
	for i := int(headerSize); i < len(good); i += 100_003 {
		spots = append(spots, i)
	}
	for _, i := range spots {
		bad := slices.Clone(good)
		bad[i] ^= 1
		if read(bad) == nil {
			t.Errorf("taken with byte %d changed", i)
		}
	}
	for name, bad := range map[string][]byte{"empty": nil, "cut": good[:len(good)-1], "longer": append(slices.Clone(good), 0), "header": good[:headerSize]} {
		if read(bad) == nil {
			t.Errorf("taken: %s", name)
		}
	}
	failed := errors.New("another ledger's")
	if _, _, err := ReadSnapshot(bytes.NewReader(good), int64(len(good)), func(Stamp) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("of another ledger: %v", err)
	}
}
