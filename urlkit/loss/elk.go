package loss

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
	"urlbench/urlkit/vmf"
)

// ELK compares each embedding's von Mises-Fisher distribution with each class's by
// their expected likelihood kernel and trains with cross-entropy over it (Kirchhof
// et al., ECCV 2022, eq. 7):
//
//	sim_ic = ℓ(κ_i) + ℓ(k_c) - ℓ(‖κ_i n(x_i) + k_c n(w_c)‖),   ℓ = log C_D
//	L_i    = lse_c sim_ic - sim_iy,                             k_c = t max(‖w_c‖, 1)
//
// Reads Uncertainty [B] (κ = 1/uncertainty), Embedding [B, D], Classifier [C, D]
// and Labels [B]; t = cfg.InvTemp is a constant.
func ELK(c *nn.Context, b Batch, cfg Config) *Node {
	w := ConvertDType(b.Classifier, c.DType)
	mu := vmf.Direction(ConvertDType(b.Embedding, c.DType))
	kappa := Reciprocal(ConvertDType(b.Uncertainty, c.DType))
	sim := elkSimilarity(mu, kappa, vmf.Direction(w), elkClassKappa(w, cfg), cfg.Semantics)
	return smoothed(sim, b.Labels, 0)
}

// elkClassKappa is k_c: w [C, D] -> [C].
func elkClassKappa(w *Node, cfg Config) *Node {
	return MulScalar(MaxScalar(vmf.Norm(w), 1), cfg.InvTemp)
}

// elkSimilarity returns sim_ic - log C_D(0): mu1 [B, D] and mu2 [C, D] of unit
// length, kappa1 [B], kappa2 [C] -> [B, C]. The constant that it leaves out is the
// same for all pairs, so the softmax does not see it.
//
// What is done per pair is done in float64: ℓ(κ_i) and ℓ(‖...‖) are thousands where κ
// is, differ by less than k_c, and in float32 would leave a gradient of 3 digits.
func elkSimilarity(mu1, kappa1, mu2, kappa2 *Node, s semantics.Semantics) *Node {
	dim, dtype := mu1.Shape().Dim(-1), mu1.DType()
	wide := func(x *Node) *Node { return ConvertDType(x, dtypes.Float64) }
	k1 := wide(InsertAxes(kappa1, -1)) // [B, 1]
	k2 := wide(InsertAxes(kappa2, 0))  // [1, C]
	cos := wide(DotGeneral(mu1, []int{1}, nil, mu2, []int{1}, nil))
	// ‖k1 μ1 + k2 μ2‖² as a sum of terms that can't be negative: nothing cancels, and
	// no [B, C, D] array is made.
	length := Sqrt(Add(Square(Sub(k1, k2)), Mul(MulScalar(Mul(k1, k2), 2), MaxScalar(OnePlus(cos), 1e-30))))
	single := Add(vmf.LogNormRatio(k1, dim, s), vmf.LogNormRatio(k2, dim, s))
	return ConvertDType(Sub(single, vmf.LogNormRatio(length, dim, s)), dtype)
}
