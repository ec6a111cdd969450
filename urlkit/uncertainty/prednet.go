package uncertainty

import (
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
)

// PredNet predicts the uncertainty by a small network on the embedding: three
// Linear(width) + LeakyReLU(0.01), then Linear(1), as 1e-6 + softplus. embedding
// [B, D] -> [B], always positive. c is the whole model's context: the weights are
// the original's entries unc_module.unc_module.{0,2,4,6}.
func PredNet(c *nn.Context, embedding *Node, width int) *Node {
	c = c.In("unc_module").In("unc_module")
	x := ConvertDType(embedding, c.DType)
	for _, layer := range []string{"0", "2", "4"} {
		x = nn.Linear(c.In(layer), x, width)
		x = Where(GreaterThan(x, ZerosLike(x)), x, MulScalar(x, 0.01))
	}
	return AddScalar(nn.TorchSoftplus(Squeeze(nn.Linear(c.In("6"), x, 1), -1)), 1e-6)
}
