package head

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
)

// GPConfig holds the settings of GP; zeros are the original's defaults.
type GPConfig struct {
	NormalizeInput bool    // --gp-input-normalization: layer norm of the embedding
	Inducing       int     // M, the number of random features; 0 means 1024
	KernelScale    float64 // the kernel's squared length scale, without NormalizeInput; 0 means 1
	// Discount is --gp-cov-discount-factor, read under Corrected: the momentum of the
	// precision's moving average, or <= 0 for the exact sum over an epoch.
	Discount float64
	Ridge    float64 // of the covariance, read under Corrected; 0 means 1, which the original hands over and drops
	// PlainFeatures draws N(0, 0.05²) for the random features' weight, "rff", not
	// orthogonal ones.
	PlainFeatures bool
	Semantics     semantics.Semantics
}

// originalRidge scales the original's variances, whatever its flags say.
const originalRidge = 1e-6

// GP replaces the linear head by a Gaussian process in M random Fourier features
// (Rahimi and Recht, 2007; in SNGP, Liu et al., NeurIPS 2020, section 3.2):
//
//	φ(x) = cos(W x + b),   logits = φ βᵀ
//
// x is [B, D], the logits [B, C]; only β and the layer norm are trained. As in the
// SNGP authors' code for ImageNet, φ lacks the factor √(2/M), which β can take up.
// In evaluation the logits are divided by √(1 + var), var the predictive variance
// ridge φ Σ φᵀ (mean-field approximation of the softmax integral).
//
// Corrected: the precision of β is collected over training, with momentum m or
// exactly (Liu et al., eq. 9 and Algorithm 1, with a Gaussian likelihood),
//
//	P = m P + (1-m) φᵀφ/B      or      P = P + φᵀφ
//
// and inverted before evaluation, Σ = (ridge I + P)⁻¹. The trainer calls
// ResetPrecision at every epoch's start and UpdateCovariance before evaluation.
//
// Original: the layer that collects P is called in evaluation only, where it
// collects nothing. P stays 0 and Σ stays what it was initialised with, random
// numbers, not even symmetric. The discount and ridge given are ignored.
//
// The entries are those of the original, under "<name>.": "_input_norm_layer",
// "_random_feature" (W, b), "_gp_cov_layer.precision_matrix" and
// ".covariance_matrix" [M, M], "_gp_output_layer.weight" (β [C, M]) and
// "_gp_output_bias" [C], int64 zeros.
func GP(c *nn.Context, name string, x *Node, classes int, cfg GPConfig) *Node {
	cfg = cfg.filled()
	g, at := x.Graph(), c.In(name)
	x = ConvertDType(x, c.DType)
	if cfg.NormalizeInput {
		x = nn.LayerNorm(at.In("_input_norm_layer"), x, 1e-5)
	} else {
		x = MulScalar(x, 1/math.Sqrt(cfg.KernelScale))
	}
	features, m := x.Shape().Dim(1), cfg.Inducing
	init := orthogonalFeatures(at.Name("_random_feature"))
	if cfg.PlainFeatures {
		init = nn.NormalInit(0.05)
	}
	random := at.In("_random_feature")
	phases := func(g *Graph, shape shapes.Shape) *Node {
		return MulScalar(model.GetStore(g).RandomUniform(g, shape), 2*math.Pi)
	}
	w := random.Frozen(g, "weight", init, m, features)
	b := random.Frozen(g, "bias", phases, m)
	phi := Cos(Add(nn.MatMulT(c, x, w), ExpandLeftToRank(b, 2)))

	beta := at.In("_gp_output_layer").Param(g, "weight", nn.NormalInit(0.01), classes, m)
	bias := at.Buffer("_gp_output_bias", nn.ConstInit(0), dtypes.Int64, classes).NodeValue(g)
	logits := Add(nn.MatMulT(c, phi, beta), ExpandLeftToRank(ConvertDType(bias, c.DType), 2))

	cov := at.In("_gp_cov_layer")
	precision := cov.Buffer("precision_matrix", nn.ConstInit(0), c.DType, m, m)
	covariance := cov.Buffer("covariance_matrix", cfg.startCovariance(m), c.DType, m, m)
	if c.Training {
		if cfg.Semantics == semantics.Corrected {
			precision.SetNodeValue(CollectPrecision(precision.NodeValue(g), StopGradient(phi), cfg.Discount))
		}
		return logits
	}
	return MeanField(logits, PredictiveVariance(phi, covariance.NodeValue(g), cfg.ridge()))
}

func (cfg GPConfig) filled() GPConfig {
	if cfg.Inducing == 0 {
		cfg.Inducing = 1024
	}
	if cfg.KernelScale == 0 {
		cfg.KernelScale = 1
	}
	if cfg.Ridge == 0 {
		cfg.Ridge = 1
	}
	if cfg.Inducing < 1 || cfg.KernelScale < 0 || cfg.Ridge < 0 || cfg.Discount >= 1 {
		panic(fmt.Errorf("head.GP: %d features, kernel scale %g, ridge %g, discount factor %g: want the first three positive, the last below 1",
			cfg.Inducing, cfg.KernelScale, cfg.Ridge, cfg.Discount))
	}
	return cfg
}

// ridge is the one place where the original's is chosen over the flag's.
func (cfg GPConfig) ridge() float64 {
	if cfg.Semantics == semantics.Corrected {
		return cfg.Ridge
	}
	return originalRidge
}

// startCovariance is that of the prior, P = 0, or the original's Xavier-uniform
// numbers.
func (cfg GPConfig) startCovariance(m int) model.VariableInitializer {
	if cfg.Semantics != semantics.Corrected {
		return nn.UniformInit(math.Sqrt(6 / float64(2*m)))
	}
	return func(g *Graph, shape shapes.Shape) *Node {
		return DiagonalWithValue(Scalar(g, shape.DType, 1/cfg.Ridge), m)
	}
}

// CollectPrecision adds a batch of features phi [B, M] to the precision [M, M]:
// moving average if momentum > 0, exact sum otherwise.
func CollectPrecision(precision, phi *Node, momentum float64) *Node {
	batch := MatMul(TransposeAllAxes(phi, 1, 0), phi)
	if momentum <= 0 {
		return Add(precision, batch)
	}
	batch = DivScalar(batch, float64(phi.Shape().Dim(0)))
	return Add(MulScalar(precision, momentum), MulScalar(batch, 1-momentum))
}

// PredictiveVariance is the diagonal of ridge φ Σ φᵀ: phi [B, M], covariance
// [M, M] -> [B].
func PredictiveVariance(phi, covariance *Node, ridge float64) *Node {
	return MulScalar(ReduceSum(Mul(MatMul(phi, covariance), phi), -1), ridge)
}

// MeanField divides logits [B, C] by √(1 + variance), variance [B]: the mean-field
// approximation of a softmax over Gaussian logits with mean-field factor 1.
func MeanField(logits, variance *Node) *Node {
	return Div(logits, InsertAxes(Sqrt(OnePlus(variance)), -1))
}
