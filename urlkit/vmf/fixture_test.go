package vmf

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/internal/fixture"
	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/semantics"
)

var bothTypes = []dtypes.DType{dtypes.Float64, dtypes.Float32}

func inputs(t *testing.T, c fixture.Case, names ...string) []devicetest.Array {
	var in []devicetest.Array
	for _, n := range names {
		in = append(in, devicetest.FromTensor(c.Tensor(t, n)))
	}
	return in
}

func TestNormConstFixture(t *testing.T) {
	const rel = "math/vmf_norm_const.safetensors"
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		for _, c := range fixture.Open(t, rel).Cases() {
			var meta struct{ Dim int }
			c.Meta(t, &meta)
			switch c.Family() {
			case "poly_d", "bessel_d":
			default:
				t.Fatalf("%s: unknown family %q of case %s", rel, c.Family(), c.Name)
			}
			for _, dtype := range bothTypes {
				t.Run(c.Name+"/"+dtype.String(), func(t *testing.T) {
					label := fmt.Sprintf("%s %s", d.Kind, dtype)
					value, slope := fixture.Rel(1e-9), fixture.Rel(1e-9)
					if dtype == dtypes.Float32 {
						value, slope = fixture.Tolerance{Rel: 1e-5, Abs: 1e-4}, fixture.Tolerance{Rel: 1e-4, Abs: 1e-6}
					}
					got := devicetest.Run(t, d, dtype, inputs(t, c, "in.kappa"), func(in []*Node) []*Node {
						y := LogNormConst(in[0], meta.Dim, semantics.Original)
						return []*Node{y, Gradient(ReduceAllSum(y), in[0])[0]}
					})
					want := c.Tensor(t, "out.value").Float64s()
					if c.Family() == "poly_d" {
						c.Compare(t, "out.value", label, got[0], value)
						c.Compare(t, "grad.kappa", label, got[1], slope)
						return
					}
					// The original has no number where it fails; the graph has the right one.
					for i, w := range want {
						if math.IsNaN(w) || math.IsInf(w, 0) {
							want[i] = got[0][i]
							if math.IsNaN(got[0][i]) || math.IsInf(got[0][i], 0) {
								t.Errorf("element %d is %g, want a finite number", i, got[0][i])
							}
						}
					}
					c.CompareTo(t, "out.value", label, got[0], want, value)
				})
			}
		}
	})
}

func TestOriginalLogNormFixture(t *testing.T) {
	const rel = "math/vmf_norm_const.safetensors"
	for _, c := range fixture.Open(t, rel).Cases() {
		if c.Family() != "bessel_d" {
			continue
		}
		var meta struct{ Dim int }
		c.Meta(t, &meta)
		var values, statuses []float64
		for _, kappa := range c.Tensor(t, "in.kappa").Float64s() {
			v, err := OriginalLogNorm(kappa, meta.Dim)
			var s Status
			errors.As(err, &s)
			values, statuses = append(values, v), append(statuses, float64(s))
		}
		c.Compare(t, "out.value", "plain float64", values, fixture.Rel(1e-10))
		c.Compare(t, "out.status", "plain float64", statuses, fixture.Abs(0))
	}
}

func TestSamplerFixture(t *testing.T) {
	const rel = "math/vmf_sampler.safetensors"
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		for _, c := range fixture.Open(t, rel).Cases() {
			t.Run(c.Name, func(t *testing.T) {
				switch c.Family() {
				case "trace":
					traceCase(t, d, c)
				case "stat_d":
					statCase(t, d, c)
				case "statvec_d":
					statvecCase(t, d, c)
				default:
					t.Fatalf("%s: unknown family %q of case %s", rel, c.Family(), c.Name)
				}
			})
		}
	})
}

// traceCase repeats the original's draws from its own proposals.
func traceCase(t *testing.T, d *device.Device, c fixture.Case) {
	in := inputs(t, c, "in.mu", "in.kappa", "in.normal")
	n, batch, dim := in[2].Dims[0], in[0].Dims[0], in[0].Dims[1]
	if dim == 3 {
		in = append(in, devicetest.FromTensor(c.Tensor(t, "in.uniform")).Reshape(n, batch))
	} else {
		for _, name := range []string{"in.trial_e", "in.trial_u"} {
			x := devicetest.FromTensor(c.Tensor(t, name))
			in = append(in, x.Reshape(x.Dims[0], n, batch))
		}
	}
	for _, dtype := range bothTypes {
		label := fmt.Sprintf("%s %s", d.Kind, dtype)
		tol := fixture.Tolerance{Rel: 1e-9, Abs: 1e-12}
		if dtype == dtypes.Float32 {
			tol = fixture.Tolerance{Rel: 1e-4, Abs: 1e-5}
		}
		got := devicetest.Run(t, d, dtype, in, func(in []*Node) []*Node {
			mu, kappa := in[0], in[1]
			draws := RecordedDraws{Full: in[2], U: in[3]}
			if dim != 3 {
				draws.E, draws.U = in[3], in[4]
			}
			w, _ := Cosines(draws, kappa, dim, n, semantics.Original)
			out := []*Node{w, Sample(draws, mu, kappa, n, semantics.Original)}
			if dim != 3 {
				b, y0 := envelope(kappa, dim, semantics.Original)
				out = append(out, b, accepted(draws, b, y0, dim, n))
			}
			return out
		})
		c.Compare(t, "out.w", label, got[0], tol)
		c.Compare(t, "out.z", label, got[1], tol)
		if dim == 3 {
			continue
		}
		// An infinite κ has no envelope (the original's b is NaN) and takes what comes.
		wantB, wantE := c.Tensor(t, "out.b").Float64s(), c.Tensor(t, "out.e").Float64s()
		for i, k := range in[1].Values {
			if math.IsInf(k, 0) {
				wantB[i] = got[2][i]
				for j := i; j < len(wantE); j += batch {
					wantE[j] = got[3][j]
				}
			}
		}
		c.CompareTo(t, "out.b", label, got[2], wantB, tol)
		c.CompareTo(t, "out.e", label, got[3], wantE, fixture.Rel(1e-6))
	}
}

