package head

import (
	"fmt"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
	"urlbench/urlkit/uncertainty"
)

// HETXLConfig holds the settings of HETXL.
type HETXLConfig struct {
	Rank      int     // --rank_V: R, the rank of the covariance
	Samples   int     // S: draws per example, 10 for the original's ResNet, 1000 for its ViT
	CMult     float64 // --c-mult: standard deviation of the start values of C
	Semantics semantics.Semantics
}

// HETXLOutputs is what HETXL makes of a batch.
type HETXLOutputs struct {
	Logits     *Node // [B, C], log of the mean probability
	CovLogDet  *Node // [B], log-determinant of the noise covariance's diagonal
	Classifier *Node // [C, D]
}

// HETXL classifies noisy embeddings (Collier et al., ICLR 2023): with V [D, R] and
// δ [D] linear in the embedding x, it draws
//
//	x_s = x + V z_s + √δ∘e_s,   z_s ~ N(0, I_R), e_s ~ N(0, I_D)    (their eq. 4)
//
// and returns log mean_s softmax(fc(x_s)/softplus(temp)), drawn anew whenever it is
// called, in evaluation too. x is [B, D]. The entries are "<name>.C" [D, DR+D], whose
// columns are V, R fastest, and δ before its softplus, "<name>.temp" [], and
// "<name>.fc".
//
// Original draws one number e_s for all D, so that the noise is of rank R+1 and
// every pair of coordinates is correlated through √δ√δᵀ; the draws are e [B, S, 1],
// then z [B, S, R]. Under Corrected e is [B, S, D]. In both, CovLogDet is
// Σ_d log(Σ_r V_dr² + δ_d), which leaves out what is off the diagonal.
func HETXL(c *nn.Context, name string, x *Node, classes int, cfg HETXLConfig) HETXLOutputs {
	if cfg.Rank < 1 || cfg.Samples < 1 {
		panic(fmt.Errorf("head.HETXL: rank %d and %d samples, want both >= 1 (--rank_V)", cfg.Rank, cfg.Samples))
	}
	g, at := x.Graph(), c.In(name)
	x = ConvertDType(x, c.DType)
	batch, features := x.Shape().Dim(0), x.Shape().Dim(1)
	weight := at.Param(g, "C", nn.NormalInit(cfg.CMult), features, features*(cfg.Rank+1))
	temp := nn.TorchSoftplus(at.Param(g, "temp", nn.ConstInit(1)))
	classifier := Classifier(at, "fc", g, classes, features)

	covariance := nn.MatMulT(c, x, TransposeAllAxes(weight, 1, 0))
	v := Reshape(Slice(covariance, AxisRange(), AxisRange(0, features*cfg.Rank)), batch, features, cfg.Rank)
	delta := nn.TorchSoftplus(Slice(covariance, AxisRange(), AxisRange(features*cfg.Rank)))
	spread := Sqrt(delta)

	// fc is linear: the classes' response to each direction of noise is computed
	// once, not once per draw.
	draw := func(n int) *Node {
		return c.Random.Normal(g, shapes.Make(c.DType, batch, cfg.Samples, n))
	}
	directions := TransposeAllAxes(v, 0, 2, 1) // [B, R, D]
	clean := nn.Linear(at.In("fc"), x, classes)
	var noise, noisy *Node
	if cfg.Semantics == semantics.Corrected {
		e := draw(features)
		noise = draw(cfg.Rank)
		noisy = nn.MatMulT(c, Mul(e, InsertAxes(spread, 1)), classifier) // [B, S, C]
	} else {
		e := draw(1)
		noise = Concatenate([]*Node{draw(cfg.Rank), e}, -1)
		directions = Concatenate([]*Node{directions, InsertAxes(spread, 1)}, 1)
	}
	responses := nn.MatMulT(c, directions, classifier) // [B, R or R+1, C]
	logits := DotGeneral(noise, []int{2}, []int{0}, responses, []int{1}, []int{0})
	if noisy != nil {
		logits = Add(logits, noisy)
	}
	logits = Div(Add(logits, InsertAxes(clean, 1)), temp)
	return HETXLOutputs{
		Logits:     uncertainty.MeanLogits(TransposeAllAxes(logits, 1, 0, 2)),
		CovLogDet:  ReduceSum(Log(Add(ReduceSum(Square(v), -1), delta)), -1),
		Classifier: classifier,
	}
}
