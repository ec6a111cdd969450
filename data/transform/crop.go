package transform

import (
	"math"
	"math/rand/v2"

	"urlbench/data/pixel"
)

// Range is a closed interval to draw from.
type Range struct{ Min, Max float64 }

func (r Range) draw(rng *rand.Rand) float64 { return r.Min + (r.Max-r.Min)*rng.Float64() }

// CropConfig are the parameters of the random resized crop.
type CropConfig struct {
	Scale Range // share of the image's area; 0.08 to 1
	Ratio Range // width by height; 3/4 to 4/3, drawn uniformly in its logarithm
}

// DefaultCrop returns the original's crop.
func DefaultCrop() CropConfig { return CropConfig{Range{0.08, 1}, Range{3. / 4, 4. / 3}} }

// drawer supplies the draws of a crop box; tests replay recorded ones.
type drawer interface {
	uniform(r Range) float64
	intn(n int) int // in [0, n)
}

type rngDrawer struct{ *rand.Rand }

func (d rngDrawer) uniform(r Range) float64 { return r.draw(d.Rand) }
func (d rngDrawer) intn(n int) int          { return d.IntN(n) }

// box draws the part of a w x h image to crop: up to ten tries of an area and an
// aspect ratio whose box fits, at a uniform place (top drawn first); else the
// largest centred box whose ratio is within the range.
func (c CropConfig) box(d drawer, w, h int) pixel.Rect {
	area := float64(w) * float64(h)
	logRatio := Range{math.Log(c.Ratio.Min), math.Log(c.Ratio.Max)}
	for range 10 {
		target := d.uniform(c.Scale) * area
		ratio := math.Exp(d.uniform(logRatio))
		bw, bh := roundEven(math.Sqrt(target*ratio)), roundEven(math.Sqrt(target/ratio))
		// A side may round to 0 in images of a few pixels, where the original fails.
		if 0 < bw && bw <= w && 0 < bh && bh <= h {
			top := d.intn(h - bh + 1)
			left := d.intn(w - bw + 1)
			return pixel.Rect{X0: left, Y0: top, X1: left + bw, Y1: top + bh}
		}
	}
	bw, bh := w, h
	switch ratio := float64(w) / float64(h); {
	case ratio < c.Ratio.Min:
		bh = roundEven(float64(w) / c.Ratio.Min)
	case ratio > c.Ratio.Max:
		bw = roundEven(float64(h) * c.Ratio.Max)
	}
	top, left := (h-bh)/2, (w-bw)/2
	return pixel.Rect{X0: left, Y0: top, X1: left + bw, Y1: top + bh}
}

// Box draws the part of an image of w x h pixels that a training view shows.
func (c CropConfig) Box(rng *rand.Rand, w, h int) pixel.Rect { return c.box(rngDrawer{rng}, w, h) }

// drawFilter draws bilinear or bicubic, or returns the fixed filter.
func drawFilter(rng *rand.Rand, fixed *Filter) Filter {
	if fixed != nil {
		return *fixed
	}
	if rng.IntN(2) == 0 {
		return Bilinear
	}
	return Bicubic
}
