package config

// Mini data: Fashion-MNIST at 32 x 32, a small convnet, minutes on two cores. The
// values below were found by trying (docs/mini.md of the repository tells how) and
// take the place of a preset's where the preset's belong to ImageNet: model, image
// size, batches and learning rate. Temperatures and the methods' own parameters
// stay the published ones.
const (
	miniSize  = 32
	miniBatch = 64
)

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
	set("lr-base", 0.03)
	set("scale", []any{0.5, 1.0})
}
