package transform

import (
	"math"
	"math/rand/v2"

	"urlbench/data/pixel"
)

// SSLConfig are the parameters of SSL. DefaultSSL has the original's.
type SSLConfig struct {
	Size                                               int
	Views                                              int // independent views of each image
	Crop                                               CropConfig
	Filter                                             *Filter // nil draws bilinear or bicubic for each view
	Jitter                                             JitterConfig
	Sigma                                              Range // of the blur, in pixels
	PJitter, PGrey, PBlur, PSolarize, PEqualize, PFlip float64
}

// DefaultSSL returns the original's two-view transform for self-supervised
// training. Its blur is always on (the parser's default is 1).
func DefaultSSL(size int) SSLConfig {
	c := SSLConfig{Size: size, Views: 2, Crop: DefaultCrop(), Jitter: DefaultJitter(0.4), Sigma: Range{0.1, 2},
		PJitter: 0.8, PGrey: 0.2, PBlur: 1, PFlip: 0.5}
	c.Jitter.Saturation = &Range{0.8, 1.2}
	c.Jitter.Hue = &Range{-0.1, 0.1}
	return c
}

// SSL returns the transform that writes Views independent views of an image, one
// after the other: crop, jitter, grey, blur, solarise, equalise, flip.
func SSL(c SSLConfig) Transform {
	return func(rng *rand.Rand, src *pixel.Image, dst []uint8) error {
		checkDst(dst, c.Size, c.Views)
		draws := make([]sslDraws, c.Views)
		for v := range draws {
			draws[v] = c.draw(rng, src.W, src.H)
		}
		if err := src.Load(joint(draws)); err != nil {
			return err
		}
		n := len(dst) / c.Views
		for v, d := range draws {
			if err := d.apply(src, dst[v*n:(v+1)*n], c.Size); err != nil {
				return err
			}
		}
		return nil
	}
}

// joint is the part of the image that the views show together, to decode once.
func joint(draws []sslDraws) pixel.Rect {
	part := draws[0].box
	for _, d := range draws[1:] {
		part = part.Union(d.box)
	}
	return part
}

// sslDraws is all that is random about one self-supervised view.
type sslDraws struct {
	box                                   pixel.Rect
	filter                                Filter
	jitter                                Jitter
	sigma                                 float64
	grey, blur, solarize, equalize, hflip bool
}

func (c SSLConfig) draw(rng *rand.Rand, w, h int) sslDraws {
	d := sslDraws{box: c.Crop.Box(rng, w, h), filter: drawFilter(rng, c.Filter)}
	if rng.Float64() < c.PJitter {
		d.jitter = c.Jitter.Draw(rng)
	}
	d.grey = rng.Float64() < c.PGrey
	d.blur = rng.Float64() < c.PBlur
	d.sigma = c.Sigma.draw(rng)
	d.solarize = rng.Float64() < c.PSolarize
	d.equalize = rng.Float64() < c.PEqualize
	d.hflip = rng.Float64() < c.PFlip
	return d
}

func (d sslDraws) apply(src *pixel.Image, dst []uint8, size int) error {
	whole := pixel.Rect{X1: size, Y1: size}
	if err := resize(dst, 3*size, src, d.box, size, size, whole, d.filter); err != nil {
		return err
	}
	d.jitter.Apply(dst)
	if d.grey {
		Greyscale(dst)
	}
	if d.blur {
		GaussianBlur(dst, size, d.sigma)
	}
	if d.solarize {
		Solarize(dst, 128)
	}
	if d.equalize {
		Equalize(dst)
	}
	if d.hflip {
		flipRows(dst, size)
	}
	return nil
}

// Solarize inverts the bytes at or above the threshold.
func Solarize(pix []uint8, threshold uint8) {
	for i, v := range pix {
		if v >= threshold {
			pix[i] = 255 - v
		}
	}
}

// Equalize flattens each channel's histogram, as Pillow's ImageOps.equalize.
func Equalize(pix []uint8) {
	for c := range 3 {
		var histogram [256]int
		for i := c; i < len(pix); i += 3 {
			histogram[pix[i]]++
		}
		levels, last, total := 0, 0, 0
		for _, n := range histogram {
			if n > 0 {
				levels, last = levels+1, n
			}
			total += n
		}
		step := (total - last) / 255
		if levels <= 1 || step == 0 {
			continue
		}
		var table [256]uint8
		sum := step / 2
		for v, n := range histogram {
			table[v] = uint8(min(sum/step, 255))
			sum += n
		}
		for i := c; i < len(pix); i += 3 {
			pix[i] = table[pix[i]]
		}
	}
}

// GaussianBlur blurs an RGB image of w pixels a row, in place, as Pillow's
// ImageFilter.GaussianBlur: three box blurs along the rows, then three along the
// columns, whose boxes have fractional edges so that their variance is sigma^2
// (Gwosdek et al., 2011).
func GaussianBlur(pix []uint8, w int, sigma float64) {
	radius := boxRadius(sigma)
	if radius == 0 {
		return
	}
	blur := newBoxBlur(radius)
	h := len(pix) / 3 / w
	r := resamplers.Get().(*resampler)
	defer resamplers.Put(r)
	r.mid = sized(r.mid, 3*max(w, h))
	for y := range h {
		row := pix[3*y*w : 3*(y+1)*w]
		for range 3 {
			blur.line(r.mid, row, 3, w)
			copy(row, r.mid)
		}
	}
	for x := range w {
		for range 3 {
			blur.line(r.mid, pix[3*x:], 3*w, h)
			for y := range h {
				copy(pix[3*(y*w+x):3*(y*w+x)+3], r.mid[3*y:])
			}
		}
	}
}

// boxRadius is the radius of three box blurs that make a Gaussian, in float32.
func boxRadius(sigma float64) float32 {
	s2 := float32(sigma) * float32(sigma) / 3
	l := float32(math.Sqrt(12*float64(s2) + 1))
	l = float32(math.Floor((float64(l) - 1) / 2))
	// The conversions keep the compiler from fusing (arm64), which rounds once less.
	a := (2*l + 1) * (float32(l*(l+1)) - float32(3*s2))
	a /= 6 * (s2 - float32((l+1)*(l+1)))
	return l + a
}

// boxBlur is a box of whole pixels and two fractional ones at its ends.
type boxBlur struct {
	radius     int
	full, edge uint32 // weights in 1/2^24
}

func newBoxBlur(radius float32) boxBlur {
	whole := int(radius)
	full := uint32(float32(1<<24) / (radius*2 + 1))
	return boxBlur{whole, full, (1<<24 - uint32(whole*2+1)*full) / 2}
}

// line blurs n pixels that follow each other at stride bytes into dst.
func (b boxBlur) line(dst, src []uint8, stride, n int) {
	at := func(i int) int { return min(max(i, 0), n-1) * stride }
	for c := range 3 {
		sum := uint32(0)
		for i := -b.radius; i < b.radius; i++ {
			sum += uint32(src[at(i)+c])
		}
		for i := range n {
			sum += uint32(src[at(i+b.radius)+c])
			ends := uint32(src[at(i-b.radius-1)+c]) + uint32(src[at(i+b.radius+1)+c])
			dst[3*i+c] = uint8((sum*b.full + ends*b.edge + 1<<23) >> 24)
			sum -= uint32(src[at(i-b.radius)+c])
		}
	}
}
