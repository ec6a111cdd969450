package train

import (
	"context"
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/backbone"
	"urlbench/urlkit/run"
	"urlbench/urlkit/uncertainty"
	"urlbench/urlkit/weights"
)

// initialWeights loads --initial-checkpoint, or with --pretrained the weights that
// timm has for the backbone. The classifier of another number of classes and what
// the method adds start afresh, and the run says so.
func (t *trainer) initialWeights(ctx context.Context) error {
	path := t.cfg.InitialCheckpoint
	name, _, err := backbone.ParseModel(t.cfg.Model)
	if err != nil {
		return err
	}
	switch {
	case path != "":
		if r, err := run.Open(path); err == nil {
			if path, err = r.Checkpoint(""); err != nil {
				return err
			}
		}
	case t.cfg.Pretrained && name != "convnet":
		if path, err = weights.Fetch(ctx, name); err != nil {
			return fmt.Errorf("--pretrained=True: %w: --initial-checkpoint=FILE; or start from scratch with --pretrained=False", err)
		}
	default:
		return nil
	}
	f, err := weights.Open(path)
	if err != nil {
		return fmt.Errorf("--initial-checkpoint: %w", err)
	}
	defer f.Close()
	said, err := t.model.Load(f, weights.Pretrained(backbone.HeadName(name)))
	if err != nil {
		return err
	}
	t.say("Weights start from %s", f.Path)
	for _, line := range said {
		t.say("  %s", line)
	}
	return nil
}

// startUncertainty scales the uncertainties so that their average over the first
// training batches is --unc_start_value.
func (t *trainer) startUncertainty(ctx context.Context) error {
	if t.cfg.InitialCheckpoint != "" || t.cfg.UncStartValue <= 0 {
		return nil
	}
	exec, err := model.NewExec(t.model.Device.Backend, t.model.Store, func(scope *model.Scope, pixels *Node) *Node {
		out := t.model.Forward(t.model.Context(scope, false), t.model.Normalize(pixels))
		return ReduceAllMean(out.Uncertainty)
	})
	if err != nil {
		return err
	}
	defer exec.Finalize()
	var means []float64
	size := t.model.Input.Size
	for batch, err := range t.sets.trainLoader.From(ctx, 0, 0) {
		if err != nil {
			return err
		}
		in := tensors.FromFlatDataAndDimensions(batch.Pixels, batch.N, size, size, 3)
		out, err := exec.Exec(in)
		if err != nil {
			return err
		}
		means = append(means, float64(tensors.ToScalar[float32](out[0])))
		out[0].FinalizeAll()
		in.FinalizeAll()
		if len(means) == uncertainty.StartBatches {
			break
		}
	}
	scale, err := uncertainty.StartScaler(t.cfg.UncStartValue, means)
	if err != nil {
		return err
	}
	t.logf("Uncertainties are scaled by %g to start at %g on average", scale, t.cfg.UncStartValue)
	return uncertainty.SetScaler(t.model.Store, scale)
}
