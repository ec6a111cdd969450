package transform

import "math"

// KernelBlur blurs an RGB image of w pixels a row in place with a sampled Gaussian
// of 31 pixels, as torchvision's GaussianBlur: the border is mirrored without
// repeating its pixel, sums are float32, results are rounded half to even. It is the
// original's --blur_prob; SSL's blur is GaussianBlur. An image smaller than 16
// pixels either way, where torchvision fails, is mirrored as often as it takes.
func KernelBlur(pix []uint8, w int, sigma float64) {
	const reach = 15
	var kernel [2*reach + 1]float32
	sum := float32(0)
	for i := range kernel {
		x := float64(i-reach) / sigma
		kernel[i] = float32(math.Exp(-0.5 * x * x))
		sum += kernel[i]
	}
	for i := range kernel {
		kernel[i] /= sum
	}
	h := len(pix) / 3 / w
	mid := make([]float32, len(pix))
	for x := range w {
		var from [len(kernel)]int
		for k := range kernel {
			from[k] = 3 * mirror(x+k-reach, w)
		}
		for y := range h {
			row := pix[3*y*w : 3*(y+1)*w]
			var r, g, b float32
			for k, weight := range kernel {
				p := row[from[k]:][:3]
				r, g, b = r+weight*float32(p[0]), g+weight*float32(p[1]), b+weight*float32(p[2])
			}
			at := 3 * (y*w + x)
			mid[at], mid[at+1], mid[at+2] = r, g, b
		}
	}
	line := make([]float32, 3*w)
	for y := range h {
		clear(line)
		for k, weight := range kernel {
			src := mid[3*w*mirror(y+k-reach, h):][:3*w]
			for i, v := range src {
				line[i] += weight * v
			}
		}
		for i, v := range line {
			pix[3*y*w+i] = uint8(min(math.RoundToEven(float64(v)), 255))
		}
	}
}

// mirror reflects an index into [0, n) at the outer pixels.
func mirror(i, n int) int {
	if n == 1 {
		return 0
	}
	period := 2 * (n - 1)
	i = ((i % period) + period) % period
	return min(i, period-i)
}
