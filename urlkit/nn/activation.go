package nn

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// ReLU is max(x, 0), for x of any shape; its gradient at 0 is 0, as PyTorch's.
func ReLU(x *Node) *Node {
	zero := ZerosLike(x)
	return Where(GreaterThan(x, zero), x, zero)
}

// GELU is the Gaussian error linear unit by its definition, x Φ(x) (Hendrycks and
// Gimpel 2016), not by the tanh that approximates it: x of any shape.
func GELU(x *Node) *Node {
	return Mul(MulScalar(x, 0.5), OnePlus(Erf(MulScalar(x, 1/math.Sqrt2))))
}

// TorchSoftplus is log(1 + exp x), and x itself above 20, where PyTorch cuts it off:
// x of any shape.
func TorchSoftplus(x *Node) *Node {
	limit := Scalar(x.Graph(), x.DType(), 20)
	return Where(GreaterThan(x, limit), x, Softplus(x))
}
