package ondevice

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/retrieve"
)

// rows are clustered, with copies and zero rows among them.
func rows(n, dim int) []float32 {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	x := make([]float32, n*dim)
	for i := range n {
		switch {
		case i%50 == 7:
		case i > 0 && i%9 == 0:
			copy(x[i*dim:(i+1)*dim], x[r.IntN(i)*dim:])
		default:
			for d := range dim {
				x[i*dim+d] = float32(r.NormFloat64() + 3*math.Sin(float64(i%20*(d+1))))
			}
		}
	}
	return x
}

func TestSameAsOnSlices(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		for _, c := range []struct{ n, dim, k int }{{2, 3, 1}, {9, 4, 8}, {1500, 40, 2}} {
			x := rows(c.n, c.dim)
			want, err := retrieve.Cosine(x, c.dim, c.k, retrieve.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := Cosine(t.Context(), d.Backend, x, c.dim, c.k)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Index, want.Index) || !slices.Equal(got.Similarity, want.Similarity) {
				t.Errorf("%+v: not the answer on slices", c)
			}
		}
	})
}

func TestErrors(t *testing.T) {
	d, err := device.Open()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		x      []float32
		dim, k int
	}{"empty": {nil, 1, 1}, "NaN": {[]float32{1, float32(math.NaN())}, 1, 1}, "too many": {[]float32{1, 2}, 1, 2}, "no whole rows": {[]float32{1, 2, 3}, 2, 1}} {
		if _, err := Cosine(t.Context(), d.Backend, c.x, c.dim, c.k); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Cosine(ctx, d.Backend, rows(100, 4), 4, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func ExampleCosine() {
	d, err := device.Open()
	if err != nil {
		panic(err)
	}
	hits, err := Cosine(context.Background(), d.Backend, []float32{1, 0, 3, 1, 0, 2}, 2, 1)
	if err != nil {
		panic(err)
	}
	fmt.Println(hits.Index)
	// Output: [1 0 1]
}
