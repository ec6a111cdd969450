package optim

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
)

// Schedule is the learning rate over a training run, as timm's schedulers compute
// it: a linear warm-up, then a decay.
//
//	cosine     MinLR + (b - MinLR)/2 (1 + cos(pi (t/T)^KDecay))
//	poly       MinLR + (b - MinLR) (1 - (t/T)^KDecay)^DecayRate
//	step       Base DecayRate^floor(t / DecayEpochs)
//	multistep  Base DecayRate^(number of milestones <= t+1)
//
// T is the length of the cycle in which t lies and b = Base CycleDecay^(its index);
// after CycleLimit cycles the rate stays at MinLR. The zero values of Cycle… and
// KDecay mean timm's defaults: one cycle, no change.
//
// The decay is not shifted by the warm-up unless WarmupPrefix is set: after five
// epochs of warm-up the cosine starts below its top.
type Schedule struct {
	Kind   string  // --sched: cosine, poly, step, multistep
	Base   float64 // the rate to decay from: --lr, or ScaleLR of --lr-base
	Epochs int     // --epochs: the length of a cycle

	MinLR        float64 // --min-lr
	WarmupLR     float64 // --warmup-lr: where the warm-up starts
	WarmupEpochs int     // --warmup-epochs
	WarmupPrefix bool    // --warmup-prefix: t counts from the end of the warm-up
	Cooldown     int     // --cooldown-epochs: epochs at MinLR after the last cycle

	DecayRate   float64 // --decay-rate
	DecayEpochs float64 // --decay-epochs, may be fractional
	Milestones  []int   // --decay-milestones, in epochs

	CycleMul   float64 // --lr-cycle-mul: each cycle is longer than the last by it
	CycleDecay float64 // --lr-cycle-decay: each cycle's top is lower by it
	CycleLimit int     // --lr-cycle-limit
	KDecay     float64 // --lr-k-decay

	// OnUpdates is --sched-on-updates: t counts batches, of which an epoch has
	// BatchesPerEpoch, and every length above is that many times longer.
	OnUpdates       bool
	BatchesPerEpoch int
}

// Check returns an error if the schedule is none.
func (s Schedule) Check() error {
	switch s.Kind {
	case "cosine", "poly", "step", "multistep":
	default:
		return fmt.Errorf("--sched=%s: choose cosine, poly, step or multistep", s.Kind)
	}
	switch {
	case s.Epochs < 1:
		return fmt.Errorf("--epochs=%d: want at least 1", s.Epochs)
	case s.WarmupEpochs < 0:
		return fmt.Errorf("--warmup-epochs=%d: want at least 0", s.WarmupEpochs)
	case !(s.MinLR >= 0):
		return fmt.Errorf("--min-lr=%g: want a number >= 0", s.MinLR)
	case s.Kind == "step" && !(s.DecayEpochs > 0):
		return fmt.Errorf("--decay-epochs=%g: want a number > 0", s.DecayEpochs)
	case !slices.IsSorted(s.Milestones):
		return fmt.Errorf("--decay-milestones=%v: want them increasing", s.Milestones)
	case s.CycleMul < 0:
		return fmt.Errorf("--lr-cycle-mul=%g: want a number > 0", s.CycleMul)
	case s.OnUpdates && s.BatchesPerEpoch < 1:
		return fmt.Errorf("--sched-on-updates: an epoch has %d batches, want at least 1", s.BatchesPerEpoch)
	}
	return nil
}

// LR returns the learning rate of an epoch, counted from 0; under OnUpdates that of
// its first batch.
func (s Schedule) LR(epoch int) float64 {
	if s.OnUpdates {
		return s.at(epoch * s.BatchesPerEpoch)
	}
	return s.at(epoch)
}

// BatchLR returns the learning rate of a batch of an epoch, both counted from 0.
func (s Schedule) BatchLR(epoch, batch int) float64 {
	if s.OnUpdates {
		return s.at(epoch*s.BatchesPerEpoch + batch)
	}
	return s.at(epoch)
}

