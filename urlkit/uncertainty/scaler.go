package uncertainty

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/nn"
)

// ScalerPath is where a Store keeps the scaler: outside nn.ModelScope, since the
// original holds it as a plain attribute that is neither learned nor in the
// state_dict.
const ScalerPath = "/uncertainty/unc_scaler"

// StartBatches is how many training batches the start value is measured on.
const StartBatches = 10

// Scaled multiplies an uncertainty by the Store's scaler, 1 until SetScaler: unc
// [B] -> [B].
func Scaled(c *nn.Context, unc *Node) *Node {
	v := c.Scope.Store().VariableWithValue(ScalerPath, 1.0)
	v.SetTrainable(false)
	return Mul(unc, ConvertDType(v.NodeValue(unc.Graph()), unc.DType()))
}

// Scaler returns the number that Scaled multiplies by.
func Scaler(store *model.Store) (float64, error) {
	v := store.GetVariable(ScalerPath)
	if v == nil || !v.HasValue() {
		return 1, nil
	}
	value, err := v.Value()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", ScalerPath, err)
	}
	return tensors.ToScalar[float64](value), nil
}

// SetScaler sets the number that Scaled multiplies by. It is a float64 whatever
// the model's dtype is.
func SetScaler(store *model.Store, value float64) error {
	v, err := store.CreateVariable(ScalerPath, tensors.FromScalar(value))
	if err != nil {
		return fmt.Errorf("%s: %w", ScalerPath, err)
	}
	v.SetTrainable(false)
	return v.SetValue(tensors.FromScalar(value))
}

// StartScaler returns the scaler that makes the average uncertainty start at
// start: start / mean of batchMeans, where batchMeans[i] is the mean unscaled
// uncertainty of the i-th training batch with the model in evaluation mode.
// Batches of different size weigh the same; only the first StartBatches count, and
// fewer are an error.
func StartScaler(start float64, batchMeans []float64) (float64, error) {
	if len(batchMeans) < StartBatches {
		return 0, fmt.Errorf("--unc_start_value=%g: %d training batches, want at least %d: use a smaller --batch-size or --unc_start_value=0", start, len(batchMeans), StartBatches)
	}
	mean := 0.0
	for _, m := range batchMeans[:StartBatches] {
		mean += m / StartBatches
	}
	if !(mean > 0) || math.IsInf(mean, 0) {
		return 0, fmt.Errorf("--unc_start_value=%g: the mean uncertainty of the first %d batches is %g, want a positive number: set --unc_start_value=0", start, StartBatches, mean)
	}
	return start / mean, nil
}
