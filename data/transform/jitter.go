package transform

import (
	"math"
	"math/rand/v2"
)

// JitterConfig says how far colours are jittered. A nil range leaves its step out.
type JitterConfig struct {
	Brightness, Contrast, Saturation *Range // factors, 1 changes nothing
	Hue                              *Range // share of the colour circle, -0.5 to 0.5
}

// DefaultJitter returns the original's supervised jitter: factors of brightness,
// contrast and saturation in [1-x, 1+x], no hue.
func DefaultJitter(x float64) JitterConfig {
	r := &Range{max(0, 1-x), 1 + x}
	return JitterConfig{Brightness: r, Contrast: r, Saturation: r}
}

// The steps of a jitter, numbered as torchvision's ColorJitter numbers them.
const (
	stepBrightness = iota
	stepContrast
	stepSaturation
	stepHue
)

// Jitter is one drawn jitter: factors by step, NaN where a step is left out, and
// the order of the steps. The zero value changes nothing.
type Jitter struct {
	Order  [4]int
	Factor [4]float64
}

// Draw draws a jitter: the order uniformly, then each factor in its range.
func (c JitterConfig) Draw(rng *rand.Rand) Jitter {
	var j Jitter
	for i := range j.Order {
		k := rng.IntN(i + 1)
		j.Order[i], j.Order[k] = j.Order[k], i
	}
	for i, r := range []*Range{c.Brightness, c.Contrast, c.Saturation, c.Hue} {
		j.Factor[i] = math.NaN()
		if r != nil {
			j.Factor[i] = float64(float32(r.draw(rng))) // drawn in float32 by torch
		}
	}
	return j
}

// Apply jitters an RGB image in place.
func (j Jitter) Apply(pix []uint8) {
	if j == (Jitter{}) {
		return
	}
	for _, step := range j.Order {
		f := j.Factor[step]
		if math.IsNaN(f) {
			continue
		}
		switch step {
		case stepBrightness:
			Brightness(pix, f)
		case stepContrast:
			Contrast(pix, f)
		case stepSaturation:
			Saturation(pix, f)
		case stepHue:
			Hue(pix, f)
		}
	}
}

// luma is Pillow's grey value of a pixel (ITU-R 601-2, 16-bit fixed point).
func luma(r, g, b uint8) uint8 {
	return uint8((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 1<<15) >> 16)
}

// blend is Pillow's: degenerate + f*(v-degenerate) in float32, cut to a byte.
func blend(degenerate, v int, f float32) uint8 {
	x := float32(degenerate) + float32(f*float32(v-degenerate))
	switch {
	case !(x > 0):
		return 0
	case x >= 255:
		return 255
	}
	return uint8(x)
}

// remap replaces each byte by its entry.
func remap(pix []uint8, table *[256]uint8) {
	for i, v := range pix {
		pix[i] = table[v]
	}
}

func blendTable(degenerate int, f float64) *[256]uint8 {
	var table [256]uint8
	for v := range table {
		table[v] = blend(degenerate, v, float32(f))
	}
	return &table
}

// Brightness blends an RGB image with black: factor 0 is black, 1 changes nothing.
func Brightness(pix []uint8, factor float64) { remap(pix, blendTable(0, factor)) }

// Contrast blends an RGB image with its mean grey, rounded.
func Contrast(pix []uint8, factor float64) {
	remap(pix, blendTable(meanGrey(pix), factor))
}

func meanGrey(pix []uint8) int {
	sum := 0
	for i := 0; i+2 < len(pix); i += 3 {
		sum += int(luma(pix[i], pix[i+1], pix[i+2]))
	}
	return int(float64(sum)/float64(len(pix)/3) + 0.5)
}

// Saturation blends an RGB image with its grey version.
func Saturation(pix []uint8, factor float64) {
	f := float32(factor)
	for i := 0; i+2 < len(pix); i += 3 {
		p := pix[i : i+3 : i+3]
		l := int(luma(p[0], p[1], p[2]))
		p[0], p[1], p[2] = blend(l, int(p[0]), f), blend(l, int(p[1]), f), blend(l, int(p[2]), f)
	}
}

// Greyscale replaces each pixel by its grey value.
func Greyscale(pix []uint8) {
	for i := 0; i+2 < len(pix); i += 3 {
		l := luma(pix[i], pix[i+1], pix[i+2])
		pix[i], pix[i+1], pix[i+2] = l, l, l
	}
}
