// Package config holds every setting of a run: the flags of the original's
// train.py and validate.py with their defaults, and urlbench's own few.
//
//	cfg, err := config.Parse([]string{"--preset", "elk", "--data", "mini", "--epochs=3"})
//	cfg.Loss, cfg.Epochs       // "elk", 3
//	cfg.From("inv_temp")       // "preset elk"
//
// A value comes from, weakest first: the default, a preset (a published command),
// the mini data's settings, a YAML file (-c), a flag. Hyphens and underscores in
// names are the same. The package knows no model and links no GoMLX.
package config

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"urlbench/urlkit/semantics"
)

// Config is the settings of a training or a validation. The tag `flag` is the
// original's spelling, `default` its default for train.py in YAML, `validate` the
// default for validate.py where it differs; fields without a flag of the original
// say so in their comment.
type Config struct {
	// Data.
	Data                     string   `flag:"data" default:"''" help:"mini: everything on the embedded data (urlbench's own flag)"`
	DataDir                  string   `flag:"data-dir" default:"./data/ImageNet2012" help:"folder of the upstream dataset"`
	Dataset                  string   `flag:"dataset" default:"torch/imagenet" validate:"soft/imagenet" help:"dataset to train on (validate: upstream set to measure)"`
	DatasetEval              string   `flag:"dataset_eval" default:"soft/imagenet" help:"upstream dataset to measure after each epoch"`
	DataDirDownstream        string   `flag:"data-dir-downstream" default:"./data" help:"folder that holds the downstream datasets"`
	DatasetDownstream        []string `flag:"dataset-downstream" default:"[repr/cub, repr/cars, repr/sop]" validate:"[soft/cifar, soft/treeversity1, soft/turkey, soft/pig, soft/benthic]" help:"downstream datasets"`
	FurtherDatasetDownstream []string `flag:"further-dataset-downstream" default:"[soft/cifar, soft/treeversity1, soft/turkey, soft/pig, soft/benthic]" help:"further downstream datasets, measured on their test split at the best epoch"`
	RealLabels               string   `flag:"real-labels" default:"./data/real.json" help:"ReaL labels of ImageNet"`
	SoftLabels               string   `flag:"soft-labels" default:"./data/raters.npz" help:"raters of ImageNet-RealH"`
	TrainSplit               string   `flag:"train-split" default:"train" help:"split to train on"`
	ValSplit                 string   `flag:"val-split" default:"validation" help:"split to choose the best epoch on"`
	TestSplit                string   `flag:"test-split" default:"test" help:"split to report at the best epoch"`
	Split                    string   `flag:"split" default:"validation" only:"validate" help:"split to measure"`
	ClassMap                 string   `flag:"class-map" default:"''" help:"file of class names, one a line"`

	// Method.
	Preset        string  `flag:"preset" default:"''" help:"a published command by name, such as elk or elk-vit (urlbench's own flag)"`
	Semantics     string  `flag:"semantics" default:"original" help:"original (slips included) or corrected (urlbench's own flag)"`
	Loss          string  `flag:"loss" default:"cross-entropy" help:"loss function"`
	SSL           bool    `flag:"ssl" default:"false" help:"train on two augmented views of each image"`
	InvTemp       float64 `flag:"inv_temp" default:"28" help:"inverse temperature of the loss"`
	LambdaValue   float64 `flag:"lambda-value" default:"1.0" help:"weight of riskpred's uncertainty loss"`
	HIBAddConst   float64 `flag:"hib_add_const" default:"0" help:"constant added in HIB's sigmoid"`
	Smoothing     float64 `flag:"smoothing" default:"0.1" help:"label smoothing of cross-entropy"`
	UncModule     string  `flag:"unc-module" default:"pred-net" validate:"class-entropy" help:"how uncertainty is computed"`
	UncStartValue float64 `flag:"unc_start_value" default:"0.001" help:"average uncertainty that the pred-net starts from, 0 to leave it"`
	UncWidth      int     `flag:"unc_width" default:"1024" help:"width of the pred-net"`
	NumHeads      int     `flag:"num-heads" default:"1" help:"heads of an ensemble, or samples of MC dropout"`
	RankV         int     `flag:"rank_V" default:"50" help:"rank of HET-XL's covariance"`
	CMult         float64 `flag:"c-mult" default:"0.1" help:"initial scale of HET-XL's covariance"`
	GPInputNorm   bool    `flag:"gp-input-normalization" default:"false" help:"normalise the input of the Gaussian process"`
	GPCovDiscount float64 `flag:"gp-cov-discount-factor" default:"0.999" help:"discount of the GP's covariance, -1 to sum over an epoch"`
	UseSpecNorm   bool    `flag:"use-spec-norm" default:"false" help:"spectral normalisation (SNGP)"`
	SpecNormBound float64 `flag:"spec-norm-bound" default:"6" help:"bound of the spectral norm"`

	// Model.
	Model             string    `flag:"model" short:"m" default:"resnet50" help:"backbone, with the suffix hetxl, sngp or dropout where the method needs it"`
	Pretrained        bool      `flag:"pretrained" default:"true" help:"start from timm's pretrained weights"`
	InitialCheckpoint string    `flag:"initial-checkpoint" default:"''" help:"start from these weights (safetensors file or run folder)"`
	FreezeBackbone    bool      `flag:"freeze_backbone" default:"false" help:"train only the pred-net"`
	NumClasses        *int      `flag:"num-classes" default:"null" help:"number of classes (default: the training set's)"`
	ImgSize           *int      `flag:"img-size" default:"null" help:"side of the input in pixels (default: 224)"`
	InputSize         []int     `flag:"input-size" default:"null" help:"channels, height and width of the input"`
	CropPct           *float64  `flag:"crop-pct" default:"null" help:"share of the shorter side kept in evaluation (default: 0.875)"`
	CropMode          string    `flag:"crop-mode" default:"null" only:"validate" help:"squash, border or center"`
	Mean              []float64 `flag:"mean" default:"null" help:"mean of the input per channel"`
	Std               []float64 `flag:"std" default:"null" help:"standard deviation of the input per channel"`
	Interpolation     string    `flag:"interpolation" default:"''" help:"interpolation in evaluation (default: bicubic)"`
	Drop              float64   `flag:"drop" default:"0.0" help:"dropout rate"`
	DropPath          *float64  `flag:"drop-path" default:"null" help:"stochastic depth rate"`
	GradCheckpointing bool      `flag:"grad-checkpointing" default:"false" help:"recompute activations in the backward pass"`

	// Batches.
	BatchSize           int  `flag:"batch-size" short:"b" default:"128" help:"images per step"`
	AccumulationSteps   int  `flag:"accumulation_steps" default:"16" help:"steps whose gradients are added for one update"`
	ValidationBatchSize *int `flag:"validation-batch-size" short:"vb" default:"null" help:"images per step of the evaluation (default: batch size)"`

	// Optimiser.
	Opt         string    `flag:"opt" default:"lamb" help:"optimiser: lamb, adamw, adam, sgd, momentum"`
	OptEps      *float64  `flag:"opt-eps" default:"null" help:"epsilon of the optimiser"`
	OptBetas    []float64 `flag:"opt-betas" default:"null" help:"betas of the optimiser"`
	Momentum    float64   `flag:"momentum" default:"0.9" help:"momentum of SGD"`
	WeightDecay float64   `flag:"weight-decay" default:"2.0e-05" help:"weight decay, not applied to biases and vectors"`
	ClipGrad    *float64  `flag:"clip-grad" default:"null" help:"bound of the gradient (default: none)"`
	ClipMode    string    `flag:"clip-mode" default:"norm" help:"norm, value or agc"`

	// Learning rate.
	Sched           string   `flag:"sched" default:"cosine" help:"schedule: cosine, step, ..."`
	SchedOnUpdates  bool     `flag:"sched-on-updates" default:"false" help:"change the rate at every update, not every epoch"`
	LR              *float64 `flag:"lr" default:"null" help:"learning rate (default: from lr-base and the effective batch)"`
	LRBase          float64  `flag:"lr-base" default:"0.001" help:"learning rate at lr-base-size images per update"`
	LRBaseSize      int      `flag:"lr-base-size" default:"256" help:"images per update that lr-base is for"`
	LRBaseScale     string   `flag:"lr-base-scale" default:"''" help:"linear or sqrt scaling with the effective batch (default: sqrt for lamb and ada*)"`
	LRCycleMul      float64  `flag:"lr-cycle-mul" default:"1.0" help:"factor of the cycle's length"`
	LRCycleDecay    float64  `flag:"lr-cycle-decay" default:"0.5" help:"factor of the rate per cycle"`
	LRCycleLimit    int      `flag:"lr-cycle-limit" default:"1" help:"number of cycles"`
	LRKDecay        float64  `flag:"lr-k-decay" default:"1.0" help:"k-decay of cosine and poly"`
	WarmupLR        float64  `flag:"warmup-lr" default:"0.0001" help:"learning rate of the first epoch"`
	MinLR           float64  `flag:"min-lr" default:"0.0" help:"smallest learning rate"`
	Epochs          int      `flag:"epochs" default:"32" help:"epochs to train"`
	StartEpoch      *int     `flag:"start-epoch" default:"null" help:"epoch to begin with"`
	DecayMilestones []int    `flag:"decay-milestones" default:"[90, 180, 270]" help:"epochs of the multistep schedule"`
	DecayEpochs     float64  `flag:"decay-epochs" default:"90" help:"epochs per decay of the step schedule"`
	WarmupEpochs    int      `flag:"warmup-epochs" default:"5" help:"epochs of warm-up"`
	WarmupPrefix    bool     `flag:"warmup-prefix" default:"false" help:"begin the schedule after the warm-up"`
	CooldownEpochs  int      `flag:"cooldown-epochs" default:"0" help:"epochs at min-lr at the end"`
	DecayRate       float64  `flag:"decay-rate" default:"0.1" help:"factor per decay"`

	// Augmentation.
	NoAug              bool      `flag:"no-aug" default:"false" help:"no augmentation"`
	Scale              []float64 `flag:"scale" default:"[0.08, 1.0]" help:"area of the random crop"`
	Ratio              []float64 `flag:"ratio" default:"[0.75, 1.3333333333333333]" help:"aspect ratio of the random crop"`
	HFlip              float64   `flag:"hflip" default:"0.5" help:"probability of a horizontal flip"`
	VFlip              float64   `flag:"vflip" default:"0.0" help:"probability of a vertical flip"`
	ColorJitter        float64   `flag:"color-jitter" default:"0.4" help:"strength of the colour jitter"`
	TrainInterpolation string    `flag:"train-interpolation" default:"random" help:"random, bilinear or bicubic"`

	// Evaluation.
	CropMin    float64 `flag:"crop_min" default:"0.1" help:"smallest crop of the crop metrics"`
	CropMax    float64 `flag:"crop_max" default:"0.75" help:"largest crop of the crop metrics"`
	CropFile   string  `flag:"crop-file" default:"''" help:"crop fractions of the original: published, a randomcrops_*.csv, or a folder of them (default: drawn from the seed; urlbench's own flag)"`
	CacheDir   string  `flag:"cache-dir" default:"''" help:"folder that keeps the pixels of evaluation sets between epochs and runs (urlbench's own flag)"`
	CacheSize  float64 `flag:"cache-size" default:"20" help:"largest size of --cache-dir in GiB (urlbench's own flag)"`
	MaxBad     float64 `flag:"max-bad" default:"0.001" help:"share of unreadable training images that are replaced before training stops (urlbench's own flag)"`
	MaxPixels  int     `flag:"max-pixels" default:"0" help:"largest width times height of an image, 0 for the built-in limit (urlbench's own flag)"`
	Metrics    string  `flag:"metrics" default:"standard" help:"standard (the original's), or extended: see docs/metrics.md (urlbench's own flag)"`
	EvalMetric string  `flag:"eval-metric" default:"avg_downstream_auroc_correct" help:"metric that chooses the best epoch"`

	// The run.
	Seed             int    `flag:"seed" default:"1" help:"random seed"`
	Workers          int    `flag:"workers" short:"j" default:"4" help:"goroutines that prepare images"`
	LogInterval      int    `flag:"log-interval" default:"50" validate:"10" help:"steps between two lines of the log"`
	RecoveryInterval int    `flag:"recovery-interval" default:"0" help:"steps between two recovery checkpoints, 0 for none"`
	CheckpointHist   int    `flag:"checkpoint-hist" default:"10" help:"checkpoints to keep"`
	AMP              bool   `flag:"amp" default:"true" validate:"false" help:"bfloat16 matrix products on a GPU"`
	Output           string `flag:"output" default:"''" help:"folder of the runs (default: ./output/train)"`
	Experiment       string `flag:"experiment" default:"''" help:"name of the run's folder (default: time, model and size)"`
	Resume           string `flag:"resume" default:"''" help:"run folder or checkpoint to continue"`
	NoResumeOpt      bool   `flag:"no-resume-opt" default:"false" help:"continue without the optimiser's state"`
	LogWandb         bool   `flag:"log-wandb" default:"true" help:"say how to upload the run to wandb"`
	DryRun           bool   `flag:"dry-run" default:"false" help:"print the resolved settings and touch nothing (urlbench's own flag)"`

	// Validation alone.
	Checkpoint    string `flag:"checkpoint" default:"''" only:"validate" help:"run folder, safetensors file, .pth.tar, or a folder of them"`
	ResultsFile   string `flag:"results-file" default:"''" only:"validate" help:"file to write the results to"`
	ResultsFormat string `flag:"results-format" default:"csv" only:"validate" help:"csv or json"`

	// Inert holds the values of the flags that have no effect here, by dest name.
	Inert map[string]any `flag:"-"`
	// Rest holds the arguments that are no flags: validate's runs.
	Rest []string `flag:"-"`

	from    map[string]string // dest name -> where its value comes from
	notices []string
	command command
}

