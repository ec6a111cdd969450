package loss

import (
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
	"urlbench/urlkit/vmf"
)

// InfoNCE pulls together the embeddings of one image's crops (or of one class) and
// pushes the others apart (van den Oord et al. 2018, eq. 4), with the similarities
// S = t n(x) n(x)ᵀ:
//
//	L_i = -log Σ_{j∈P(i)} exp S_ij / Σ_{j≠i} exp S_ij
//
// as contrast has it under each semantics. Reads Embedding [B, D] and, unless
// cfg.SSL, Labels [B]; its parameter is "inv_temp" [], t.
func InfoNCE(c *nn.Context, b Batch, cfg Config) *Node {
	t := parameter(c, b.Embedding.Graph(), cfg, "inv_temp", cfg.InvTemp)
	x := vmf.Direction(ConvertDType(b.Embedding, c.DType))
	return infoNCE(x, t, pairsOf(x, b.Labels, cfg), cfg.Semantics)
}

// infoNCE is the formula: x [B, D] of unit rows, t [] -> [B].
func infoNCE(x, t *Node, p pairs, s semantics.Semantics) *Node {
	return Neg(contrast(Mul(t, products(x)), p, s))
}

// contrast is the logarithm of the share of the positives' similarities: sim [..., B, B]
// -> [..., B].
//
// The papers' form is log mean_{P(i)} exp S_ij - log Σ_{j≠i} exp S_ij: van den Oord
// et al. 2018, eq. 4, for one positive, and Khosla et al. 2020, eq. 3, for several. A
// row without a positive has no loss: 0.
//
// The original masks by multiplying, so that an entry that is in neither mask, the
// diagonal, counts exp(0) = 1 both among the positives and among the negatives, and
// masked entries count exp(-1000); the positives are not among the contrasts:
//
//	log Σ_j exp(S∘P - 1000 Q)_ij - log Σ_j exp(S∘Q - 1000 P)_ij
func contrast(sim *Node, p pairs, s semantics.Semantics) *Node {
	over := func(mask *Node) *Node { return BroadcastToShape(ExpandLeftToRank(mask, sim.Rank()), sim.Shape()) }
	positive, negative := over(p.positive), over(p.negative)
	if s == semantics.Original {
		up := Sub(Mul(sim, positive), MulScalar(negative, 1000))
		down := Sub(Mul(sim, negative), MulScalar(positive, 1000))
		return Sub(logSumExp(up, -1), logSumExp(down, -1))
	}
	zero := ZerosLike(positive)
	isPositive := GreaterThan(positive, zero)
	other := GreaterThan(Add(positive, negative), zero)
	count := ReduceSum(positive, -1)
	share := Sub(maskedLogSumExp(sim, isPositive), maskedLogSumExp(sim, other))
	share = Sub(share, Log(MaxScalar(count, 1)))
	return Where(GreaterThan(count, ZerosLike(count)), share, ZerosLike(share))
}

// products returns x xᵀ over the last two axes: [..., B, D] -> [..., B, B].
func products(x *Node) *Node {
	if x.Rank() == 2 {
		return DotGeneral(x, []int{1}, nil, x, []int{1}, nil)
	}
	return DotGeneral(x, []int{2}, []int{0}, x, []int{2}, []int{0})
}

// logSumExp over one axis; the shift by the largest entry keeps it in range.
func logSumExp(x *Node, axis int) *Node {
	top := StopGradient(ReduceAndKeep(x, ReduceMax, axis))
	return Add(Log(ReduceSum(Exp(Sub(x, top)), axis)), Squeeze(top, axis))
}

// maskedLogSumExp is logSumExp over the entries of the last axis where mask holds; a
// row without any gives the least finite number, and no gradient.
func maskedLogSumExp(x, mask *Node) *Node {
	low := Scalar(x.Graph(), x.DType(), -1e30)
	return logSumExp(Where(mask, x, BroadcastToShape(low, x.Shape())), -1)
}
