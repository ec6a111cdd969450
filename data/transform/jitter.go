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

// Apply jitters an RGB image in place. Steps that map each byte by itself wait in a
// table until a step looks at whole pixels, so that the image is not written for each.
func (j Jitter) Apply(pix []uint8) {
	if j == (Jitter{}) {
		return
	}
	waiting := identity
	for _, step := range j.Order {
		f := j.Factor[step]
		if math.IsNaN(f) || f == neutral[step] {
			continue
		}
		switch step {
		case stepBrightness:
			waiting.then(0, float32(f))
		case stepContrast:
			waiting.then(meanGrey(pix, &waiting), float32(f))
		case stepSaturation:
			saturate(pix, &waiting, float32(f))
			waiting = identity
		case stepHue:
			remap(pix, &waiting)
			waiting = identity
			Hue(pix, f)
		}
	}
	remap(pix, &waiting)
}

// neutral are the factors that change nothing (of hue, none: Pillow's HSV loses bits).
var neutral = [4]float64{1, 1, 1, math.NaN()}

// byteMap says what each byte becomes.
type byteMap [256]uint8

var identity = func() (m byteMap) {
	for v := range m {
		m[v] = uint8(v)
	}
	return m
}()

// then appends a blend with a constant.
func (m *byteMap) then(degenerate int, f float32) {
	var to byteMap
	for v := range to {
		to[v] = blend(degenerate, v, f)
	}
	for v, w := range m {
		m[v] = to[w]
	}
}

// remap replaces each byte by its entry.
func remap(pix []uint8, m *byteMap) {
	if *m == identity {
		return
	}
	for i, v := range pix {
		pix[i] = m[v]
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

// Brightness blends an RGB image with black: factor 0 is black, 1 changes nothing.
func Brightness(pix []uint8, factor float64) { single(pix, stepBrightness, factor) }

// Contrast blends an RGB image with its mean grey, rounded.
func Contrast(pix []uint8, factor float64) { single(pix, stepContrast, factor) }

// Saturation blends an RGB image with its grey version.
func Saturation(pix []uint8, factor float64) { single(pix, stepSaturation, factor) }

func single(pix []uint8, step int, factor float64) {
	j := Jitter{Order: [4]int{0, 1, 2, 3}}
	for i := range j.Factor {
		j.Factor[i] = math.NaN()
	}
	j.Factor[step] = factor
	j.Apply(pix)
}

// meanGrey is the mean grey value of the mapped pixels, halves rounded up.
func meanGrey(pix []uint8, m *byteMap) int {
	var r, g, b [256]uint32
	for v, w := range m {
		r[v], g[v], b[v] = 19595*uint32(w), 38470*uint32(w), 7471*uint32(w)+1<<15
	}
	sum := 0
	for i := 0; i+2 < len(pix); i += 3 {
		p := pix[i : i+3 : i+3]
		sum += int((r[p[0]] + g[p[1]] + b[p[2]]) >> 16)
	}
	return int(float64(sum)/float64(len(pix)/3) + 0.5)
}

// saturate maps the bytes and blends each pixel with its grey value.
func saturate(pix []uint8, m *byteMap, f float32) {
	shift, ok := blendShifts(f)
	for i := 0; i+2 < len(pix); i += 3 {
		p := pix[i : i+3 : i+3]
		r, g, b := m[p[0]], m[p[1]], m[p[2]]
		grey := luma(r, g, b)
		if !ok {
			l := int(grey)
			p[0], p[1], p[2] = blend(l, int(r), f), blend(l, int(g), f), blend(l, int(b), f)
			continue
		}
		l, at := int32(grey), 255-uint32(grey)
		p[0] = clipByte(l + shift[(at+uint32(r))&511])
		p[1] = clipByte(l + shift[(at+uint32(g))&511])
		p[2] = clipByte(l + shift[(at+uint32(b))&511])
	}
}

// blendShifts tabulates floor(f*d) for d from -255 to 255, so that a blend is an
// addition of whole numbers. It is not ok for a factor where the float32 sum in
// blend may be rounded up to the next whole number.
func blendShifts(f float32) (shift [512]int32, ok bool) {
	for d := -255; d <= 255; d++ {
		x := float64(f * float32(d))
		whole := math.Floor(x)
		if x-whole > 1-1./(1<<15) || math.Abs(x) > 1<<20 {
			return shift, false
		}
		shift[d+255] = int32(whole)
	}
	return shift, true
}

func clipByte(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}

// Greyscale replaces each pixel by its grey value.
func Greyscale(pix []uint8) {
	for i := 0; i+2 < len(pix); i += 3 {
		l := luma(pix[i], pix[i+1], pix[i+2])
		pix[i], pix[i+1], pix[i+2] = l, l, l
	}
}
