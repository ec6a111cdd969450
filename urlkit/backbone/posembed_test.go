package backbone

import (
	"math"
	"strings"
	"testing"
)

// direct interpolates one value from the definition: the kernel's weights at all
// positions, normalised.
func direct(x []float32, rows, cols int, to [2]int, r, c int) float64 {
	weights := func(side, to, i int) []float64 {
		scale := float64(side) / float64(to)
		wide := math.Max(scale, 1)
		centre := scale*(float64(i)+0.5) - 0.5
		out, sum := make([]float64, side), 0.0
		for j := range out {
			d := math.Abs(float64(j)-centre) / wide
			switch {
			case d < 1:
				out[j] = 1.5*d*d*d - 2.5*d*d + 1
			case d < 2:
				out[j] = -0.5*d*d*d + 2.5*d*d - 4*d + 2
			}
			sum += out[j]
		}
		for j := range out {
			out[j] /= sum
		}
		return out
	}
	sum := 0.0
	for i, wi := range weights(rows, to[0], r) {
		for j, wj := range weights(cols, to[1], c) {
			sum += wi * wj * float64(x[i*cols+j])
		}
	}
	return sum
}

func TestResamplePosition(t *testing.T) {
	for _, tc := range [][2][2]int{{{4, 4}, {6, 6}}, {{6, 5}, {3, 4}}, {{16, 16}, {14, 14}}, {{2, 3}, {2, 3}}, {{3, 3}, {1, 7}}} {
		from, to := tc[0], tc[1]
		const width = 2
		x := make([]float32, from[0]*from[1]*width)
		plane := make([]float32, from[0]*from[1])
		for i := range plane {
			plane[i] = float32(math.Sin(1.3*float64(i)) + 0.1*float64(i))
			x[i*width], x[i*width+1] = plane[i], 7
		}
		y, err := ResamplePosition(x, from, to, width)
		if err != nil {
			t.Fatal(err)
		}
		for r := range to[0] {
			for c := range to[1] {
				at := (r*to[1] + c) * width
				if want := direct(plane, from[0], from[1], to, r, c); math.Abs(float64(y[at])-want) > 1e-6 {
					t.Errorf("%v: (%d, %d) is %g, want %g", tc, r, c, y[at], want)
				}
				if math.Abs(float64(y[at+1])-7) > 1e-5 {
					t.Errorf("%v: a constant became %g", tc, y[at+1])
				}
			}
		}
	}
	if _, err := ResamplePosition(make([]float32, 7), [2]int{2, 2}, [2]int{3, 3}, 2); err == nil || !strings.Contains(err.Error(), "want 8") {
		t.Errorf("wrong length: %v", err)
	}
	if r, c := PositionGrid(Names()[len(Names())-1], 384, 256); r != 24 || c != 16 {
		t.Errorf("grid %d x %d, want 24 x 16", r, c)
	}
}
