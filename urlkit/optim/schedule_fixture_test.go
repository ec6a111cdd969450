package optim

import (
	"strconv"
	"strings"
	"testing"

	"urlbench/internal/fixture"
)

// argument returns the values of a flag in the original's command line.
func argument(argv []string, flag string) []string {
	for i, a := range argv {
		name, value, ok := strings.Cut(a, "=")
		if name != flag {
			continue
		}
		if ok {
			return []string{value}
		}
		var values []string
		for _, v := range argv[i+1:] {
			if strings.HasPrefix(v, "--") {
				break
			}
			values = append(values, v)
		}
		return values
	}
	return nil
}

func floatArgument(t *testing.T, argv []string, flag string, standard float64) float64 {
	t.Helper()
	values := argument(argv, flag)
	if values == nil {
		return standard
	}
	v, err := strconv.ParseFloat(values[0], 64)
	if err != nil {
		t.Fatalf("%s: %v", flag, err)
	}
	return v
}

func TestScheduleFixture(t *testing.T) {
	for _, rel := range fixture.Glob(t, "math/lr_schedule*.safetensors") {
		for _, c := range fixture.Open(t, rel).Cases() {
			t.Run(c.Name, func(t *testing.T) { testSchedule(t, c) })
		}
	}
}

func testSchedule(t *testing.T, c fixture.Case) {
	var meta struct {
		Argv         []string
		Opt          string
		Batch        int     `json:"batch_size"`
		Accumulation int     `json:"accumulation_steps"`
		Base         float64 `json:"lr_base"`
		BaseSize     int     `json:"lr_base_size"`
		Scale        string  `json:"lr_base_scale"`
		Sched        string
		Epochs       int
		Warmup       int     `json:"warmup_epochs"`
		WarmupLR     float64 `json:"warmup_lr"`
		MinLR        float64 `json:"min_lr"`
		DecayEpochs  float64 `json:"decay_epochs"`
		DecayRate    float64 `json:"decay_rate"`
		Prefix       bool    `json:"warmup_prefix"`
		Start        int     `json:"start_epoch"`
		Scheduled    int     `json:"scheduled_epochs"`
		Batches      int     `json:"batches_per_epoch"`
		OnUpdates    bool    `json:"sched_on_updates"`
		CycleLimit   int     `json:"cycle_limit"`
		CycleDecay   float64 `json:"cycle_decay"`
		Cooldown     int     `json:"cooldown_epochs"`
	}
	c.Meta(t, &meta)
	s := Schedule{
		Kind: meta.Sched, Epochs: meta.Epochs, MinLR: meta.MinLR,
		WarmupLR: meta.WarmupLR, WarmupEpochs: meta.Warmup, WarmupPrefix: meta.Prefix, Cooldown: meta.Cooldown,
		DecayRate: meta.DecayRate, DecayEpochs: meta.DecayEpochs,
		CycleMul: floatArgument(t, meta.Argv, "--lr-cycle-mul", 1), CycleDecay: meta.CycleDecay, CycleLimit: meta.CycleLimit,
		KDecay:    floatArgument(t, meta.Argv, "--lr-k-decay", 1),
		OnUpdates: meta.OnUpdates, BatchesPerEpoch: meta.Batches,
	}
	for _, m := range argument(meta.Argv, "--decay-milestones") {
		epoch, err := strconv.Atoi(m)
		if err != nil {
			t.Fatal(err)
		}
		s.Milestones = append(s.Milestones, epoch)
	}
	if lr := floatArgument(t, meta.Argv, "--lr", 0); lr != 0 {
		s.Base = lr
	} else {
		// The original writes the scale that it chose over the flag: both must do.
		for _, scale := range []string{meta.Scale, ""} {
			if scale == "" && argument(meta.Argv, "--lr-base-scale") != nil {
				continue
			}
			lr, err := ScaleLR(meta.Base, meta.Batch, meta.Accumulation, meta.BaseSize, scale, meta.Opt)
			if err != nil {
				t.Fatal(err)
			}
			s.Base = lr
			c.Compare(t, "out.lr_scaled", "go float64", []float64{s.Base}, fixture.Rel(1e-14))
		}
	}
	c.Compare(t, "out.lr_scaled", "go float64", []float64{s.Base}, fixture.Rel(1e-14))
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	if s.Total() != meta.Scheduled {
		t.Errorf("%d epochs are scheduled, want %d", s.Total(), meta.Scheduled)
	}
	tol := fixture.Tolerance{Rel: 1e-12, Abs: 1e-18} // the cosine's end is 1 + cos(pi), all rounding
	var epochs []float64
	for e := meta.Start; e < s.Total(); e++ {
		epochs = append(epochs, s.LR(e))
	}
	c.Compare(t, "out.lr_epoch", "go float64", epochs, tol)
	if c.Has("out.lr_update") {
		var updates []float64
		for e := meta.Start; e < s.Total(); e++ {
			for b := range meta.Batches {
				updates = append(updates, s.BatchLR(e, b))
			}
		}
		c.Compare(t, "out.lr_update", "go float64", updates, tol)
	}
}