// statCase compares the distribution of w = zᵀμ with a million draws of the
// original, within 5 standard errors.
func statCase(t *testing.T, d *device.Device, c fixture.Case) {
	var meta struct {
		Dim    int
		Kappa  float64
		N      int
		Biased bool
	}
	c.Meta(t, &meta)
	w := cosines(t, d, meta.Dim, []float64{meta.Kappa}, statDraws(d), semantics.Original)[0]
	label := fmt.Sprintf("%s Float32, %d draws", d.Kind, len(w))
	m := momentsOf(w)
	seMean := math.Hypot(m.std/math.Sqrt(m.n), c.Scalar(t, "out.se_mean"))
	checkSE(t, c, "out.mean_cos", label, m.mean, c.Scalar(t, "out.mean_cos"), seMean)
	checkSE(t, c, "out.std_cos", label, m.std, c.Scalar(t, "out.std_cos"), m.seStd*math.Sqrt(1+m.n/float64(meta.N)))
	if !meta.Biased {
		checkSE(t, c, "out.theory_mean_cos", label, m.mean, c.Scalar(t, "out.theory_mean_cos"), m.std/math.Sqrt(m.n))
	}
	quantiles := c.Tensor(t, "out.quantiles").Float64s()
	for i, q := range c.Tensor(t, "in.q").Float64s() {
		below := 0
		for _, x := range w {
			if x <= quantiles[i] {
				below++
			}
		}
		se := math.Sqrt(q * (1 - q) * (1/m.n + 1/float64(meta.N)))
		checkSE(t, c, fmt.Sprintf("out.quantiles[%d]", i), label, float64(below)/m.n, q, se)
	}
	if theory := c.Scalar(t, "out.theory_mean_cos"); math.Abs(theory-A(meta.Kappa, meta.Dim)) > 1e-9*math.Abs(theory) {
		t.Errorf("A_%d(%g) = %.12g, want %.12g", meta.Dim, meta.Kappa, A(meta.Kappa, meta.Dim), theory)
	}
}

// statvecCase compares mean and covariance of whole vectors.
func statvecCase(t *testing.T, d *device.Device, c fixture.Case) {
	var meta struct {
		Dim   int
		Kappa float64
		N     int
	}
	c.Meta(t, &meta)
	n := statDraws(d)
	in := append(inputs(t, c, "in.mu"), devicetest.Array{Dims: []int{1}, Values: []float64{meta.Kappa}})
	z := sampleVectors(t, d, in, n, semantics.Original)
	label := fmt.Sprintf("%s Float32, %d draws", d.Kind, n)
	mean, cov, seCov := meanAndCov(z, meta.Dim)
	more := math.Sqrt(1 + float64(meta.N)/float64(n)) // both sides have an error
	wantMean, se := c.Tensor(t, "out.mean_vec").Float64s(), c.Tensor(t, "out.se_vec").Float64s()
	worst := 0.0
	for i, m := range mean {
		worst = math.Max(worst, math.Abs(m-wantMean[i])/(se[i]*more))
	}
	recordSE(t, c, "out.mean_vec", label, worst)
	worst = 0
	moreCov := math.Sqrt(1 + float64(n)/float64(meta.N))
	for i, w := range c.Tensor(t, "out.cov").Float64s() {
		worst = math.Max(worst, math.Abs(cov[i]-w)/(seCov[i]*moreCov))
	}
	recordSE(t, c, "out.cov", label, worst)
	resultant, along := 0.0, 0.0
	for i, m := range mean {
		resultant += m * m
		along += m * in[0].Values[i]
	}
	seLength := 0.0
	for _, s := range se {
		seLength = math.Max(seLength, s*more)
	}
	resultant = math.Sqrt(resultant)
	checkSE(t, c, "out.resultant", label, resultant, c.Scalar(t, "out.resultant"), seLength)
	checkSE(t, c, "out.cos_mean_mu", label, along/resultant, c.Scalar(t, "out.cos_mean_mu"), seLength)
}

// checkSE fails and notes where got is more than 5 standard errors from want.
func checkSE(t *testing.T, c fixture.Case, name, label string, got, want, se float64) {
	t.Helper()
	// The last term is what float32 leaves of numbers near 1.
	off := math.Max(0, math.Abs(got-want)-1e-7) / se
	recordSE(t, c, name, label, off)
	if off > 5 {
		t.Errorf("%s %s (%s): %.9g, want %.9g", c.Name, name, label, got, want)
	}
}

func recordSE(t *testing.T, c fixture.Case, name, label string, off float64) {
	t.Helper()
	pass := off <= 5
	fixture.Record(c.File.Rel, c.Name, name, label, "5 standard errors", off, pass)
	if !pass {
		t.Errorf("%s %s (%s) is %.3g standard errors off", c.Name, name, label, off)
	}
}
