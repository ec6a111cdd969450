package train

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"

	"urlbench/data"
	"urlbench/data/transform"
	"urlbench/urlkit/config"
	"urlbench/urlkit/device"
	"urlbench/urlkit/evaluate"
	"urlbench/urlkit/loss"
	"urlbench/urlkit/method"
	"urlbench/urlkit/optim"
	"urlbench/urlkit/semantics"
)

// sets are the data sets of a run.
type sets struct {
	train, upstream     data.Dataset
	validation          []data.Dataset // downstream, to choose the best epoch by
	test, furtherTest   []data.Dataset
	trainLoader         *data.Loader
	views, batchesEpoch int
}

// Schedule is the learning rate that the flags describe; batches is the number of
// batches of an epoch.
func Schedule(cfg *config.Config, batches int) (optim.Schedule, error) {
	s := optim.Schedule{
		Kind: cfg.Sched, Base: cfg.LearningRate(), Epochs: cfg.Epochs,
		MinLR: cfg.MinLR, WarmupLR: cfg.WarmupLR, WarmupEpochs: cfg.WarmupEpochs, WarmupPrefix: cfg.WarmupPrefix, Cooldown: cfg.CooldownEpochs,
		DecayRate: cfg.DecayRate, DecayEpochs: cfg.DecayEpochs, Milestones: cfg.DecayMilestones,
		CycleMul: cfg.LRCycleMul, CycleDecay: cfg.LRCycleDecay, CycleLimit: cfg.LRCycleLimit, KDecay: cfg.LRKDecay,
		OnUpdates: cfg.SchedOnUpdates, BatchesPerEpoch: batches,
	}
	return s, s.Check()
}

// Check reports what a run would refuse, before anything is read or written: the
// loss, the model, the optimiser, the schedule, the names of the data sets.
func Check(cfg *config.Config) error {
	if err := cfg.CheckRunnable(); err != nil {
		return err
	}
	if _, err := method.Loss(cfg.Loss); err != nil {
		return err
	}
	classes := 2
	if cfg.NumClasses != nil {
		classes = *cfg.NumClasses
	}
	if err := evaluate.MethodOptions(cfg, classes).Validate(); err != nil {
		return err
	}
	if _, err := evaluate.InputConfig(cfg); err != nil {
		return err
	}
	if _, err := optimizer(cfg); err != nil {
		return err
	}
	if _, err := clipping(cfg); err != nil {
		return err
	}
	if _, err := Schedule(cfg, 1); err != nil {
		return err
	}
	if contrastive := cfg.Loss == "infonce" || cfg.Loss == "mcinfonce"; contrastive && !cfg.SSL {
		return fmt.Errorf("--loss=%s compares two views of an image: it needs --ssl=True", cfg.Loss)
	}
	if err := checkEvalMetric(cfg); err != nil {
		return err
	}
	names := append([]string{cfg.Dataset, cfg.DatasetEval}, cfg.DatasetDownstream...)
	for _, name := range append(names, cfg.FurtherDatasetDownstream...) {
		if _, err := data.Lookup(lookupName(name)); err != nil {
			return err
		}
	}
	return nil
}

// checkEvalMetric refuses a name that no evaluation will have, before an epoch is
// spent on finding out.
func checkEvalMetric(cfg *config.Config) error {
	metrics := []string{"top1", "r1", "top5", "croppedHasBiggerUnc", "rcorr_crop_unc", "auroc_correct", "auroc_correct_original", "min_unc", "max_unc", "avg_unc", "rcorr_entropy"}
	prefixes := []string{"", "avg_downstream_"}
	for _, set := range cfg.DatasetDownstream {
		prefixes = append(prefixes, set+"_")
	}
	for _, p := range prefixes {
		for _, m := range metrics {
			if cfg.EvalMetric == p+m {
				return nil
			}
		}
	}
	return fmt.Errorf("--eval-metric=%s: choose one of %s, as they are for the upstream set or behind %s", cfg.EvalMetric, strings.Join(metrics, ", "), strings.Join(prefixes[1:], ", "))
}

// lookupName is a set's name without the folder that repr/path:DIR carries.
func lookupName(name string) string {
	for i, r := range name {
		if r == ':' {
			return name[:i]
		}
	}
	return name
}

func optimizer(cfg *config.Config) (optim.Optimizer, error) {
	o := optim.Config{WeightDecay: cfg.WeightDecay, Momentum: cfg.Momentum}
	if cfg.OptEps != nil {
		o.Eps = *cfg.OptEps
	}
	switch len(cfg.OptBetas) {
	case 0:
	case 2:
		o.Betas = [2]float64{cfg.OptBetas[0], cfg.OptBetas[1]}
	default:
		return nil, fmt.Errorf("--opt-betas: %d values, want 2", len(cfg.OptBetas))
	}
	return optim.New(cfg.Opt, o)
}

func clipping(cfg *config.Config) (optim.Clipping, error) {
	if cfg.ClipGrad == nil {
		return optim.Clipping{}, nil
	}
	return optim.NewClipping(cfg.ClipMode, *cfg.ClipGrad)
}

