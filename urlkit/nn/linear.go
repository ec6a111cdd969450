package nn

import (
	"math"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Linear is y = x Wᵀ + b over the last axis: x [..., in] -> [..., out], with the
// entries "weight" [out, in] and "bias" [out], initialised as torch.nn.Linear is:
// uniform in ±1/sqrt(in).
func Linear(c *Context, x *Node, out int) *Node {
	return LinearInit(c, x, out, true, UniformInit(1/math.Sqrt(float64(x.Shape().Dim(-1)))))
}

// LinearInit is Linear with a choice of bias and initial weights; the bias starts
// as torch's.
func LinearInit(c *Context, x *Node, out int, bias bool, init model.VariableInitializer) *Node {
	g, in := x.Graph(), x.Shape().Dim(-1)
	w := c.Param(g, "weight", init, out, in)
	y := MatMulT(c, x, w)
	if bias {
		b := c.Param(g, "bias", UniformInit(1/math.Sqrt(float64(in))), out)
		y = Add(y, ExpandLeftToRank(b, y.Rank()))
	}
	return y
}

// MatMulT is x wᵀ: x [..., in], w [out, in] -> [..., out], multiplied in
// c.Compute and returned in c.DType.
func MatMulT(c *Context, x, w *Node) *Node {
	x, w = ConvertDType(x, c.Compute), ConvertDType(w, c.Compute)
	y := DotGeneral(x, []int{x.Rank() - 1}, nil, w, []int{1}, nil)
	return ConvertDType(y, c.DType)
}

// UniformInit draws from U(-bound, bound).
func UniformInit(bound float64) model.VariableInitializer {
	return func(g *Graph, shape shapes.Shape) *Node {
		u := model.GetStore(g).RandomUniform(g, shape)
		return MulScalar(AddScalar(u, -0.5), 2*bound)
	}
}

// NormalInit draws from N(0, std²).
func NormalInit(std float64) model.VariableInitializer {
	return func(g *Graph, shape shapes.Shape) *Node {
		return MulScalar(model.GetStore(g).RandomNormal(g, shape), std)
	}
}

// ConstInit fills with one value.
func ConstInit(value float64) model.VariableInitializer {
	return func(g *Graph, shape shapes.Shape) *Node {
		return BroadcastToDims(Scalar(g, shape.DType, value), shape.Dimensions...)
	}
}
