package loss

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/semantics"
	"urlbench/urlkit/vmf"
)

// Loops over plain numbers that follow the papers' equations, as oracles for the
// corrected losses. They share no code with the graph functions but the scalar
// log C_D, which package vmf holds against a series.

type matrix [][]float64

func rows(a devicetest.Array) matrix {
	var m matrix
	w := a.Dims[len(a.Dims)-1]
	for i := 0; i < len(a.Values); i += w {
		m = append(m, a.Values[i:i+w])
	}
	return m
}

func dot(x, y []float64) float64 {
	s := 0.0
	for i := range x {
		s += x[i] * y[i]
	}
	return s
}

func unit(x []float64) []float64 {
	out := make([]float64, len(x))
	for i := range x {
		out[i] = x[i] / math.Sqrt(dot(x, x))
	}
	return out
}

// share is (1/|P(i)| Σ_{P(i)} exp t z_iᵀz_j) / Σ_{j≠i} exp t z_iᵀz_j.
func share(z matrix, i int, t float64) float64 {
	var up, count, down float64
	for j := range z {
		if j == i {
			continue
		}
		p := math.Exp(t * dot(z[i], z[j]))
		down += p
		if labels.Values[i] == labels.Values[j] {
			up += p
			count++
		}
	}
	return up / count / down
}

// sampleMatrices draws perRow's samples once, as the oracles' input.
func sampleMatrices(t *testing.T, d *device.Device) []matrix {
	in := arrays()
	flat := devicetest.Run(t, d, dtypes.Float64, in, func(in []*Node) []*Node {
		return []*Node{perRow(vmf.Direction(in[2]), Reciprocal(in[1]), samples)}
	})[0]
	all := rows(devicetest.Array{Dims: []int{samples, batch, dim}, Values: flat})
	var out []matrix
	for s := range samples {
		out = append(out, all[s*batch:(s+1)*batch])
	}
	return out
}

func TestCorrectedLosses(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		in := arrays()
		x, w := rows(in[2]), rows(in[3])
		z := sampleMatrices(t, d)
		cfgOf := map[string]Config{}
		for _, f := range funcs {
			cfgOf[f.name] = f.cfg
		}
		alone := func(i int) bool { // class 2 has one example
			return labels.Values[i] == 2
		}
		oracles := map[string]func(i int) float64{
			"InfoNCE": func(i int) float64 {
				var n matrix
				for _, row := range x {
					n = append(n, unit(row))
				}
				if alone(i) {
					return 0
				}
				return -math.Log(share(n, i, cfgOf["InfoNCE"].InvTemp))
			},
			"MCInfoNCE": func(i int) float64 {
				if alone(i) {
					return 0
				}
				mean := 0.0
				for s := range z {
					mean += share(z[s], i, cfgOf["MCInfoNCE"].InvTemp) / samples
				}
				return -math.Log(mean)
			},
			"HIB": func(i int) float64 {
				cfg := cfgOf["HIB"]
				var match, other, matches, others float64
				for j := range batch {
					p := 0.0
					for s := range z {
						p += 1 / (1 + math.Exp(-cfg.InvTemp*dot(z[s][i], z[s][j])-cfg.AddConst)) / samples
					}
					switch {
					case labels.Values[i] != labels.Values[j]:
						other, others = other-math.Log(1-p), others+1
					case i != j:
						match, matches = match-math.Log(p), matches+1
					}
				}
				if matches == 0 {
					return other / others
				}
				return match/matches + other/others
			},
			"ELK": func(i int) float64 {
				kappa := 1 / in[1].Values[i]
				var sims []float64
				for c := range w {
					k := cfgOf["ELK"].InvTemp * math.Max(1, math.Sqrt(dot(w[c], w[c])))
					sum := make([]float64, dim)
					for a := range sum {
						sum[a] = kappa*unit(x[i])[a] + k*unit(w[c])[a]
					}
					sims = append(sims, vmf.LogNorm(kappa, dim)+vmf.LogNorm(k, dim)-vmf.LogNorm(math.Sqrt(dot(sum, sum)), dim))
				}
				return nll(sims, int(labels.Values[i]))
			},
			"NivMF": func(i int) float64 {
				k := cfgOf["NivMF"].InvTemp
				var sims []float64
				for c := range w {
					r := k // K is k in every dimension
					likelihood := 0.0
					for s := range z {
						likelihood += math.Exp(vmf.LogNorm(r, dim)+r*dot(z[s][i], unit(w[c]))+dim*math.Log(k)-2*math.Log(r)) / samples
					}
					sims = append(sims, math.Log(likelihood))
				}
				return nll(sims, int(labels.Values[i]))
			},
		}
		for _, f := range funcs {
			oracle := oracles[f.name]
			if oracle == nil {
				continue
			}
			got := devicetest.Run(t, d, dtypes.Float64, append(in, labels), func(in []*Node) []*Node {
				cfg := f.cfg
				cfg.Sampler = perRow
				return []*Node{
					formula(f.name, contextIn(dtypes.Float64), batchIn(in), cfg, semantics.Corrected),
					formula(f.name, contextIn(dtypes.Float64), batchIn(in), cfg, semantics.Original),
				}
			})
			differs := false
			for i := range batch {
				want := oracle(i)
				if math.Abs(got[0][i]-want) > 1e-10*(1+math.Abs(want)) {
					t.Errorf("%s: example %d has loss %.12g, the paper's equation gives %.12g", f.name, i, got[0][i], want)
				}
				differs = differs || math.Abs(got[1][i]-want) > 1e-3
			}
			// ELK has no curve to go wrong in 5 dimensions, and nivMF's slip is a factor that
			// all classes share while K is uniform.
			if !differs && f.name != "ELK" && f.name != "NivMF" {
				t.Errorf("%s: the original semantics gives the paper's values: its slip is gone", f.name)
			}
		}
	})
}

