package nn

import . "github.com/gomlx/gomlx/core/graph"

// GlobalMean averages over the spatial axes, in c.DType: x [N, H, W, C] -> [N, C].
func GlobalMean(c *Context, x *Node) *Node {
	return ReduceMean(ConvertDType(x, c.DType), 1, 2)
}

// ReLU is max(x, 0); its gradient at 0 is 0, as PyTorch's.
func ReLU(x *Node) *Node {
	return Where(GreaterThan(x, ScalarZero(x.Graph(), x.DType())), x, ZerosLike(x))
}
