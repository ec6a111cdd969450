package transform

// The constants of timm's data.constants that the original resolves to.
var (
	ImageNetMean = [3]float64{0.485, 0.456, 0.406}
	ImageNetStd  = [3]float64{0.229, 0.224, 0.225}
	HalfMean     = [3]float64{0.5, 0.5, 0.5} // timm's "inception" mean and std
)

// DefaultCropPct is the share of the resized side that the centre crop keeps.
const DefaultCropPct = 0.875

// DataConfig says what a model's input looks like.
type DataConfig struct {
	Size    int
	Filter  Filter
	Mean    [3]float64 // of values in [0, 1], by channel
	Std     [3]float64
	CropPct float64
	Mode    CropMode
}

// Normalize writes (x - 255 mean) / (255 std) for RGB bytes, in float32 with the
// constants rounded to float32 first, as the original's prefetching loader.
func (c DataConfig) Normalize(dst []float32, pix []uint8) {
	var mean, std [3]float32
	for i := range mean {
		mean[i], std[i] = float32(255*c.Mean[i]), float32(255*c.Std[i])
	}
	for i, v := range pix {
		dst[i] = (float32(v) - mean[i%3]) / std[i%3]
	}
}