// inertFlag is a flag of the original that parses and changes nothing here.
type inertFlag struct {
	name, def, why string
	// changes says that another value than the default would train or measure
	// something else: a run refuses it rather than ignore it.
	changes bool
}

const noPyTorch = "there is no PyTorch here"

// inertFlags are in the original's order.
var inertFlags = []inertFlag{
	{"dataset-download", "false", "datasets are not downloaded by a run", false},
	{"gp", "null", "the pooling is the backbone's own", true},
	{"in-chans", "null", "images have three channels", true},
	{"channels-last", "false", "activations are always channels last", false},
	{"fuser", "''", noPyTorch, false},
	{"fast-norm", "false", noPyTorch, false},
	{"model-kwargs", "{}", "models take no further arguments", true},
	{"torchscript", "false", noPyTorch, false},
	{"torchcompile", "null", "every model is compiled", false},
	{"aot-autograd", "false", noPyTorch, false},
	{"layer-decay", "null", "one learning rate for all layers", true},
	{"opt-kwargs", "{}", "optimisers take no further arguments", true},
	{"lr-noise", "null", "no noise on the learning rate", true},
	{"lr-noise-pct", "0.67", "no noise on the learning rate", false},
	{"lr-noise-std", "1.0", "no noise on the learning rate", false},
	{"epoch-repeats", "0.0", "an epoch is one pass", true},
	{"patience-epochs", "10", "no plateau schedule", false},
	{"aa", "null", "no AutoAugment", true},
	{"aug-repeats", "0", "for distributed training only", false},
	{"aug-splits", "0", "no AugMix", true},
	{"jsd-loss", "false", "no AugMix", true},
	{"bce-loss", "false", "the loss is cross-entropy", true},
	{"bce-target-thresh", "null", "the loss is cross-entropy", false},
	{"reprob", "0.0", "no random erasing", true},
	{"remode", "pixel", "no random erasing", false},
	{"recount", "1", "no random erasing", false},
	{"resplit", "false", "no random erasing", false},
	{"mixup", "0.0", "no mixup", true},
	{"cutmix", "0.0", "no cutmix", true},
	{"cutmix-minmax", "null", "no cutmix", true},
	{"mixup-prob", "1.0", "no mixup", false},
	{"mixup-switch-prob", "0.5", "no mixup", false},
	{"mixup-mode", "batch", "no mixup", false},
	{"mixup-off-epoch", "0", "no mixup", false},
	{"drop-connect", "null", "deprecated, use --drop-path", true},
	{"drop-block", "null", "no DropBlock", true},
	{"bn-momentum", "null", "BatchNorm has PyTorch's momentum 0.1", true},
	{"bn-eps", "null", "BatchNorm has PyTorch's epsilon 1e-5", true},
	{"sync-bn", "false", "one device", false},
	{"dist-bn", "reduce", "one device", false},
	{"split-bn", "false", "no AugMix", true},
	{"model-ema", "false", "no moving average of the weights", true},
	{"model-ema-force-cpu", "false", "no moving average of the weights", false},
	{"model-ema-decay", "0.9998", "no moving average of the weights", false},
	{"worker-seeding", "all", "a sample's random numbers depend on seed, epoch and index only", false},
	{"save-images", "false", "see `urlbench data show`", false},
	{"amp-dtype", "float16", "mixed precision is bfloat16, which needs no loss scaler", false},
	{"amp-impl", "native", "there is no apex", false},
	{"no-ddp-bb", "false", "one device", false},
	{"pin-mem", "false", noPyTorch, false},
	{"no-prefetcher", "false", "batches are always prefetched", false},
	{"tta", "0", "test-time augmentation is off", true},
	{"local_rank", "0", "one device", false},
	{"use-multi-epochs-loader", "false", "the loader lives for one epoch", false},
	{"wandb-key", "''", "`wandb login` keeps the key; it is not written into the run", false},
}

