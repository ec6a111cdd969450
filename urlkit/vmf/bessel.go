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

// olver is the uniform expansion of F_ν and A_ν. With z = κ/ν, s = √(1+z²), p = 1/s
// and S(p) = Σ_k U_k(p)/ν^k,
//
//	F_ν = ν (2q - log(1+q)) - ½ log s + log S(p) - log S(1),   q = (s-1)/2
//	A_ν = z/(1+s) - z/(2ν s²) - (z p³/ν) S'(p)/S(p)
func olver(kappa *Node, order float64) (f, a *Node) {
	z := DivScalar(kappa, order)
	s := Sqrt(OnePlus(Square(z)))
	q := Div(MulScalar(Square(z), 0.5), OnePlus(s)) // (s-1)/2 where z is small
	p := Reciprocal(s)

	sum, slope := ZerosLike(p), ZerosLike(p)
	atOne := 0.0
	for k := terms; k >= 0; k-- {
		u, du := debye[k], derivative(debye[k])
		scale := math.Pow(order, -float64(k))
		atOne += u.at(1) * scale
		sum = Add(sum, MulScalar(u.node(p), scale))
		slope = Add(slope, MulScalar(du.node(p), scale))
	}
	f = MulScalar(Sub(MulScalar(q, 2), Log1p(q)), order)
	f = Sub(f, MulScalar(Log(s), 0.5))
	f = AddScalar(Add(f, Log(sum)), -math.Log(atOne))

	a = Div(z, OnePlus(s))
	a = Sub(a, MulScalar(Mul(z, Square(p)), 0.5/order))
	a = Sub(a, MulScalar(Mul(Mul(z, Mul(p, Square(p))), Div(slope, sum)), 1/order))
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

// node evaluates the polynomial, which is even or odd, by Horner's rule in p².
func (u polynomial) node(p *Node) *Node {
	square := Square(p)
	low := 0
	for low < len(u)-1 && u[low] == 0 {
		low++
	}
	y := ZerosLike(p)
	for i := len(u) - 1 - (len(u)-1-low)%2; i >= low; i -= 2 {
		y = AddScalar(Mul(y, square), u[i])
	}
	for range low {
		y = Mul(y, p)
	}
	return y
}
