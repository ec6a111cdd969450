package loss

import (
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
)

// CrossEntropy is the loss of CE, ensembles, MC dropout, HET-XL and SNGP, with
// label smoothing s = cfg.Smoothing (Szegedy et al. 2016, eq. 7):
//
//	L_i = -(1-s) log p_iy - s/C Σ_c log p_ic,   p = softmax(logits)
//
// s = 0 is plain cross-entropy. With soft labels q, L_i = -Σ_c q_ic log p_ic and
// no smoothing. Reads Logits [B, C] and Labels [B] or SoftLabels [B, C]. A logit of
// -inf makes the smoothed loss +inf, as it should.
func CrossEntropy(c *nn.Context, b Batch, cfg Config) *Node {
	logits := ConvertDType(b.Logits, c.DType)
	if b.SoftLabels != nil {
		return Neg(ReduceSum(Mul(ConvertDType(b.SoftLabels, c.DType), LogSoftmax(logits)), -1))
	}
	return smoothed(logits, b.Labels, cfg.Smoothing)
}

func smoothed(logits, labels *Node, s float64) *Node {
	logp := LogSoftmax(logits)
	nll := Neg(pick(logp, labels))
	if s == 0 {
		return nll
	}
	uniform := Neg(ReduceMean(logp, -1))
	return Add(MulScalar(nll, 1-s), MulScalar(uniform, s))
}

// pick returns x[i, labels[i]]: x [B, C], labels [B] -> [B]. It selects rather than
// multiplying by a one-hot mask, since 0 times an infinite entry is NaN.
func pick(x, labels *Node) *Node {
	classes := Iota(x.Graph(), ConvertDType(x, labels.DType()).Shape(), -1)
	chosen := Equal(classes, BroadcastToShape(InsertAxes(labels, -1), classes.Shape()))
	return ReduceSum(Where(chosen, x, ZerosLike(x)), -1)
}