// validateInertFlags are those of validate.py alone.
var validateInertFlags = []inertFlag{
	{"use-train-size", "false", "the size is --img-size or the run's", false},
	{"num-gpu", "1", "one device", false},
	{"test-pool", "false", "no test-time pooling", true},
	{"device", "cuda", "the device is chosen by GOMLX_BACKEND", false},
	{"tf-preprocessing", "false", "images are read as Pillow does", true},
	{"use-ema", "false", "no moving average of the weights", true},
	{"valid-labels", "''", "all classes are measured", true},
	{"retry", "false", "no retry at a smaller batch", false},
	{"distributed", "false", "one device", false},
	{"world_size", "0", "one device", false},
}

// aliases are further spellings of flags.
var aliases = map[string]string{"dr": "decay-rate"}

// Choices of the flags that name one of a few things.
var choices = map[string][]string{
	"semantics":      {"original", "corrected"},
	"data":           {"", "mini"},
	"results_format": {"csv", "json"},
	"lr_base_scale":  {"", "linear", "sqrt"},
	"clip_mode":      {"norm", "value", "agc"},
	"crop_mode":      {"", "squash", "border", "center"},
	"metrics":        {"standard", "extended"},
}

// Check reports the first value that no run can use.
func (c *Config) Check() error {
	for _, f := range c.fields() {
		allowed, ok := choices[f.dest]
		if !ok {
			continue
		}
		v := f.value.String()
		found := false
		for _, a := range allowed {
			found = found || a == v
		}
		if !found {
			return fmt.Errorf("--%s=%s: choose one of %s", f.name, v, strings.Join(nonEmpty(allowed), ", "))
		}
	}
	for _, x := range []struct {
		flag string
		v    int
		min  int
	}{
		{"batch-size", c.BatchSize, 1}, {"accumulation_steps", c.AccumulationSteps, 1}, {"epochs", c.Epochs, 0},
		{"num-heads", c.NumHeads, 1}, {"workers", c.Workers, 0}, {"checkpoint-hist", c.CheckpointHist, 1},
		{"lr-base-size", c.LRBaseSize, 1}, {"log-interval", c.LogInterval, 1}, {"unc_width", c.UncWidth, 1},
	} {
		if x.v < x.min {
			return fmt.Errorf("--%s=%d: want at least %d", x.flag, x.v, x.min)
		}
	}
	if c.CropMin <= 0 || c.CropMax > 1 || c.CropMin > c.CropMax {
		return fmt.Errorf("--crop_min=%v --crop_max=%v: want 0 < crop_min <= crop_max <= 1", c.CropMin, c.CropMax)
	}
	return nil
}

