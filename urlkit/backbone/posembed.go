package backbone

import (
	"fmt"
	"math"
)

// PositionGrid returns the sides, in patches, of the position embedding that the
// backbone has for images of the given sides; zeros for a backbone without one.
func PositionGrid(name string, height, width int) (rows, cols int) {
	if name != "vit_medium_patch16_gap_256" {
		return 0, 0
	}
	return height / vitPatch, width / vitPatch
}

// ResamplePosition brings a position embedding [1, from[0]·from[1], width], row by
// row, to another grid of patches, as timm does when weights meet images of another
// size: bicubic interpolation with a = -0.5, widened where it shrinks
// (torch.nn.functional.interpolate with mode="bicubic", antialias=True).
func ResamplePosition(embedding []float32, from, to [2]int, width int) ([]float32, error) {
	if len(embedding) != from[0]*from[1]*width || width < 1 || min(from[0], from[1], to[0], to[1]) < 1 {
		return nil, fmt.Errorf("pos_embed has %d numbers, want %d = %d x %d patches of %d", len(embedding), from[0]*from[1]*width, from[0], from[1], width)
	}
	if from == to {
		return append([]float32(nil), embedding...), nil
	}
	x := make([]float64, len(embedding))
	for i, v := range embedding {
		x[i] = float64(v)
	}
	// Columns first, then rows: each pass sees [outer, side, inner].
	x = resample(x, from[0], from[1], to[1], width)
	x = resample(x, 1, from[0], to[0], to[1]*width)
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out, nil
}

// resample interpolates the middle axis of x [outer, from, inner] to length to.
func resample(x []float64, outer, from, to, inner int) []float64 {
	y := make([]float64, outer*to*inner)
	scale := float64(from) / float64(to)
	wide := max(scale, 1)
	for i := range to {
		centre := scale * (float64(i) + 0.5)
		first := max(0, int(centre-2*wide+0.5))
		last := min(from, int(centre+2*wide+0.5))
		weights, sum := make([]float64, last-first), 0.0
		for j := range weights {
			weights[j] = cubic((float64(first+j) - centre + 0.5) / wide)
			sum += weights[j]
		}
		for o := range outer {
			row := y[(o*to+i)*inner:][:inner]
			for j, w := range weights {
				for k, v := range x[(o*from+first+j)*inner:][:inner] {
					row[k] += w / sum * v
				}
			}
		}
	}
	return y
}

// cubic is Keys' convolution kernel (1981) with a = -0.5.
func cubic(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return ((a*x-5*a)*x+8*a)*x - 4*a
	}
	return 0
}
