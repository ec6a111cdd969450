package evaluate

import (
	"urlbench/data"
	"urlbench/urlkit/config"
)

// OptionsOf are the evaluation's options as the settings have them.
func OptionsOf(cfg *config.Config) Options {
	return Options{
		Batch: cfg.EvalBatch(), Workers: cfg.Workers, CropMin: cfg.CropMin, CropMax: cfg.CropMax,
		CropFile: cfg.CropFile, Seed: uint64(cfg.Seed),
		CacheDir: cfg.CacheDir, CacheBytes: int64(cfg.CacheSize * (1 << 30)), Extended: cfg.Metrics == "extended",
	}
}

// OpenSet opens a data set where the settings say it lies: the upstream sets below
// --data-dir, the others below --data-dir-downstream.
func OpenSet(cfg *config.Config, name, split string, upstream bool) (data.Dataset, error) {
	o := data.Options{
		Root: cfg.DataDirDownstream, SoftLabels: cfg.SoftLabels, RealLabels: cfg.RealLabels, ClassMap: cfg.ClassMap,
		Semantics: cfg.ParsedSemantics(), MaxPixels: cfg.MaxPixels,
	}
	if upstream {
		o.Root = cfg.DataDir
	}
	return data.Open(name, split, o)
}

// OpenSets opens several data sets, as OpenSet does.
func OpenSets(cfg *config.Config, names []string, split string, upstream bool) ([]data.Dataset, error) {
	var out []data.Dataset
	for _, name := range names {
		d, err := OpenSet(cfg, name, split, upstream)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}
