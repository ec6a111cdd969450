package train

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/safetensors"
	"urlbench/urlkit/run"
	"urlbench/urlkit/uncertainty"
)

// initialWeights loads --initial-checkpoint, if there is one.
func (t *trainer) initialWeights() error {
	path := t.cfg.InitialCheckpoint
	if path == "" {
		if name, _ := t.cfg.Backbone(); t.cfg.Pretrained && name != "convnet" {
			return fmt.Errorf("--pretrained=True: give timm's weights of %s with --initial-checkpoint=FILE.safetensors, or start from scratch with --pretrained=False", name)
		}
		return nil
	}
	if r, err := run.Open(path); err == nil {
		dir, err := r.Checkpoint("")
		if err != nil {
			return err
		}
		path = dir
	}
	f, err := safetensors.Open(weightsFile(path))
	if err != nil {
		return fmt.Errorf("--initial-checkpoint: %w", err)
	}
	defer f.Close()
	return t.model.Load(f)
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

// weightsFile is path, or the weights in the checkpoint's folder that it is.
func weightsFile(path string) string {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return filepath.Join(path, "model.safetensors")
	}
	return path
}
