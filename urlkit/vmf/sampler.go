package vmf

import (
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
)

// Sampler draws n vectors from each of B von Mises-Fisher distributions: mu [B, D]
// of unit rows, kappa [B] -> [n, B, D]. Draws are differentiable in both.
type Sampler func(mu, kappa *Node, n int) *Node

// NewSampler samples with r's random numbers: Sample(RandomDraws{r}, ...).
func NewSampler(r nn.Random, s semantics.Semantics) Sampler {
	return func(mu, kappa *Node, n int) *Node { return Sample(RandomDraws{r}, mu, kappa, n, s) }
}

// Sample draws n vectors from vMF(mu, kappa): mu [B, D] of unit rows, kappa [B], > 0
// and possibly +inf (which gives mu) -> [n, B, D]. The cosine w = zᵀμ comes from
// Cosines, the direction across from normal draws, and a reflection takes the first
// axis to μ (Davidson et al. 2018, algorithm 1). Whether a proposal is accepted
// counts as constant in gradients.
func Sample(d Draws, mu, kappa *Node, n int, s semantics.Semantics) *Node {
	g, batch, dim := mu.Graph(), mu.Shape().Dim(0), mu.Shape().Dim(-1)
	w, across := Cosines(d, kappa, dim, n, s)
	v := Direction(d.Normal(g, mu.DType(), dim, n, batch))
	x := Concatenate([]*Node{InsertAxes(w, -1), Mul(InsertAxes(across, -1), v)}, -1)
	return reflect(x, mu)
}

// Cosines draws w = zᵀμ of n vectors z from each vMF(μ, κ) in dim dimensions: kappa
// [B] -> w and √(1-w²), both [n, B]. In 3 dimensions w has a closed form (Jakob
// 2012); in others it is Wood's rejection method (Wood 1994, after Ulrich 1984)
// with the envelope of semantics s.
func Cosines(d Draws, kappa *Node, dim, n int, s semantics.Semantics) (w, across *Node) {
	checkDim(dim)
	g, dtype, batch := kappa.Graph(), kappa.DType(), kappa.Shape().Dim(0)
	if dim == 3 {
		return cosines3(d.Uniform(g, dtype, n, batch), kappa)
	}
	sure := IsFinite(kappa)
	one := OnesLike(kappa)
	kappa = Where(sure, kappa, one)
	b, y0 := envelope(kappa, dim, s)
	e := StopGradient(accepted(d, b, y0, dim, n))

	// With ε = ½ + δ, w = (1-(1+b)ε) / (1-(1-b)ε), written in δ, which float32 holds
	// better, and 1-w² without a difference of near equals.
	delta := AddScalar(e, -0.5)
	b = broadcast(b, n)
	wide, narrow := OnePlus(b), OneMinus(b)
	below := Sub(MulScalar(wide, 0.5), Mul(narrow, delta))
	w = Div(Sub(MulScalar(narrow, 0.5), Mul(wide, delta)), below)
	square := Div(MulScalar(Mul(b, Mul(e, OneMinus(e))), 4), Square(below))

	everywhere := broadcast(sure, n)
	w = Where(everywhere, w, OnesLike(w))
	square = Where(everywhere, square, ZerosLike(square))
	return w, Sqrt(MaxScalar(square, 1e-14))
}

// accepted returns the proposals ε [n, B] of the first round that accepts each
// entry. A proposal is accepted with probability
//
//	exp (D-1) (log y0 + log(1+x) - y0 x),   x = (1-b)δ / ((1+b)/2 - (1-b)δ)
//
// which is the usual exp((D-1) log τ - τ + d) written so that no two large numbers are
// subtracted. An entry that no round accepts keeps the last proposal: see rounds.
func accepted(d Draws, b, y0 *Node, dim, n int) *Node {
	e, logU := d.Proposals(b.Graph(), b.DType(), dim, n, b.Shape().Dim(0)) // [R, n, B]
	over := func(x *Node) *Node {
		return BroadcastToShape(Reshape(x, 1, 1, x.Shape().Dim(0)), e.Shape())
	}
	b, y0 = over(StopGradient(b)), over(StopGradient(y0))
	shift := Mul(OneMinus(b), AddScalar(e, -0.5))
	x := Div(shift, Sub(MulScalar(OnePlus(b), 0.5), shift))
	logAccept := MulScalar(Sub(Add(Log(y0), Log1p(x)), Mul(y0, x)), float64(dim-1))
	accept := GreaterThan(logAccept, logU)

	round := func(x *Node, r int) *Node { return Squeeze(SliceAxis(x, 0, AxisElem(r)), 0) }
	last := e.Shape().Dim(0) - 1
	chosen := round(e, last)
	for r := last - 1; r >= 0; r-- {
		chosen = Where(round(accept, r), round(e, r), chosen)
	}
	return chosen
}

// cosines3 is the closed form in 3 dimensions, w = 1 + log(u + (1-u) e^{-2κ}) / κ:
// u [n, B] uniform, kappa [B] -> w, √(1-w²) [n, B].
func cosines3(u, kappa *Node) (w, across *Node) {
	kappa = BroadcastToShape(InsertAxes(kappa, 0), u.Shape())
	// e^{-2κ}-1 = -2 tanh κ / (1+tanh κ), exact where κ is small.
	tanh := Tanh(kappa)
	drop := Div(MulScalar(tanh, -2), OnePlus(tanh))
	l := Div(Log1p(Mul(OneMinus(u), drop)), kappa)
	l = MaxScalar(l, -2)
	w = OnePlus(l)
	return w, Sqrt(MaxScalar(Neg(Mul(l, AddScalar(l, 2))), 1e-14))
}

// reflect applies the Householder reflection that takes the first axis to mu: x
// [n, B, D], mu [B, D] -> [n, B, D].
func reflect(x, mu *Node) *Node {
	g, dim := mu.Graph(), mu.Shape().Dim(-1)
	first := ConvertDType(Equal(Iota(g, mu.Shape(), -1), Scalar(g, mu.DType(), 0)), mu.DType())
	h := Sub(first, mu)
	h = Div(h, InsertAxes(MaxScalar(Norm(h), 1e-14), -1))
	h = BroadcastToDims(InsertAxes(h, 0), x.Shape().Dim(0), x.Shape().Dim(1), dim)
	along := ReduceAndKeep(Mul(x, h), ReduceSum, -1)
	return Sub(x, Mul(MulScalar(along, 2), h))
}

// broadcast repeats x [B] to [n, B].
func broadcast(x *Node, n int) *Node {
	return BroadcastToDims(InsertAxes(x, 0), n, x.Shape().Dim(0))
}
