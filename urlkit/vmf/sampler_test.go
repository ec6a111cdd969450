package vmf

import (
	"fmt"
	"math"
	"sort"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
)

// statDraws is how many draws a statistical test takes.
func statDraws(d *device.Device) int {
	if d.Kind == device.PureGo {
		return 10000
	}
	return 40000
}

// random runs a graph that draws random numbers from a fixed seed.
func random(t testing.TB, d *device.Device, in []devicetest.Array, fn func(r nn.Random, in []*Node) []*Node) [][]float64 {
	t.Helper()
	store := model.NewStore()
	t.Cleanup(store.Finalize)
	if err := store.SetRNGStateFromSeed(4); err != nil {
		t.Fatal(err)
	}
	exec, err := model.NewExec(d.Backend, store, func(scope *model.Scope, in []*Node) []*Node {
		return fn(nn.ScopeRandom{Scope: scope}, in)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exec.Finalize)
	return devicetest.Call(t, exec, dtypes.Float32, in)
}

// cosines draws n values of w for each kappa.
func cosines(t testing.TB, d *device.Device, dim int, kappas []float64, n int, s semantics.Semantics) [][]float64 {
	t.Helper()
	w, _ := cosinesAndAngles(t, d, dim, kappas, n, s)
	return w
}

// cosinesAndAngles draws n values of w = cos θ, and θ, for each kappa.
func cosinesAndAngles(t testing.TB, d *device.Device, dim int, kappas []float64, n int, s semantics.Semantics) (cosines, angles [][]float64) {
	t.Helper()
	in := []devicetest.Array{{Dims: []int{len(kappas)}, Values: kappas}}
	flat := random(t, d, in, func(r nn.Random, in []*Node) []*Node {
		w, across := Cosines(RandomDraws{r}, in[0], dim, n, s)
		return []*Node{w, across}
	})
	cosines, angles = make([][]float64, len(kappas)), make([][]float64, len(kappas))
	for i, w := range flat[0] {
		k := i % len(kappas)
		cosines[k] = append(cosines[k], w)
		angles[k] = append(angles[k], math.Atan2(flat[1][i], w))
	}
	return cosines, angles
}

// sampleVectors draws n vectors of one distribution: mu [1, D], kappa [1] -> [n, D].
func sampleVectors(t testing.TB, d *device.Device, in []devicetest.Array, n int, s semantics.Semantics) []float64 {
	t.Helper()
	return random(t, d, in, func(r nn.Random, in []*Node) []*Node {
		return []*Node{NewSampler(r, s)(in[0], in[1], n)}
	})[0]
}

type moments struct{ n, mean, std, seStd float64 }

func momentsOf(x []float64) moments {
	m := moments{n: float64(len(x))}
	for _, v := range x {
		m.mean += v / m.n
	}
	var second, fourth float64
	for _, v := range x {
		square := (v - m.mean) * (v - m.mean)
		second += square / m.n
		fourth += square * square / m.n
	}
	m.std = math.Sqrt(second)
	m.seStd = math.Sqrt((fourth-second*second)/m.n) / (2 * m.std)
	return m
}

// meanAndCov of rows of length dim, and the covariances' standard errors.
func meanAndCov(z []float64, dim int) (mean, cov, se []float64) {
	n := float64(len(z) / dim)
	mean, cov, se = make([]float64, dim), make([]float64, dim*dim), make([]float64, dim*dim)
	for i, v := range z {
		mean[i%dim] += v / n
	}
	for r := 0; r < len(z); r += dim {
		for i := range dim {
			for j := range dim {
				p := (z[r+i] - mean[i]) * (z[r+j] - mean[j])
				cov[i*dim+j] += p / n
				se[i*dim+j] += p * p / n
			}
		}
	}
	for i, c := range cov {
		se[i] = math.Sqrt((se[i] - c*c) / n)
	}
	return mean, cov, se
}

// density tabulates the distribution of the angle θ between a draw and μ, whose
// density is proportional to sin^{D-2} θ exp(κ cos θ), by the trapezoidal rule: an
// oracle that shares nothing with the sampler. Angles, not cosines: a float32 has no
// room for the latter beside 1.
type density []float64

func newDensity(dim int, kappa float64) density {
	const n = 400000
	logs := make([]float64, n+1)
	top := math.Inf(-1)
	for i := range logs {
		theta := math.Pi * float64(i) / n
		logs[i] = kappa * math.Cos(theta)
		if dim > 2 {
			logs[i] += float64(dim-2) * math.Log(math.Sin(theta))
		}
		top = math.Max(top, logs[i])
	}
	cdf := make(density, n+1)
	for i := 1; i <= n; i++ {
		cdf[i] = cdf[i-1] + (math.Exp(logs[i]-top)+math.Exp(logs[i-1]-top))/2
	}
	total := cdf[n]
	for i := range cdf {
		cdf[i] /= total
	}
	return cdf
}

// at returns P(θ <= x).
func (d density) at(x float64) float64 {
	place := x / math.Pi * float64(len(d)-1)
	i := min(int(place), len(d)-2)
	return d[i] + (place-float64(i))*(d[i+1]-d[i])
}

// TestCorrectedSampler holds the distribution of w = cos θ against theory: the mean
// A_D(κ) by an independent series, the variance 1 - A² - (D-1)/κ A (Mardia and Jupp
// 2000, eq. 9.3.17), and the whole distribution by Kolmogorov's statistic.
func TestCorrectedSampler(t *testing.T) {
	kappas := []float64{1e-2, 1, 9, 10.5, 12, 100, 1000, 1e4}
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		n := statDraws(d) / 2
		for _, dim := range []int{2, 3, 4, 5, 8, 64, 512, 2048} {
			cosines, angles := cosinesAndAngles(t, d, dim, kappas, n, semantics.Corrected)
			for i, w := range cosines {
				name := fmt.Sprintf("D=%d κ=%g", dim, kappas[i])
				m := momentsOf(w)
				_, a := seriesOracle(dim, kappas[i])
				if off := math.Abs(m.mean-a) - 1e-7; off > 5*m.std/math.Sqrt(m.n) {
					t.Errorf("%s: mean %.7g, want %.7g", name, m.mean, a)
				}
				std := math.Sqrt(1 - a*a - float64(dim-1)/kappas[i]*a)
				if kappas[i] < 1 { // the formula cancels
					std = m.std
				}
				if math.Abs(m.std-std) > 5*m.seStd+1e-7 {
					t.Errorf("%s: standard deviation %.7g, want %.7g", name, m.std, std)
				}
				if math.IsNaN(m.mean) || math.IsNaN(m.std) {
					t.Errorf("%s: NaN among the draws", name)
				}
				if k := kolmogorov(angles[i], newDensity(dim, kappas[i])); k > 2.74 { // as rare as 5 sigma
					t.Errorf("%s: Kolmogorov statistic %.3g", name, k)
				}
			}
		}
	})
}

