package vmf

import . "github.com/gomlx/gomlx/core/graph"

// Norm returns the Euclidean length of the last axis: x [..., D] -> [...]. Its
// gradient is 0 where x is 0, as PyTorch's is, where Sqrt's would be infinite.
func Norm(x *Node) *Node {
	square := ReduceSum(Square(x), -1)
	zero := ZerosLike(square)
	positive := GreaterThan(square, zero)
	return Where(positive, Sqrt(Where(positive, square, OnesLike(square))), zero)
}

// Direction returns x / max(‖x‖, 1e-12) over the last axis: x [..., D] -> the
// same shape, rows of length 1.
func Direction(x *Node) *Node {
	return Div(x, InsertAxes(MaxScalar(Norm(x), 1e-12), -1))
}
