package transform

import (
	"math"
	"math/rand/v2"

	"urlbench/data/pixel"
)

// CropMode says how an evaluation image becomes a square.
type CropMode string

// The crop modes.
const (
	CropCentre CropMode = "center" // scale the shorter side, cut the centre
	CropSquash CropMode = "squash" // scale both sides, ignoring the aspect ratio, cut the centre
	CropBorder CropMode = "border" // scale the longer side, fill the rest with the mean colour
)

// EvalConfig are the parameters of Eval; zero fields mean the original's values.
type EvalConfig struct {
	Size    int      // side of the result in pixels; 224
	CropPct float64  // Size / CropPct is the side before the crop; 0.875
	Filter  Filter   // Bicubic
	Mode    CropMode // CropCentre
	Mean    [3]float64
}

func (c EvalConfig) withDefaults() EvalConfig {
	if c.Size == 0 {
		c.Size = 224
	}
	if c.CropPct == 0 {
		c.CropPct = DefaultCropPct
	}
	if c.Mode == "" {
		c.Mode = CropCentre
	}
	if c.Mean == [3]float64{} {
		c.Mean = ImageNetMean
	}
	return c
}

// Eval resizes and cuts the centre, as the original's evaluation transform: the
// shorter side becomes floor(Size/CropPct), the longer one keeps the ratio,
// truncated, and the crop begins at half the rest, rounded half to even.
func Eval(c EvalConfig) Transform {
	c = c.withDefaults()
	return func(_ *rand.Rand, src *pixel.Image, dst []uint8) error {
		checkDst(dst, c.Size, 1)
		w, h := c.scaled(src.W, src.H)
		return resizeCentre(dst, src, w, h, c.Size, c.Filter, c.fill())
	}
}

// scaled is the size that an image of w x h pixels is resized to.
func (c EvalConfig) scaled(w, h int) (int, int) {
	s := int(math.Floor(float64(c.Size) / c.CropPct))
	switch c.Mode {
	case CropSquash:
		return s, s
	case CropBorder:
		ratio := max(float64(h)/float64(s), float64(w)/float64(s))
		return roundEven(float64(w) / ratio), roundEven(float64(h) / ratio)
	}
	return shorterTo(w, h, s)
}

// shorterTo scales w x h so that the shorter side becomes s.
func shorterTo(w, h, s int) (int, int) {
	if w <= h {
		return s, int(float64(s) * float64(h) / float64(w))
	}
	return int(float64(s) * float64(w) / float64(h)), s
}

// fill is the colour around an image that is smaller than the crop.
func (c EvalConfig) fill() (rgb [3]uint8) {
	if c.Mode == CropBorder {
		for i, m := range c.Mean {
			rgb[i] = uint8(roundEven(255 * m))
		}
	}
	return rgb
}

// resizeCentre resizes src to w x h and cuts or pads it to size around the centre.
func resizeCentre(dst []uint8, src *pixel.Image, w, h, size int, f Filter, fill [3]uint8) error {
	if w < size || h < size {
		for i := 0; i < len(dst); i += 3 {
			copy(dst[i:i+3], fill[:])
		}
	}
	x0, nw, left := centre(w, size)
	y0, nh, top := centre(h, size)
	win := pixel.Rect{X0: x0, Y0: y0, X1: x0 + nw, Y1: y0 + nh}
	return resize(dst[3*(top*size+left):], 3*size, src, src.Bounds(), w, h, win, f)
}

// centre places a crop of size pixels on an axis of n: where it begins in the
// image, how many pixels it takes from there and how many of padding come first.
func centre(n, size int) (from, count, pad int) {
	if n < size {
		return 0, n, (size - n) / 2
	}
	return roundEven(float64(n-size) / 2), size, 0
}

func roundEven(x float64) int { return int(math.RoundToEven(x)) }
