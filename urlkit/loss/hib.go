package loss

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
)

// HIB, hedged instance embeddings, asks samples of the embeddings' distributions
// whether two images match (Oh et al., ICLR 2019, eqs. 2 to 4, on the sphere):
//
//	p_ij = 1/S Σ_s σ(t z_siᵀz_sj + b)
//
// and trains by the mean log-likelihood of a row's matches and of its non-matches, as
// softContrast has it under each semantics. Reads Embedding [B, D], Uncertainty [B]
// and, unless cfg.SSL, Labels [B]; its parameters are "inv_temp" [], t, and
// "add_const" [], b.
func HIB(c *nn.Context, b Batch, cfg Config) *Node {
	g := b.Embedding.Graph()
	t := parameter(c, g, cfg, "inv_temp", cfg.InvTemp)
	add := parameter(c, g, cfg, "add_const", cfg.AddConst)
	z := cfg.draw(c, b)
	return hib(z, t, add, pairsOf(z, b.Labels, cfg), cfg.Semantics)
}

// hib is the formula: z [S, B, D], t and add [] -> [B].
func hib(z, t, add *Node, p pairs, s semantics.Semantics) *Node {
	return softContrast(Add(Mul(t, products(z)), add), p, s)
}

// softContrast turns the logits of a match, [S, B, B], into the loss [B].
//
// The paper's soft contrastive loss (eq. 3) is -log p_ij for a match and -log(1-p_ij)
// for a non-match; both are taken in the log domain, so that neither a sure match nor
// a sure non-match is infinite, and a row without one kind has only the other's term.
//
// The original adds 1e-5 to p and has +log p_ij in place of -log(1-p_ij): it lowers the
// probability of non-matches without bound instead of raising that of their being
// none. A row that lacks one kind is 0/0: NaN.
func softContrast(logits *Node, p pairs, s semantics.Semantics) *Node {
	if s == semantics.Original {
		logp := Log(AddScalar(ReduceMean(Sigmoid(logits), 0), 1e-5))
		average := func(mask *Node) *Node {
			return Div(ReduceSum(Mul(logp, mask), -1), ReduceSum(mask, -1))
		}
		return Sub(average(p.negative), average(p.positive))
	}
	logN := math.Log(float64(logits.Shape().Dim(0)))
	logMean := func(a *Node) *Node { // log mean_s σ(a)
		return AddScalar(logSumExp(Neg(Softplus(Neg(a))), 0), -logN)
	}
	average := func(x, mask *Node) *Node {
		return Div(ReduceSum(Mul(x, mask), -1), MaxScalar(ReduceSum(mask, -1), 1))
	}
	return Neg(Add(average(logMean(logits), p.positive), average(logMean(Neg(logits)), p.negative)))
}
