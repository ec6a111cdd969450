package vmf

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/semantics"
)

// LogNormConst returns log C_D(κ), the logarithm of the factor that makes
// exp(κ μᵀz) a density on the unit sphere of dim dimensions:
//
//	log C_D(κ) = (D/2-1) log κ - (D/2) log 2π - log I_{D/2-1}(κ)
//
// (Mardia and Jupp 2000, eq. 9.3.4). kappa has any shape and is >= 0; the result
// has kappa's shape and dtype. Under semantics.Original the dimensions 4, 8, 10,
// 16, 32, 64, 512 and all from 1024 on are the original's fitted curves; every
// other dimension, and all of them under semantics.Corrected, are exact, with the
// gradient -A_D(κ), the mean resultant length.
func LogNormConst(kappa *Node, dim int, s semantics.Semantics) *Node {
	return AddScalar(LogNormRatio(kappa, dim, s), LogNormBase(dim, s))
}

// LogNormRatio returns log C_D(κ) - log C_D(0), of kappa's shape. Losses that
// compare normalisers use it in place of LogNormConst: the constant cancels in
// their softmax, and in dimension 2048 it is 4e3, which would leave a float32
// a resolution of 2e-4.
func LogNormRatio(kappa *Node, dim int, s semantics.Semantics) *Node {
	checkDim(dim)
	if f, ok := fitted(dim, s); ok {
		return Add(MulScalar(kappa, f.linear), MulScalar(PowScalar(kappa, f.power), f.scale))
	}
	return logNormExact(kappa, dim)
}

// LogNormBase returns log C_D(0) as LogNormConst has it: exactly, it is minus the
// logarithm of the sphere's area, log Γ(D/2) - log 2 - (D/2) log π.
func LogNormBase(dim int, s semantics.Semantics) float64 {
	checkDim(dim)
	if f, ok := fitted(dim, s); ok {
		return f.constant
	}
	half := float64(dim) / 2
	lgamma, _ := math.Lgamma(half)
	return lgamma - math.Ln2 - half*math.Log(math.Pi)
}

// curve is constant + linear κ + scale κ^power.
type curve struct{ constant, linear, scale, power float64 }

// curves are the original's fits of log C_D, by dimension.
var curves = map[int]curve{
	4:    {-.826604, -.354357, -.383723, 1.1},
	8:    {-1.29737, .36841, -.80936, 1.1},
	10:   {-1.27184, .67365, -.98726, 1.1},
	16:   {-.23773, 1.39146, -1.39819, 1.1},
	32:   {8.07579, 2.28954, -1.86925, 1.1},
	64:   {38.82967, 2.34269, -1.77425, 1.1},
	512:  {866.3, .1574, -.0236, 1.5},
	1024: {2095, -.01204, -.0007967, 1.9},
}

// fitted returns the curve that stands for log C_D. It is the original's choice:
// its Bessel function overflows in high dimensions, so that it takes the curve of
// 1024 for all above, whose real values differ by thousands.
func fitted(dim int, s semantics.Semantics) (curve, bool) {
	if s == semantics.Corrected {
		return curve{}, false
	}
	c, ok := curves[min(dim, 1024)]
	return c, ok
}

func checkDim(dim int) {
	if dim < 2 {
		panic(fmt.Errorf("vmf: dimension %d: a von Mises-Fisher distribution needs at least 2", dim))
	}
}