// CheckRunnable is Check, and refuses flags of the original that would change the
// result there and have no effect here.
func (c *Config) CheckRunnable() error {
	if err := c.Check(); err != nil {
		return err
	}
	for _, f := range inertOf(c.command) {
		if f.changes && c.From(f.name) != "default" && !sameYAML(c.Inert[destName(f.name)], f.def) {
			return fmt.Errorf("--%s=%v is not supported (%s): leave it at %s", f.name, c.Inert[destName(f.name)], f.why, f.def)
		}
	}
	return nil
}

// EffectiveBatch is the number of images per update of the weights.
func (c *Config) EffectiveBatch() int { return c.BatchSize * c.AccumulationSteps }

// LearningRate is --lr, or --lr-base scaled with the effective batch: by its
// square root for lamb and ada*, else linearly.
func (c *Config) LearningRate() float64 {
	if c.LR != nil && *c.LR != 0 {
		return *c.LR
	}
	ratio := float64(c.EffectiveBatch()) / float64(c.LRBaseSize)
	scale := c.LRBaseScale
	if scale == "" {
		scale = "linear"
		if o := strings.ToLower(c.Opt); strings.Contains(o, "ada") || strings.Contains(o, "lamb") {
			scale = "sqrt"
		}
	}
	if scale == "sqrt" {
		ratio = math.Sqrt(ratio)
	}
	return c.LRBase * ratio
}

