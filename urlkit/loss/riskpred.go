package loss

import (
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
)

// Riskpred predicts each example's own loss directly (Yoo and Kweon, CVPR 2019, in
// the form of Kirchhof et al. 2023, appendix A; called Losspred in the paper's figures):
//
//	L_i = CE_i + λ (unc_i - CE_i)²
//
// with plain cross-entropy, held constant in the second term, so that the uncertainty
// learns from the task but not the task from the uncertainty. Reads Logits [B, C],
// Uncertainty [B] and Labels [B]; λ = cfg.Lambda.
func Riskpred(c *nn.Context, b Batch, cfg Config) *Node {
	ce := smoothed(ConvertDType(b.Logits, c.DType), b.Labels, 0)
	miss := Sub(ConvertDType(b.Uncertainty, c.DType), StopGradient(ce))
	return Add(ce, MulScalar(Square(miss), cfg.Lambda))
}
