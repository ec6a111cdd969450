package loss

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
)

// MCInfoNCE is InfoNCE in expectation over the embeddings' distributions, z ~
// vMF(n(x), 1/uncertainty), by S samples (Kirchhof et al., ICML 2023, eq. 4):
//
//	L_i = -log 1/S Σ_s Σ_{j∈P(i)} exp(t z_siᵀz_sj) / Σ_{j≠i} exp(t z_siᵀz_sj)
//
// with InfoNCE's sums as contrast has them under each semantics. Reads Embedding [B,
// D], Uncertainty [B] and, unless cfg.SSL, Labels [B]; its parameter is "inv_temp"
// [], t.
func MCInfoNCE(c *nn.Context, b Batch, cfg Config) *Node {
	t := parameter(c, b.Embedding.Graph(), cfg, "inv_temp", cfg.InvTemp)
	z := cfg.draw(c, b)
	return mcInfoNCE(z, t, pairsOf(z, b.Labels, cfg), cfg.Semantics)
}

// mcInfoNCE is the formula: z [S, B, D], t [] -> [B].
func mcInfoNCE(z, t *Node, p pairs, s semantics.Semantics) *Node {
	perSample := contrast(Mul(t, products(z)), p, s) // [S, B]
	return Neg(AddScalar(logSumExp(perSample, 0), -math.Log(float64(z.Shape().Dim(0)))))
}