func nll(sims []float64, label int) float64 {
	sum := 0.0
	for _, s := range sims {
		sum += math.Exp(s - sims[label])
	}
	return math.Log(sum)
}

// TestNivMFDimension shows the slip where K is not uniform: the corrected similarity
// has log C_D of the embedding's dimension, the original's that of 10.
func TestNivMFDimension(t *testing.T) {
	d, err := device.Open()
	if err != nil {
		t.Fatal(err)
	}
	in := arrays()
	k := wave(5, classes, dim)
	for i, v := range k.Values {
		k.Values[i] = 1 + v*v*10
	}
	k.Values[3] = .01 // counts as 0.1
	z := sampleMatrices(t, d)
	cfg := Config{InvTemp: 7, Samples: samples, Sampler: perRow}
	for _, s := range both {
		cfg.Semantics = s
		got := devicetest.Run(t, d, dtypes.Float64, append(in, k), func(in []*Node) []*Node {
			z := perRow(vmf.Direction(in[2]), Reciprocal(in[1]), samples)
			return []*Node{AddScalar(nivmfSimilarity(z, in[3], in[4], cfg), nivmfOffset(dim, cfg))}
		})[0]
		w, table := rows(in[3]), rows(k)
		for i := range batch {
			for c := range classes {
				m, logDet := make([]float64, dim), 0.0
				for a := range m {
					concentration := math.Max(table[c][a], .1)
					m[a] = unit(w[c])[a] * concentration
					logDet += math.Log(concentration)
				}
				r := math.Sqrt(dot(m, m))
				logC := vmf.LogNorm(r, dim)
				if s == semantics.Original { // the curve for 10 dimensions
					logC = -1.27184 + .67365*r - .98726*math.Pow(r, 1.1)
				}
				likelihood := 0.0
				for n := range z {
					likelihood += math.Exp(logC+dot(z[n][i], m)+logDet-2*math.Log(r)) / samples
				}
				if want := math.Log(likelihood); math.Abs(got[i*classes+c]-want) > 1e-10*(1+math.Abs(want)) {
					t.Errorf("%s: sim(%d, %d) = %.12g, want %.12g", s, i, c, got[i*classes+c], want)
				}
			}
		}
	}
}

// TestRiskpred checks values and gradients by hand: logits see cross-entropy only.
func TestRiskpred(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		in := append(arrays(), labels)
		got := devicetest.Run(t, d, dtypes.Float64, in, func(in []*Node) []*Node {
			risk := Riskpred(contextIn(dtypes.Float64), batchIn(in), Config{Lambda: .5})
			plain := CrossEntropy(contextIn(dtypes.Float64), batchIn(in), Config{})
			out := append([]*Node{risk, plain}, Gradient(ReduceAllSum(risk), in[0], in[1])...)
			return append(out, Gradient(ReduceAllSum(plain), in[0])...)
		})
		for i, ce := range got[1] {
			if want := nll(rows(in[0])[i], int(labels.Values[i])); math.Abs(ce-want) > 1e-12 {
				t.Errorf("cross-entropy %g, want %g", ce, want)
			}
			miss := in[1].Values[i] - ce
			if want := ce + .5*miss*miss; math.Abs(got[0][i]-want) > 1e-12 {
				t.Errorf("example %d: %g, want %g", i, got[0][i], want)
			}
			if want := miss; math.Abs(got[3][i]-want) > 1e-12 { // 2 λ (unc - CE)
				t.Errorf("example %d: gradient of the uncertainty %g, want %g", i, got[3][i], want)
			}
		}
		for i, g := range got[2] {
			if math.Abs(g-got[4][i]) > 1e-15 {
				t.Errorf("gradient of logit %d is %g, cross-entropy's is %g", i, g, got[4][i])
			}
		}
	})
}
