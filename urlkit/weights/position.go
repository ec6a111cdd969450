package weights

import "math"

// ResamplePosition brings a ViT's position embedding from a grid of from x from
// tokens to one of to x to, each of width values, as timm's resample_abs_pos_embed:
// bicubic with a = -1/2, widened where it shrinks (antialiased), columns and rows
// apart, half-pixel centres.
func ResamplePosition(x []float32, from, to, width int) []float32 {
	weights := cubicWeights(from, to)
	wide := make([]float64, from*to*width) // rows as they were, columns resampled
	for row := range from {
		for col := range to {
			out := wide[(row*to+col)*width:][:width]
			for i, w := range weights[col] {
				if w == 0 {
					continue
				}
				for d, v := range x[(row*from+i)*width:][:width] {
					out[d] += w * float64(v)
				}
			}
		}
	}
	result := make([]float32, to*to*width)
	sum := make([]float64, width)
	for row := range to {
		for col := range to {
			clear(sum)
			for i, w := range weights[row] {
				if w == 0 {
					continue
				}
				for d, v := range wide[(i*to+col)*width:][:width] {
					sum[d] += w * v
				}
			}
			for d, v := range sum {
				result[(row*to+col)*width+d] = float32(v)
			}
		}
	}
	return result
}

// cubicWeights returns, for each place of the new grid, the weights of the old one.
func cubicWeights(from, to int) [][]float64 {
	scale := float64(from) / float64(to)
	widen := max(scale, 1)
	out := make([][]float64, to)
	for i := range out {
		out[i] = make([]float64, from)
		centre, sum := scale*(float64(i)+0.5), 0.0
		first := max(0, int(centre-2*widen+0.5))
		last := min(from, int(centre+2*widen+0.5))
		for j := first; j < last; j++ {
			out[i][j] = cubic((float64(j) - centre + 0.5) / widen)
			sum += out[i][j]
		}
		for j := range out[i] {
			out[i][j] /= sum
		}
	}
	return out
}

// cubic is Keys' kernel with a = -1/2 (Cubic Convolution Interpolation for Digital
// Image Processing, 1981).
func cubic(x float64) float64 {
	const a = -0.5
	switch x = math.Abs(x); {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return ((x-5)*x+8)*a*x - 4*a
	}
	return 0
}
