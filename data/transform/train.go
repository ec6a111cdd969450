package transform

import (
	"math/rand/v2"

	"urlbench/data/pixel"
)

// TrainConfig are the parameters of Train. DefaultTrain has the original's.
type TrainConfig struct {
	Size   int
	NoAug  bool // only resize to Size x Size, ignoring the aspect ratio
	Crop   CropConfig
	Filter *Filter // nil draws bilinear or bicubic for each image
	HFlip  float64 // probability of a mirror image
	VFlip  float64 // probability of an upside-down image
	Blur   float64 // probability of KernelBlur with sigma from 0.5 to 5, before the jitter; 0
	Jitter JitterConfig
}

// DefaultTrain returns the original's supervised training transform: random
// resized crop, horizontal flip, jitter of brightness, contrast and saturation.
func DefaultTrain(size int) TrainConfig {
	return TrainConfig{Size: size, Crop: DefaultCrop(), HFlip: 0.5, Jitter: DefaultJitter(0.4)}
}

// Train returns the supervised training transform.
func Train(c TrainConfig) Transform {
	return func(rng *rand.Rand, src *pixel.Image, dst []uint8) error {
		checkDst(dst, c.Size, 1)
		if c.NoAug {
			f := Bicubic // the model's own filter: the original's "random" needs augmentation
			if c.Filter != nil {
				f = *c.Filter
			}
			return resize(dst, 3*c.Size, src, src.Bounds(), c.Size, c.Size, pixel.Rect{X1: c.Size, Y1: c.Size}, f)
		}
		d := c.draw(rng, src.W, src.H)
		return d.apply(src, dst, c.Size)
	}
}

// trainDraws is all that is random about one training view.
type trainDraws struct {
	box          pixel.Rect
	filter       Filter
	hflip, vflip bool
	blur         float64 // sigma, 0 for none
	jitter       Jitter
}

func (c TrainConfig) draw(rng *rand.Rand, w, h int) trainDraws {
	d := trainDraws{
		box:    c.Crop.Box(rng, w, h),
		filter: drawFilter(rng, c.Filter),
		hflip:  c.HFlip > 0 && rng.Float64() < c.HFlip,
		vflip:  c.VFlip > 0 && rng.Float64() < c.VFlip,
	}
	if c.Blur > 0 && rng.Float64() < c.Blur {
		d.blur = Range{0.5, 5}.draw(rng)
	}
	d.jitter = c.Jitter.Draw(rng)
	return d
}

func (d trainDraws) apply(src *pixel.Image, dst []uint8, size int) error {
	whole := pixel.Rect{X1: size, Y1: size}
	if err := resize(dst, 3*size, src, d.box, size, size, whole, d.filter); err != nil {
		return err
	}
	if d.hflip {
		flipRows(dst, size)
	}
	if d.vflip {
		flipColumns(dst, size)
	}
	if d.blur > 0 {
		KernelBlur(dst, size, d.blur)
	}
	d.jitter.Apply(dst)
	return nil
}

// flipRows mirrors each row of an image of w pixels.
func flipRows(pix []uint8, w int) {
	for row := 0; row < len(pix); row += 3 * w {
		line := pix[row : row+3*w]
		for i, j := 0, 3*(w-1); i < j; i, j = i+3, j-3 {
			a, b := line[i:i+3:i+3], line[j:j+3:j+3]
			a[0], a[1], a[2], b[0], b[1], b[2] = b[0], b[1], b[2], a[0], a[1], a[2]
		}
	}
}

// flipColumns turns an image of w pixels a row upside down.
func flipColumns(pix []uint8, w int) {
	for i, j := 0, len(pix)-3*w; i < j; i, j = i+3*w, j-3*w {
		for k := range 3 * w {
			pix[i+k], pix[j+k] = pix[j+k], pix[i+k]
		}
	}
}