// Total returns how many epochs the schedule lasts: all cycles and the cooldown of
// cosine and poly, Epochs of the others.
func (s Schedule) Total() int {
	if s.Kind != "cosine" && s.Kind != "poly" {
		return s.Epochs
	}
	unit := s.unit()
	cycle, cycles, mul := float64(s.Epochs*unit), float64(max(1, s.CycleLimit)), s.cycleMul()
	length := cycle * cycles
	if mul != 1 {
		length = math.Floor(-cycle * (math.Pow(mul, cycles) - 1) / (1 - mul))
	}
	return (int(length) + s.Cooldown*unit) / unit
}

func (s Schedule) unit() int {
	if s.OnUpdates {
		return s.BatchesPerEpoch
	}
	return 1
}

func (s Schedule) cycleMul() float64 {
	if s.CycleMul == 0 {
		return 1
	}
	return s.CycleMul
}

func (s Schedule) at(at int) float64 {
	t, unit := float64(at), float64(s.unit())
	warmup := float64(s.WarmupEpochs) * unit
	if t < warmup {
		return s.WarmupLR + t*((s.Base-s.WarmupLR)/warmup)
	}
	if at == 0 {
		return s.Base // timm's scheduler has not been asked yet
	}
	if s.WarmupPrefix {
		t -= warmup
	}
	switch s.Kind {
	case "cosine":
		return s.cycled(t, func(top, done float64) float64 {
			return s.MinLR + 0.5*(top-s.MinLR)*(1+math.Cos(math.Pi*done))
		})
	case "poly":
		return s.cycled(t, func(top, done float64) float64 {
			return s.MinLR + (top-s.MinLR)*math.Pow(1-done, s.DecayRate)
		})
	case "step":
		return s.Base * math.Pow(s.DecayRate, floorDiv(t, s.DecayEpochs*unit))
	case "multistep":
		passed := sort.Search(len(s.Milestones), func(i int) bool { return float64(s.Milestones[i])*unit > t+1 })
		return s.Base * math.Pow(s.DecayRate, float64(passed))
	}
	panic(s.Check())
}

// cycled calls rate with the top of t's cycle and the share of it that is done.
func (s Schedule) cycled(t float64, rate func(top, done float64) float64) float64 {
	length, mul := float64(s.Epochs*s.unit()), s.cycleMul()
	var i, in, start float64
	if mul != 1 {
		i = math.Floor(math.Log(1-t/length*(1-mul)) / math.Log(mul))
		in = math.Pow(mul, i) * length
		start = (1 - math.Pow(mul, i)) / (1 - mul) * length
	} else {
		i = math.Floor(t / length)
		in = length
		start = length * i
	}
	if i >= float64(max(1, s.CycleLimit)) {
		return s.MinLR
	}
	decay, k := s.CycleDecay, s.KDecay
	if decay == 0 {
		decay = 1
	}
	if k == 0 {
		k = 1
	}
	return rate(s.Base*math.Pow(decay, i), math.Pow(t-start, k)/math.Pow(in, k))
}

// floorDiv is floor(a/b) of the exact quotient, as Python's //: 1/0.1 rounds to 10,
// but 0.1 is a little more than a tenth and goes into 1 nine times.
func floorDiv(a, b float64) float64 {
	return math.Round((a - math.Mod(a, b)) / b)
}

// ScaleLR returns the learning rate for a batch of batch*accumulation examples from
// --lr-base, which is meant for baseSize of them. --lr-base-scale is "sqrt",
// "linear", or "": sqrt for the optimisers whose name contains "ada" or "lamb"
// (adamw has the former), linear for the others.
func ScaleLR(base float64, batch, accumulation, baseSize int, scale, optimizer string) (float64, error) {
	ratio := float64(batch*accumulation) / float64(baseSize)
	if !(ratio > 0) {
		return 0, fmt.Errorf("--batch-size=%d --accumulation_steps=%d --lr-base-size=%d: want all of them positive", batch, accumulation, baseSize)
	}
	name := strings.ToLower(optimizer)
	switch {
	case scale == "sqrt", scale == "" && (strings.Contains(name, "ada") || strings.Contains(name, "lamb")):
		return base * math.Sqrt(ratio), nil
	case scale == "linear", scale == "":
		return base * ratio, nil
	}
	return 0, fmt.Errorf("--lr-base-scale=%s: choose sqrt or linear", scale)
}
