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
