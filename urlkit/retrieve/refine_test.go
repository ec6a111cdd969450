package retrieve

import (
	"math"
	"slices"
	"testing"
)

// TestRefine checks that good, bad and missing candidates all lead to Cosine's answer.
func TestRefine(t *testing.T) {
	eachKernel(t, func(t *testing.T, kern *kernel) {
		const n, dim, k = 700, 270, 3
		x := embeddings(9, n, dim, 0.2)
		o := Options{Workers: 2, kernel: kern}
		want, err := Cosine(x, dim, k, o)
		if err != nil {
			t.Fatal(err)
		}
		wide, err := Cosine(x, dim, k+5, o)
		if err != nil {
			t.Fatal(err)
		}
		bound := make([]float32, n)
		for i := range bound {
			_, sim := wide.Row(i)
			bound[i] = sim[k+4]
		}
		arbitrary := make([]int32, 0, n*k)
		for i := range n {
			for j := range k {
				arbitrary = append(arbitrary, int32((i+j+1)%n))
			}
		}
		unbounded := slices.Repeat([]float32{float32(math.Inf(1))}, n)
		for name, c := range map[string]struct {
			candidates []int32
			bound      []float32
			open       func(int) bool
		}{
			"good candidates": {wide.Index, bound, func(open int) bool { return open < n/2 }},
			"bad candidates":  {arbitrary, unbounded, func(open int) bool { return open == n }},
		} {
			got, open, err := Refine(x, dim, k, c.candidates, c.bound, o)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Index, want.Index) || !slices.Equal(got.Similarity, want.Similarity) {
				t.Errorf("%s: not Cosine's answer", name)
			}
			if !c.open(open) {
				t.Errorf("%s: %d of %d rows were searched in full", name, open, n)
			}
		}
	})
	x := []float32{1, 2, 3}
	for name, candidates := range map[string][]int32{"the row itself": {0, 0, 1}, "no row": {1, 2, 3}, "a negative row": {1, 2, -1}, "too few": {1}} {
		if _, _, err := Refine(x, 1, 1, candidates, make([]float32, 3), Options{}); err == nil {
			t.Errorf("%s as a candidate: no error", name)
		}
	}
}