// lossConfig translates flags to the loss's settings. The original never tells
// HIB, InfoNCE and MCInfoNCE of labels: they take rows (0,1), (2,3), ... for the
// crops of one image even without --ssl, as in HIB's published command, where these
// are two images by chance. Corrected matches by label there.
func lossConfig(cfg *config.Config) loss.Config {
	pairs := cfg.SSL
	if cfg.ParsedSemantics() == semantics.Original {
		pairs = pairs || slices.Contains([]string{"hib", "infonce", "mcinfonce"}, cfg.Loss)
	}
	return loss.Config{
		InvTemp: cfg.InvTemp, Smoothing: cfg.Smoothing, Lambda: cfg.LambdaValue, AddConst: cfg.HIBAddConst,
		SSL: pairs, Semantics: cfg.ParsedSemantics(),
	}
}

// openSets opens every data set of the run.
func openSets(cfg *config.Config, input transform.DataConfig) (*sets, error) {
	s := &sets{views: 1}
	var err error
	if s.train, err = evaluate.OpenSet(cfg, cfg.Dataset, cfg.TrainSplit, true); err != nil {
		return nil, err
	}
	if s.upstream, err = evaluate.OpenSet(cfg, cfg.DatasetEval, cfg.ValSplit, true); err != nil {
		return nil, err
	}
	open := func(names []string, split string) ([]data.Dataset, error) {
		if split == cfg.ValSplit { // the original's way to switch downstream evaluation off
			names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == cfg.DatasetEval })
		}
		return evaluate.OpenSets(cfg, names, split, false)
	}
	if s.validation, err = open(cfg.DatasetDownstream, cfg.ValSplit); err != nil {
		return nil, err
	}
	if s.test, err = open(cfg.DatasetDownstream, cfg.TestSplit); err != nil {
		return nil, err
	}
	if s.furtherTest, err = open(cfg.FurtherDatasetDownstream, cfg.TestSplit); err != nil {
		return nil, err
	}
	augment, err := augmentation(cfg, input)
	if err != nil {
		return nil, err
	}
	if cfg.SSL {
		s.views = 2
	}
	s.trainLoader, err = data.NewLoader(s.train, data.LoaderOptions{
		BatchSize: cfg.BatchSize, Size: input.Size, Views: s.views, Transform: augment,
		Shuffle: true, DropLast: true, Seed: uint64(cfg.Seed), Training: true, MaxBad: maxBad(cfg.MaxBad), Workers: cfg.Workers,
	})
	if err != nil {
		return nil, err
	}
	s.batchesEpoch = s.trainLoader.Batches()
	if s.batchesEpoch == 0 {
		return nil, fmt.Errorf("data set %s has %d images, less than one batch: lower --batch-size=%d", s.train.Name(), s.train.Len(), cfg.BatchSize)
	}
	if s.batchesEpoch < cfg.AccumulationSteps {
		return nil, fmt.Errorf("an epoch has %d batches, and an update takes --accumulation_steps=%d of them: the weights would never change", s.batchesEpoch, cfg.AccumulationSteps)
	}
	return s, nil
}

// maxBad is --max-bad as the loader takes it, where 0 means its own default.
func maxBad(share float64) float64 {
	if share == 0 {
		return -1
	}
	return share
}

// augmentation is the training transform that the flags describe.
func augmentation(cfg *config.Config, input transform.DataConfig) (transform.Transform, error) {
	filter, err := trainFilter(cfg, input)
	if err != nil {
		return nil, err
	}
	if cfg.SSL {
		c := transform.DefaultSSL(input.Size)
		c.Filter = filter
		return transform.SSL(c), nil
	}
	c := transform.DefaultTrain(input.Size)
	c.NoAug, c.HFlip, c.VFlip, c.Filter = cfg.NoAug, cfg.HFlip, cfg.VFlip, filter
	c.Jitter = transform.DefaultJitter(cfg.ColorJitter)
	for _, r := range []struct {
		flag string
		from []float64
		to   *transform.Range
	}{{"scale", cfg.Scale, &c.Crop.Scale}, {"ratio", cfg.Ratio, &c.Crop.Ratio}} {
		if len(r.from) != 2 || r.from[0] <= 0 || r.from[0] > r.from[1] {
			return nil, fmt.Errorf("--%s %v: want two increasing positive numbers", r.flag, r.from)
		}
		*r.to = transform.Range{Min: r.from[0], Max: r.from[1]}
	}
	return transform.Train(c), nil
}

// trainFilter is nil for a filter drawn per image.
func trainFilter(cfg *config.Config, input transform.DataConfig) (*transform.Filter, error) {
	if cfg.NoAug || cfg.TrainInterpolation == "" {
		return &input.Filter, nil
	}
	if cfg.TrainInterpolation == "random" {
		return nil, nil
	}
	f, err := transform.ParseFilter(cfg.TrainInterpolation)
	if err != nil {
		return nil, fmt.Errorf("--train-interpolation: %w", err)
	}
	return &f, nil
}

// classes is --num-classes, or as many as the training set has labels for.
func (s *sets) classes(cfg *config.Config) (int, error) {
	n := len(s.train.Classes())
	for i := range s.train.Len() {
		n = max(n, s.train.Label(i)+1)
	}
	if cfg.NumClasses == nil {
		return n, nil
	}
	if *cfg.NumClasses < n {
		return 0, fmt.Errorf("--num-classes=%d: data set %s has labels up to %d", *cfg.NumClasses, s.train.Name(), n-1)
	}
	return *cfg.NumClasses, nil
}

// precision says in words what the products are computed in.
func precision(m *evaluate.Model, cfg *config.Config) string {
	if m.Compute == dtypes.BFloat16 {
		return "bfloat16 products, float32 weights (--amp)"
	}
	if cfg.AMP && m.Device.Kind != device.XLACUDA {
		return "float32 (--amp is for GPUs)"
	}
	return "float32"
}
