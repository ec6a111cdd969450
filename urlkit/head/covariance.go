package head

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/mat"

	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
)

// ResetPrecision sets the precision of the named GP head to zero, outside of any
// graph: it is collected anew in every epoch. It does nothing before the head's
// first graph has run.
func ResetPrecision(store *model.Store, name string) error {
	v := store.GetVariable(nn.ModelScope + "/" + name + "._gp_cov_layer.precision_matrix")
	if v == nil || !v.HasValue() {
		return nil
	}
	if err := v.SetValue(tensors.FromShape(v.Shape())); err != nil {
		return fmt.Errorf("head: reset %s: %w", v.Path(), err)
	}
	return nil
}

// UpdateCovariance inverts the collected precision P of the named GP head into its
// covariance (ridge I + P)⁻¹, outside of any graph, in float64: P is near singular
// where there were fewer examples than features. Call it between training and
// evaluation. Under Original it does nothing, and neither does it before the
// head's first graph has run.
func UpdateCovariance(store *model.Store, name string, cfg GPConfig) error {
	if cfg.Semantics != semantics.Corrected {
		return nil
	}
	at := nn.ModelScope + "/" + name + "._gp_cov_layer."
	precision, covariance := store.GetVariable(at+"precision_matrix"), store.GetVariable(at+"covariance_matrix")
	if precision == nil || covariance == nil || !precision.HasValue() {
		return nil
	}
	var p []float64
	switch value := precision.MustValue(); value.DType() {
	case dtypes.Float64:
		p = tensors.MustCopyFlatData[float64](value)
	case dtypes.Float32:
		for _, x := range tensors.MustCopyFlatData[float32](value) {
			p = append(p, float64(x))
		}
	default:
		return fmt.Errorf("head: %s is %s, want float32 or float64", precision.Path(), value.DType())
	}
	inverse, err := InvertPrecision(p, precision.Shape().Dim(0), cfg.filled().ridge())
	if err != nil {
		return fmt.Errorf("head: %s: %w", precision.Path(), err)
	}
	dims := covariance.Shape().Dimensions
	value := tensors.FromFlatDataAndDimensions(inverse, dims...)
	if covariance.DType() == dtypes.Float32 {
		small := make([]float32, len(inverse))
		for i, x := range inverse {
			small[i] = float32(x)
		}
		value = tensors.FromFlatDataAndDimensions(small, dims...)
	}
	if err := covariance.SetValue(value); err != nil {
		return fmt.Errorf("head: set %s: %w", covariance.Path(), err)
	}
	return nil
}

// InvertPrecision returns (ridge I + P)⁻¹ of a symmetric, positive semi-definite
// P [m, m], row-major; of P's two halves the upper is read.
func InvertPrecision(p []float64, m int, ridge float64) ([]float64, error) {
	if len(p) != m*m {
		return nil, fmt.Errorf("a precision of %d features has %d numbers, want %d", m, len(p), m*m)
	}
	sum := mat.NewSymDense(m, append([]float64(nil), p...))
	for i := range m {
		sum.SetSym(i, i, sum.At(i, i)+ridge)
	}
	var chol mat.Cholesky
	if !chol.Factorize(sum) {
		return nil, fmt.Errorf("ridge %g + precision is not positive definite: NaN features, or a ridge too small", ridge)
	}
	var inverse mat.SymDense
	if err := chol.InverseTo(&inverse); err != nil {
		if _, poor := err.(mat.Condition); !poor {
			return nil, err
		}
	}
	out := make([]float64, m*m)
	for i := range m {
		for j := range m {
			out[i*m+j] = inverse.At(i, j)
		}
	}
	return out, nil
}