// Size is the side of the input in pixels.
func (c *Config) Size() int {
	switch {
	case len(c.InputSize) == 3:
		return c.InputSize[2]
	case c.ImgSize != nil:
		return *c.ImgSize
	}
	return 224
}

// EvalBatch is the number of images per step of the evaluation.
func (c *Config) EvalBatch() int {
	if c.ValidationBatchSize != nil && *c.ValidationBatchSize > 0 {
		return *c.ValidationBatchSize
	}
	return c.BatchSize
}

// Backbone is the model's name without the suffix of a method, and that suffix.
func (c *Config) Backbone() (name, suffix string) {
	for _, s := range []string{"hetxl", "sngp", "dropout"} {
		if b, ok := strings.CutSuffix(c.Model, s); ok {
			return b, s
		}
	}
	return c.Model, ""
}

// ParsedSemantics is --semantics as a value.
func (c *Config) ParsedSemantics() semantics.Semantics {
	s, _ := semantics.Parse(c.Semantics) // Check has seen it
	return s
}

// RunDir is the folder of a run that begins now.
func (c *Config) RunDir(now time.Time) string {
	out := c.Output
	if out == "" {
		out = "output/train"
	}
	name := c.Experiment
	if name == "" {
		stamp := strings.Replace(now.Format("20060102-150405.000000"), ".", "", 1)
		name = fmt.Sprintf("%s-%s-%d", stamp, strings.ReplaceAll(c.Model, "/", "_"), c.Size())
	}
	return filepath.Join(out, name)
}

// From says where a value comes from: "default", "preset elk", "--data mini", the
// name of a YAML file, or "flag".
func (c *Config) From(name string) string {
	if f := c.from[destName(name)]; f != "" {
		return f
	}
	return "default"
}

// Notices are the lines to say once at the start: flags without effect here.
func (c *Config) Notices() []string { return c.notices }

func nonEmpty(list []string) []string {
	var out []string
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}