func kolmogorov(angles []float64, d density) float64 {
	sort.Float64s(angles)
	n, worst := float64(len(angles)), 0.0
	for i, x := range angles {
		f := d.at(x)
		worst = math.Max(worst, math.Max(math.Abs(f-float64(i)/n), math.Abs(f-float64(i+1)/n)))
	}
	return worst * math.Sqrt(n)
}

// TestOriginalSamplerIsBiased shows the slip against theory, so that the corrected
// test above is known to see it.
func TestOriginalSamplerIsBiased(t *testing.T) {
	d := anyDevice(t)
	for _, c := range []struct {
		dim   int
		kappa float64
	}{{512, 12}, {512, 1000}, {2048, 1000}} {
		m := momentsOf(cosines(t, d, c.dim, []float64{c.kappa}, 10000, semantics.Original)[0])
		if off := math.Abs(m.mean-A(c.kappa, c.dim)) / (m.std / math.Sqrt(m.n)); off < 20 {
			t.Errorf("D=%d κ=%g: mean %g is only %g standard errors from A_D", c.dim, c.kappa, m.mean, off)
		}
	}
}

// TestAcceptance holds the bound that rounds is chosen by.
func TestAcceptance(t *testing.T) {
	d := anyDevice(t)
	kappas := []float64{1e-3, .1, 1, 3, 10, 30, 100, 300, 1e3, 1e4, 1e6}
	for _, dim := range []int{2, 4, 5, 8, 32, 128, 512, 2048} {
		rates := random(t, d, []devicetest.Array{{Dims: []int{len(kappas)}, Values: kappas}}, func(r nn.Random, in []*Node) []*Node {
			kappa := in[0]
			const n = 1000
			e, logU := RandomDraws{r}.Proposals(kappa.Graph(), dtypes.Float32, dim, n, len(kappas))
			var rates []*Node
			for _, s := range []semantics.Semantics{semantics.Original, semantics.Corrected} {
				b, y0 := envelope(kappa, dim, s)
				rates = append(rates, ReduceMean(acceptance(b, y0, e, logU, dim, dtypes.Float32), 0, 1))
			}
			return rates
		})
		for _, rate := range rates {
			for i, r := range rate {
				if r < .64 {
					t.Errorf("D=%d κ=%g: %g of the proposals are accepted, want at least 0.65", dim, kappas[i], r)
				}
			}
		}
	}
}

