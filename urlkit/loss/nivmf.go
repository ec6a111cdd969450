package loss

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
	"urlbench/urlkit/vmf"
)

// NivMF lets every class have its own concentration per dimension, K_c, and compares
// it with an embedding's von Mises-Fisher distribution by S samples z of the latter
// (Kirchhof et al., ECCV 2022, eqs. 8 and 9). With m_c = n(w_c)∘K_c and r_c = ‖m_c‖,
//
//	log l_sic = log C_D(r_c) + r_c z_siᵀ n(m_c) + Σ_d log K_cd - 2 log r_c
//	sim_ic    = log 1/S Σ_s l_sic,   L_i = lse_c sim_ic - sim_iy
//
// Reads Embedding [B, D], Uncertainty [B], Classifier w [C, D] and Labels [B]; its
// parameter is "kappa" [C, D], K, which starts at cfg.InvTemp and counts as 0.1 below
// that.
func NivMF(c *nn.Context, b Batch, cfg Config) *Node {
	w := ConvertDType(b.Classifier, c.DType)
	k := parameter(c, w.Graph(), cfg, "kappa", cfg.InvTemp, w.Shape().Dimensions...)
	return smoothed(nivmfSimilarity(cfg.draw(c, b), w, k, cfg), b.Labels, 0)
}

// normaliserDim is the dimension in which nivMF's log C is taken: the embedding's. The
// original leaves the argument out and gets its default, 10, whatever the embedding's
// is.
func normaliserDim(dim int, s semantics.Semantics) int {
	if s == semantics.Original {
		return 10
	}
	return dim
}

// nivmfSimilarity returns sim_ic - nivmfOffset, a constant that the softmax does not
// see: z [S, B, D], w and k [C, D] -> [B, C].
func nivmfSimilarity(z, w, k *Node, cfg Config) *Node {
	k = MaxScalar(k, minKappa)
	m := Mul(vmf.Direction(w), k)
	r := vmf.Norm(m) // [C]
	// Relative to the start value: Σ_d log K_cd is thousands in high dimensions.
	logDet := ReduceSum(Log(MulScalar(k, 1/startKappa(cfg))), -1)
	dim := normaliserDim(w.Shape().Dim(-1), cfg.Semantics)
	perClass := Sub(Add(vmf.LogNormRatio(r, dim, cfg.Semantics), logDet), MulScalar(Log(r), 2))
	cos := DotGeneral(z, []int{2}, nil, vmf.Direction(m), []int{1}, nil) // [S, B, C]
	logl := Add(Mul(cos, ExpandLeftToRank(r, 3)), ExpandLeftToRank(perClass, 3))
	return AddScalar(logSumExp(logl, 0), -math.Log(float64(z.Shape().Dim(0))))
}

// nivmfOffset is what nivmfSimilarity leaves out: log C(0) and D times the logarithm
// of K's start value.
func nivmfOffset(dim int, cfg Config) float64 {
	base := vmf.LogNormBase(normaliserDim(dim, cfg.Semantics), cfg.Semantics)
	return base + float64(dim)*math.Log(startKappa(cfg))
}

const minKappa = 0.1

func startKappa(cfg Config) float64 { return math.Max(cfg.InvTemp, minKappa) }
