package vmf

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/gomlx/compute/dtypes"

	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/semantics"
)

// seriesOracle sums the power series of ₀F₁ (DLMF 10.25.2) with 256 bits: F = log
// ₀F₁(D/2; κ²/4) and A_D(κ) = κ/D ₀F₁(D/2+1; κ²/4) / ₀F₁(D/2; κ²/4).
func seriesOracle(dim int, kappa float64) (f, a float64) {
	low, high := series(float64(dim)/2, kappa), series(float64(dim)/2+1, kappa)
	ratio := new(big.Float).Quo(high, low)
	ratio.Mul(ratio, big.NewFloat(kappa))
	a, _ = ratio.Quo(ratio, big.NewFloat(float64(dim))).Float64()
	return logBig(low), a
}

// series is Σ_k x^k / (k! (c)_k) with x = κ²/4.
func series(c, kappa float64) *big.Float {
	const precision = 256
	number := func(v float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(v) }
	x := number(kappa)
	x.Mul(x, x).Quo(x, number(4))
	sum, term := number(1), number(1)
	for k := 0.0; ; k++ {
		term.Mul(term, x).Quo(term, number((k+1)*(c+k)))
		sum.Add(sum, term)
		if term.Sign() == 0 || term.MantExp(nil) < sum.MantExp(nil)-precision {
			return sum
		}
	}
}

func logBig(x *big.Float) float64 {
	mantissa := new(big.Float)
	exponent := x.MantExp(mantissa)
	m, _ := mantissa.Float64()
	if exponent >= -1 && exponent <= 1 { // log x near 0 needs x-1 exactly
		d, _ := new(big.Float).Sub(x, big.NewFloat(1)).Float64()
		return math.Log1p(d)
	}
	return math.Log(m) + float64(exponent)*math.Ln2
}

var (
	oracleDims   = []int{2, 3, 4, 5, 8, 10, 16, 24, 31, 48, 64, 128, 512, 1024, 2048}
	oracleKappas = []float64{0, 1e-4, 1e-2, .1, .5, 1, 3, 10, 28, 50, 100, 300, 1000, 3000, 1e4}
)

// TestLogNormExact holds log C_D(κ), its gradient and A_D(κ) against the series, in
// float64 and in float32, and the scalar functions with them.
func TestLogNormExact(t *testing.T) {
	type want struct{ f, a []float64 }
	wants := map[int]want{}
	for _, dim := range oracleDims {
		var w want
		for _, k := range oracleKappas {
			f, a := seriesOracle(dim, k)
			w.f, w.a = append(w.f, f), append(w.a, a)
			if got := A(k, dim); math.Abs(got-a) > 1e-13 {
				t.Errorf("A(%g, %d) = %.16g, want %.16g", k, dim, got, a)
			}
			lgamma, _ := math.Lgamma(float64(dim) / 2)
			logC := lgamma - math.Log(2) - float64(dim)/2*math.Log(math.Pi) - f
			if got := LogNorm(k, dim); math.Abs(got-logC) > 1e-12*(1+math.Abs(logC)+f) {
				t.Errorf("LogNorm(%g, %d) = %.16g, want %.16g", k, dim, got, logC)
			}
		}
		wants[dim] = w
	}
	in := []devicetest.Array{{Dims: []int{len(oracleKappas)}, Values: oracleKappas}}
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		for _, dtype := range bothTypes {
			value, slope := 1e-12, 1e-12
			if dtype == dtypes.Float32 {
				value, slope = 2e-6, 1e-6
			}
			// All dimensions in one graph: one compilation.
			got := devicetest.Run(t, d, dtype, in, func(in []*Node) []*Node {
				var out []*Node
				for _, dim := range oracleDims {
					y := LogNormRatio(in[0], dim, semantics.Corrected)
					out = append(out, y, Gradient(ReduceAllSum(y), in[0])[0], MeanResultant(in[0], dim), LogNormConst(in[0], dim, semantics.Corrected))
				}
				return out
			})
			for i, dim := range oracleDims {
				w := wants[dim]
				for j, k := range oracleKappas {
					name := fmt.Sprintf("%s D=%d κ=%g", dtype, dim, k)
					if y := got[4*i][j]; math.Abs(y+w.f[j]) > value*w.f[j] {
						t.Errorf("%s: log C(κ)/C(0) = %.9g, want %.9g", name, y, -w.f[j])
					}
					if a := got[4*i+1][j]; math.Abs(a+w.a[j]) > slope*w.a[j] {
						t.Errorf("%s: gradient %.9g, want %.9g", name, a, -w.a[j])
					}
					if a := got[4*i+2][j]; a != -got[4*i+1][j] {
						t.Errorf("%s: MeanResultant %.9g, minus the gradient is %.9g", name, a, -got[4*i+1][j])
					}
					base := LogNormBase(dim, semantics.Corrected)
					if y := got[4*i+3][j]; math.Abs(y-base+w.f[j]) > value*(math.Abs(base)+w.f[j]) {
						t.Errorf("%s: log C = %.9g, want %.9g", name, y, base-w.f[j])
					}
				}
			}
		}
	})
}

// TestFittedIsFarOff shows what the original's curves cost, and that both switches
// reach both forms.
func TestFittedIsFarOff(t *testing.T) {
	d := anyDevice(t)
	in := []devicetest.Array{{Dims: []int{1}, Values: []float64{1000}}}
	got := devicetest.Run(t, d, dtypes.Float64, in, func(in []*Node) []*Node {
		return []*Node{LogNormConst(in[0], 2048, semantics.Original), LogNormConst(in[0], 2048, semantics.Corrected)}
	})
	if exact := LogNorm(1000, 2048); math.Abs(got[1][0]-exact) > 1e-9*math.Abs(exact) || math.Abs(got[0][0]-exact) < 1000 {
		t.Errorf("D=2048 κ=1000: original %g, corrected %g, exact %g", got[0][0], got[1][0], exact)
	}
}

// TestDebye checks the recurrence's polynomials against those printed in DLMF
// 10.41.10.
func TestDebye(t *testing.T) {
	want := []polynomial{
		{1},
		{0, 3. / 24, 0, -5. / 24},
		{0, 0, 81. / 1152, 0, -462. / 1152, 0, 385. / 1152},
		{0, 0, 0, 30375. / 414720, 0, -369603. / 414720, 0, 765765. / 414720, 0, -425425. / 414720},
	}
	for k, u := range want {
		for i, c := range u {
			if math.Abs(debye[k][i]-c) > 1e-14 {
				t.Errorf("U_%d: coefficient of p^%d is %g, want %g", k, i, debye[k][i], c)
			}
		}
	}
}