// acceptance is the share of accepted proposals by the textbook's rule, (D-1) log τ -
// τ + d > log u, in float64: [R, n, B] of 0 and 1.
func acceptance(b, y0, e, logU *Node, dim int, dtype dtypes.DType) *Node {
	to := func(x *Node) *Node { return ConvertDType(x, dtypes.Float64) }
	over := func(x *Node) *Node {
		return BroadcastToShape(Reshape(to(x), 1, 1, -1), shapes.Make(dtypes.Float64, e.Shape().Dimensions...))
	}
	m1 := float64(dim - 1)
	b, y0, e = over(b), over(y0), to(e)
	top := MulScalar(Mul(y0, OnePlus(b)), m1/2) // 2ab
	tau := Div(top, OneMinus(Mul(OneMinus(b), e)))
	d := AddScalar(Div(MulScalar(top, 2), OnePlus(b)), -m1*math.Log(m1))
	rule := Add(Sub(MulScalar(Log(tau), m1), tau), d)
	return ConvertDType(GreaterThan(rule, to(logU)), dtype)
}

func anyDevice(t testing.TB) *device.Device {
	t.Helper()
	d, err := device.Open()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestSampleGradient checks the gradient through the sampler by finite differences
// with the draws held fixed, also at μ near the first axis and in 3 dimensions.
func TestSampleGradient(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		for _, s := range []semantics.Semantics{semantics.Original, semantics.Corrected} {
			for _, dim := range []int{2, 3, 6} {
				const n, batch = 2, 3
				mu := wave(batch, dim)
				in := []devicetest.Array{mu, {Dims: []int{batch}, Values: []float64{.7, 10.4, 60}}}
				CheckRotated(t, d, in, n, s)
			}
		}
	})
}

// CheckRotated checks the gradient of a weighted sum of samples.
func CheckRotated(t *testing.T, d *device.Device, in []devicetest.Array, n int, s semantics.Semantics) {
	t.Helper()
	batch, dim := in[0].Dims[0], in[0].Dims[1]
	devicetest.CheckGradient(t, d, in, 1e-6, func(nodes []*Node) *Node {
		g := nodes[0].Graph()
		draws := RecordedDraws{
			E:    BroadcastToDims(Const(g, 0.4), 1, n, batch),
			Full: ramp(g, n, batch, dim),
		}
		if dim == 3 {
			draws.U = BroadcastToDims(Const(g, 0.3), n, batch)
		}
		z := Sample(draws, Direction(nodes[0]), nodes[1], n, s)
		return ReduceAllSum(Mul(z, Cos(MulScalar(ramp(g, n, batch, dim), 3))))
	})
}

// ramp is a fixed array of unlike numbers.
func ramp(g *Graph, dims ...int) *Node {
	shape := shapes.Make(dtypes.Float64, dims...)
	return AddScalar(Sin(MulScalar(IotaFull(g, shape), 1.7)), 0.3)
}

func wave(dims ...int) devicetest.Array {
	size := 1
	for _, d := range dims {
		size *= d
	}
	a := devicetest.Array{Dims: dims}
	for i := range size {
		a.Values = append(a.Values, math.Sin(2.3*float64(i)+1))
	}
	return a
}

// TestSampleEdges: an infinite κ gives μ itself, the gradient there and at μ = ±e1 is
// finite, and every sample has length 1.
func TestSampleEdges(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		mu := devicetest.Array{Dims: []int{4, 4}, Values: []float64{1, 0, 0, 0, -1, 0, 0, 0, .6, 0, .8, 0, 0, 1, 0, 0}}
		kappa := devicetest.Array{Dims: []int{4}, Values: []float64{3, 1e-3, math.Inf(1), 1e9}}
		for _, s := range []semantics.Semantics{semantics.Original, semantics.Corrected} {
			got := random(t, d, []devicetest.Array{mu, kappa}, func(r nn.Random, in []*Node) []*Node {
				z := NewSampler(r, s)(in[0], in[1], 5)
				return append([]*Node{Norm(z), SliceAxis(z, 1, AxisElem(2))}, Gradient(ReduceAllSum(z), in[0], in[1])...)
			})
			for i, length := range got[0] {
				if math.Abs(length-1) > 1e-5 {
					t.Errorf("%s: sample %d has length %g", s, i, length)
				}
			}
			for i, v := range got[1] {
				if math.Abs(v-mu.Values[8+i%4]) > 1e-6 {
					t.Errorf("%s: infinite κ gives %g, want %g", s, v, mu.Values[8+i%4])
				}
			}
			for _, grad := range got[2:] {
				for i, v := range grad {
					if math.IsNaN(v) || math.IsInf(v, 0) {
						t.Errorf("%s: gradient %d is %g", s, i, v)
					}
				}
			}
		}
	})
}
