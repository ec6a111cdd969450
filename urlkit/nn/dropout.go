package nn

import (
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Dropout zeroes each element with probability rate and divides the others by
// 1-rate. It is active whenever it is called: the caller decides, since some of
// the benchmark's models keep it on when they are evaluated. x has any shape.
func Dropout(c *Context, x *Node, rate float64) *Node {
	if rate <= 0 {
		return x
	}
	g := x.Graph()
	u := c.Random.Uniform(g, shapes.Make(c.DType, x.Shape().Dimensions...))
	keep := GreaterOrEqual(u, Scalar(g, c.DType, rate))
	return Where(keep, MulScalar(x, 1/(1-rate)), ZerosLike(x))
}

// DropPath leaves out a residual branch x [B, ...] for each image with probability
// rate, and divides it by 1-rate for the others (stochastic depth, Huang et al.
// 2016, as timm scales it). Only in training.
func DropPath(c *Context, x *Node, rate float64) *Node {
	if rate <= 0 || !c.Training {
		return x
	}
	dims := x.Shape().Clone().Dimensions
	for i := range dims[1:] {
		dims[1+i] = 1
	}
	u := c.Random.Uniform(x.Graph(), shapes.Make(c.DType, dims...))
	keep := ConvertDType(GreaterOrEqual(u, Scalar(x.Graph(), c.DType, rate)), x.DType())
	return Mul(x, MulScalar(keep, 1/(1-rate)))
}
