package optim

import (
	"fmt"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
)

// Clipping bounds gradients; its zero value leaves them as they are.
type Clipping struct {
	// Mode is --clip-mode: "norm", "value" or "agc".
	Mode string
	// Value is --clip-grad: the largest norm, the largest magnitude of an element,
	// or the largest share of the weight's norm.
	Value float64
	// Except names variables that agc leaves alone: in the original the last two
	// entries of the state_dict, meant to be the classifier.
	Except []string
}

// NewClipping returns the clipping of --clip-grad=value --clip-mode=mode.
func NewClipping(mode string, value float64) (Clipping, error) {
	switch mode {
	case "norm", "value", "agc":
	default:
		return Clipping{}, fmt.Errorf("--clip-mode=%s: choose norm, value or agc", mode)
	}
	if !(value >= 0) {
		return Clipping{}, fmt.Errorf("--clip-grad=%g: want a number >= 0", value)
	}
	return Clipping{Mode: mode, Value: value}, nil
}

// ClipGrad returns the parameters with their gradients clipped:
//
//	norm   g min(1, Value / (|g| + 1e-6)), the norm taken over all parameters
//	value  each element to [-Value, Value]
//	agc    adaptively (Brock et al., 2021, eq. 3): each row g_i of a gradient (its
//	       first axis is the output; a vector is one row) to the norm
//	       Value max(|w_i|, 1e-3)
func ClipGrad(c Clipping, params []Param) []Param {
	out := slices.Clone(params)
	switch c.Mode {
	case "":
	case "norm":
		if len(params) == 0 {
			break
		}
		total := norm(grads(params)...)
		shrink := MinScalar(MulScalar(Reciprocal(AddScalar(total, 1e-6)), c.Value), 1)
		for i, p := range params {
			out[i].Grad = times(p.Grad, shrink)
		}
	case "value":
		for i, p := range params {
			out[i].Grad = ClipScalar(p.Grad, -c.Value, c.Value)
		}
	case "agc":
		for i, p := range params {
			if slices.Contains(c.Except, p.Var.Name()) {
				continue
			}
			largest := MulScalar(MaxScalar(rowNorms(p.Var.NodeValue(p.Grad)), 1e-3), c.Value)
			size := rowNorms(p.Grad)
			clipped := Mul(p.Grad, Div(largest, MaxScalar(size, 1e-6)))
			small := BroadcastToDims(LessThan(size, largest), p.Grad.Shape().Dimensions...)
			out[i].Grad = Where(small, p.Grad, clipped)
		}
	default:
		panic(fmt.Errorf("optim: unknown clip mode %q", c.Mode))
	}
	return out
}

// rowNorms returns the Euclidean norms over all axes but the first, kept as axes
// of size 1; over everything for a vector or a scalar.
func rowNorms(x *Node) *Node {
	if x.IsScalar() {
		return Abs(x)
	}
	var axes []int
	for a := min(1, x.Rank()-1); a < x.Rank(); a++ {
		axes = append(axes, a)
	}
	return Sqrt(ReduceAndKeep(Square(x), ReduceSum, axes...))
}
