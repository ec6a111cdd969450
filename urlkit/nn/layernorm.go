package nn

import . "github.com/gomlx/gomlx/core/graph"

// LayerNorm normalises the last axis to mean 0 and biased variance 1 and applies
// the entries "weight" and "bias" [features]: x [..., features] -> the same.
// timm's ViT has epsilon 1e-6, PyTorch's default is 1e-5.
func LayerNorm(c *Context, x *Node, epsilon float64) *Node {
	g, features := x.Graph(), x.Shape().Dim(-1)
	x = ConvertDType(x, c.DType)
	mean := ReduceAndKeep(x, ReduceMean, -1)
	centred := Sub(x, mean)
	variance := ReduceAndKeep(Square(centred), ReduceMean, -1)
	// 1/Sqrt, not Rsqrt: GoMLX has no gradient for the latter.
	y := Mul(centred, Reciprocal(Sqrt(AddScalar(variance, epsilon))))
	w := c.Param(g, "weight", ConstInit(1), features)
	b := c.Param(g, "bias", ConstInit(0), features)
	return Add(Mul(y, ExpandLeftToRank(w, y.Rank())), ExpandLeftToRank(b, y.Rank()))
}
