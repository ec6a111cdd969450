package vmf

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// The exact normaliser. With ν = D/2-1 and
//
//	F_ν(κ) = log( Γ(ν+1) (2/κ)^ν I_ν(κ) ) = log ₀F₁(ν+1; κ²/4),   A_ν = I_{ν+1}/I_ν = F_ν'
//
// log C_D(κ) - log C_D(0) = -F_ν(κ). Nothing in F over- or underflows, and F(0) = 0.
// Both are taken at an order of at least minOrder from the uniform asymptotic
// expansion for large orders (DLMF 10.41.3) and brought down to ν by the recurrence
// of Bessel functions (DLMF 10.29.1) in its stable direction,
//
//	A_ν = κ / (2(ν+1) + κ A_{ν+1}),   F_ν = F_{ν+1} + log(1 + κ A_{ν+1} / (2(ν+1)))
//
// in which all terms are positive.
const (
	minOrder = 24
	terms    = 10 // of the expansion: 1e-15 at minOrder
)

// MeanResultant returns A_D(κ) = I_{D/2}(κ) / I_{D/2-1}(κ), the length of the mean of
// vMF(μ, κ) in dim dimensions (Mardia and Jupp 2000, eq. 9.3.9): kappa of any shape, >= 0 ->
// values in [0, 1) of the same shape. It is a constant to gradients.
func MeanResultant(kappa *Node, dim int) *Node {
	checkDim(dim)
	_, a := logBessel(StopGradient(kappa), float64(dim)/2-1)
	return StopGradient(a)
}

// logNormExact returns -F_ν(κ) with the gradient -A_ν(κ), which is taken from its own
// formula rather than by differentiating F's.
func logNormExact(kappa *Node, dim int) *Node {
	fixed := StopGradient(kappa)
	f, a := logBessel(fixed, float64(dim)/2-1)
	slope := Mul(StopGradient(a), Sub(kappa, fixed)) // 0, with gradient A
	return Neg(Add(StopGradient(f), slope))
}

// logBessel returns F_ν(κ) and A_ν(κ).
func logBessel(kappa *Node, order float64) (f, a *Node) {
	steps := int(math.Max(0, math.Ceil(minOrder-order)))
	f, a = olver(kappa, order+float64(steps))
	for j := steps - 1; j >= 0; j-- {
		twice := 2 * (order + float64(j) + 1)
		ka := Mul(kappa, a)
		f = Add(f, Log1p(DivScalar(ka, twice)))
		a = Div(kappa, AddScalar(ka, twice))
	}
	return f, a
}

// expansion is the series S(p) = Σ_k U_k(p)/ν^k of one order, as a polynomial in p,
// with what F and A need of it.
type expansion struct {
	order    float64
	s, slope polynomial // S and S'
	// rest is (S(p) - S(1)) / (p-1): F is small where p is near 1, and S(p) - S(1)
	// would leave nothing of it.
	rest polynomial
	one  float64 // S(1)
}

func newExpansion(order float64) expansion {
	e := expansion{order: order, s: make(polynomial, 3*terms+1)}
	for k := terms; k >= 0; k-- {
		for i, c := range debye[k] {
			e.s[i] += c * math.Pow(order, -float64(k))
		}
	}
	for last := len(e.s) - 1; math.Abs(e.s[last]) < 1e-18; last-- {
		e.s = e.s[:last] // high orders need few terms, and p is at most 1
	}
	e.slope = derivative(e.s)
	e.one = e.s.at(1)
	e.rest = make(polynomial, len(e.s)-1)
	carry := 0.0
	for i := len(e.rest) - 1; i >= 0; i-- { // division by p-1
		carry += e.s[i+1]
		e.rest[i] = carry
	}
	return e
}

// olver is the uniform expansion of F_ν and A_ν. With z = κ/ν, s = √(1+z²), p = 1/s,
//
//	F_ν = ν (2q - log(1+q)) - ½ log s + log(S(p) / S(1)),   q = (s-1)/2
//	A_ν = z/(1+s) - z/(2ν s²) - (z p³/ν) S'(p)/S(p)
func olver(kappa *Node, order float64) (f, a *Node) {
	e := newExpansion(order)
	z := DivScalar(kappa, order)
	s := Sqrt(OnePlus(Square(z)))
	q := Div(MulScalar(Square(z), 0.5), OnePlus(s)) // without the difference s-1
	p := Reciprocal(s)
	twoQ := MulScalar(q, 2)

	f = MulScalar(Sub(twoQ, Log1p(q)), order)
	f = Sub(f, MulScalar(Log1p(twoQ), 0.5))
	f = Add(f, Log1p(MulScalar(Mul(Mul(twoQ, p), e.rest.node(p)), -1/e.one)))

	a = Div(z, OnePlus(s))
	a = Sub(a, MulScalar(Mul(z, Square(p)), 0.5/order))
	cubed := Mul(p, Square(p))
	a = Sub(a, MulScalar(Mul(Mul(z, cubed), Div(e.slope.node(p), e.s.node(p))), 1/order))
	return f, a
}

// polynomial holds coefficients by rising power.
type polynomial []float64

// debye are the polynomials U_0 ... U_terms of DLMF 10.41.9:
//
//	U_{k+1}(p) = ½ p²(1-p²) U_k'(p) + ⅛ ∫₀ᵖ (1-5t²) U_k(t) dt
var debye = func() []polynomial {
	all := []polynomial{{1}}
	for k := range terms {
		u := all[k]
		next := make(polynomial, len(u)+3)
		for i, c := range u {
			n := float64(i)
			next[i+1] += c * (n/2 + 1/(8*(n+1)))
			next[i+3] -= c * (n/2 + 5/(8*(n+3)))
		}
		all = append(all, next)
	}
	return all
}()

func derivative(u polynomial) polynomial {
	d := make(polynomial, max(len(u)-1, 1))
	for i := 1; i < len(u); i++ {
		d[i-1] = float64(i) * u[i]
	}
	return d
}

func (u polynomial) at(p float64) float64 {
	y := 0.0
	for i := len(u) - 1; i >= 0; i-- {
		y = y*p + u[i]
	}
	return y
}

// node is at, in a graph.
func (u polynomial) node(p *Node) *Node {
	y := MulScalar(p, u[len(u)-1])
	for i := len(u) - 2; i > 0; i-- {
		y = Mul(AddScalar(y, u[i]), p)
	}
	return AddScalar(y, u[0])
}
