package transform

import (
	"fmt"
	"strings"

	"urlbench/urlkit/semantics"
)

// The constants that models were trained with (timm's names: imagenet default,
// inception).
var (
	ImageNetMean = [3]float64{0.485, 0.456, 0.406}
	ImageNetStd  = [3]float64{0.229, 0.224, 0.225}
	HalfMean     = [3]float64{0.5, 0.5, 0.5}
	HalfStd      = [3]float64{0.5, 0.5, 0.5}
)

// DefaultCropPct is the share of the resized side that the centre crop keeps.
const DefaultCropPct = 0.875

// DataConfig says what a model's input looks like.
type DataConfig struct {
	Size    int // side in pixels
	Filter  Filter
	Mean    [3]float64 // of values in [0, 1], by channel
	Std     [3]float64
	CropPct float64
	Mode    CropMode
}

// defaultConfig is what the original resolves to for every model: its uncertainty
// wrapper hides the model's own configuration.
func defaultConfig() DataConfig {
	return DataConfig{Size: 224, Filter: Bicubic, Mean: ImageNetMean, Std: ImageNetStd, CropPct: DefaultCropPct, Mode: CropCentre}
}

// ownConfig is what a model was pretrained with, by its timm name, whatever suffix
// the name carries.
func ownConfig(model string) DataConfig {
	c := defaultConfig()
	switch {
	case strings.HasPrefix(model, "resnet50"):
		c.CropPct = 0.95
	case strings.HasPrefix(model, "vit_medium_patch16_gap_256"):
		c.Size, c.CropPct, c.Mean, c.Std = 256, 0.95, HalfMean, HalfStd
	}
	return c
}

// Overrides are what flags say about the input; zero fields say nothing.
type Overrides struct {
	Size      int       // --img-size
	CropPct   float64   // --crop-pct
	CropMode  string    // --crop-mode
	Filter    string    // --interpolation
	Mean, Std []float64 // --mean, --std: one value or three
}

// Resolve returns the input configuration of a model: the flags, else under
// Original the defaults whatever the model (its own values, such as a crop of 0.95
// or the ViT's mean of 0.5, are hidden by the original's wrapper), under Corrected
// the model's own values.
func Resolve(s semantics.Semantics, model string, o Overrides) (DataConfig, error) {
	c := defaultConfig()
	if s == semantics.Corrected {
		c = ownConfig(model)
	}
	if o.Size < 0 || o.CropPct < 0 {
		return c, fmt.Errorf("--img-size=%d --crop-pct=%g: give positive numbers", o.Size, o.CropPct)
	}
	if o.Size > 0 {
		c.Size = o.Size
	}
	if o.CropPct > 0 {
		c.CropPct = o.CropPct
	}
	switch mode := CropMode(o.CropMode); mode {
	case "":
	case CropCentre, CropSquash, CropBorder:
		c.Mode = mode
	default:
		return c, fmt.Errorf("--crop-mode=%q: choose center, squash or border", o.CropMode)
	}
	if o.Filter != "" {
		f, err := ParseFilter(o.Filter)
		if err != nil {
			return c, fmt.Errorf("--interpolation: %w", err)
		}
		c.Filter = f
	}
	if err := channels(&c.Mean, o.Mean); err != nil {
		return c, fmt.Errorf("--mean: %w", err)
	}
	if err := channels(&c.Std, o.Std); err != nil {
		return c, fmt.Errorf("--std: %w", err)
	}
	return c, nil
}

func channels(dst *[3]float64, values []float64) error {
	switch len(values) {
	case 0:
	case 1:
		*dst = [3]float64{values[0], values[0], values[0]}
	case 3:
		copy(dst[:], values)
	default:
		return fmt.Errorf("%d values; give one, or three for red, green and blue", len(values))
	}
	return nil
}

// ParseFilter reads the name of a filter.
func ParseFilter(name string) (Filter, error) {
	for _, f := range []Filter{Bicubic, Bilinear} {
		if name == f.String() {
			return f, nil
		}
	}
	return 0, fmt.Errorf("%q is no filter: choose bicubic or bilinear", name)
}

// Eval returns the parameters of the evaluation transform.
func (c DataConfig) Eval() EvalConfig {
	return EvalConfig{Size: c.Size, CropPct: c.CropPct, Filter: c.Filter, Mode: c.Mode, Mean: c.Mean}
}

// Normalize writes (x - 255 mean) / (255 std) for RGB bytes, in float32 with the
// constants rounded to float32 first, as the original's prefetching loader.
func (c DataConfig) Normalize(dst []float32, pix []uint8) {
	var mean, std [3]float32
	for i := range mean {
		mean[i], std[i] = float32(255*c.Mean[i]), float32(255*c.Std[i])
	}
	for i := 0; i+2 < len(pix); i += 3 {
		p, d := pix[i:i+3:i+3], dst[i:i+3:i+3]
		for k := range d {
			d[k] = (float32(p[k]) - mean[k]) / std[k]
		}
	}
}
