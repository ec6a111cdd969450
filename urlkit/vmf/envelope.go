package vmf

import (
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/semantics"
)

// envelope returns b, the shape of the rejection envelope, and y0, by which the
// acceptance rule that goes with it is off its maximum of 1: kappa [B] -> both [B].
//
// Wood 1994 has, with m = D and c = √(4κ²+(m-1)²),
//
//	b = (c - 2κ)/(m-1) = (m-1)/(c + 2κ),   y0 = 4ab/((1+b)(m-1)) = 1,   a = (m-1+2κ+c)/4
//
// The original fades b into (m-1)/(4κ) for 10 < κ < 11, to avoid the first form's
// cancellation (the second has none). That is b's limit for κ much above D only:
// below, the acceptance rule exceeds 1 and cuts off the distribution. At D = 2048 and
// κ = 1000 the mean cosine is 0.32 where A_D(κ) = 0.41.
func envelope(kappa *Node, dim int, s semantics.Semantics) (b, y0 *Node) {
	m1 := float64(dim - 1)
	twice := MulScalar(kappa, 2)
	c := Sqrt(AddScalar(Square(twice), m1*m1))
	b = Div(Scalar(kappa.Graph(), kappa.DType(), m1), Add(c, twice))
	if s == semantics.Corrected {
		return b, OnesLike(b)
	}
	limit := MulScalar(Reciprocal(kappa), m1/4)
	fade := ClipScalar(AddScalar(kappa, -10), 0, 1)
	b = Add(Mul(limit, fade), Mul(b, OneMinus(fade)))
	a := MulScalar(AddScalar(Add(c, twice), m1), 0.25)
	return b, Div(MulScalar(Mul(a, b), 4/m1), OnePlus(b))
}
