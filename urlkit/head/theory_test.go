package head

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/mat"

	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
)

func normals(seed uint64, n int) []float64 {
	r := rand.New(rand.NewPCG(seed, 0))
	out := make([]float64, n)
	for i := range out {
		out[i] = r.NormFloat64()
	}
	return out
}

func storeOf(t *testing.T, weights map[string]*tensors.Tensor) *model.Store {
	t.Helper()
	s := model.NewStore()
	for name, value := range weights {
		if _, err := s.Scope(nn.ModelScope).CreateVariable(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SetRNGStateFromSeed(1); err != nil {
		t.Fatal(err)
	}
	return s
}

func goDevice(t *testing.T) *device.Device {
	t.Helper()
	d, err := device.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// With one draw, an identity for a classifier and a class that ignores the embedding,
// differences of log-probabilities are the noisy embedding itself. Its covariance is
// V Vᵀ + diag(δ) in the paper, V Vᵀ + √δ√δᵀ in the original.
func TestHETXLNoiseCovariance(t *testing.T) {
	const batch, features, rank = 40000, 2, 1
	x := []float64{0.5, -1}
	big := normals(3, features*features*(rank+1))
	project := func(column int) (sum float64) {
		for i, v := range x {
			sum += v * big[i*features*(rank+1)+column]
		}
		return sum
	}
	var v, delta [features]float64
	for i := range features {
		v[i], delta[i] = project(i), math.Log1p(math.Exp(project(features+i)))
	}
	var rows []float64
	for range batch {
		rows = append(rows, x...)
	}
	temperature := math.Log(math.E - 1) // softplus of it is 1
	for _, semantic := range []semantics.Semantics{semantics.Original, semantics.Corrected} {
		s := storeOf(t, map[string]*tensors.Tensor{
			"fc.C":         tensors.FromFlatDataAndDimensions(big, features, features*(rank+1)),
			"fc.temp":      tensors.FromScalar(temperature),
			"fc.fc.weight": tensors.FromValue([][]float64{{0, 0}, {1, 0}, {0, 1}}),
			"fc.fc.bias":   tensors.FromValue([]float64{0, 0, 0}),
		})
		exec := model.MustNewExec(goDevice(t).Backend, s, func(scope *model.Scope, x *Node) *Node {
			out := HETXL(nn.NewContext(scope, dtypes.Float64, true), "fc", x, 3, HETXLConfig{Rank: rank, Samples: 1, Semantics: semantic})
			return Sub(Slice(out.Logits, AxisRange(), AxisRange(1)), Slice(out.Logits, AxisRange(), AxisRange(0, 1)))
		})
		got := devicetest.Call(t, exec, dtypes.Float64, []devicetest.Array{{Dims: []int{batch, features}, Values: rows}})[0]
		exec.Finalize()
		for i := range features {
			for j := range features {
				want := v[i] * v[j]
				if semantic == semantics.Original {
					want += math.Sqrt(delta[i] * delta[j])
				} else if i == j {
					want += delta[i]
				}
				sum, squares := 0.0, 0.0
				for b := range batch {
					p := (got[b*features+i] - x[i]) * (got[b*features+j] - x[j])
					sum, squares = sum+p/batch, squares+p*p/batch
				}
				if se := math.Sqrt((squares - sum*sum) / batch); math.Abs(sum-want) > 5*se {
					t.Errorf("%s: covariance of coordinates %d and %d is %g, want %g ± %g", semantic, i, j, sum, want, se)
				}
			}
		}
	}
}

// The head's predictions in both forms against the definition, draw by draw.
func TestHETXLAgainstLoops(t *testing.T) {
	const batch, features, rank, classes, samples = 3, 4, 2, 5, 6
	x, big, w, b := normals(1, batch*features), normals(2, features*features*(rank+1)), normals(3, classes*features), normals(4, classes)
	z := normals(5, batch*samples*rank)
	for _, semantic := range []semantics.Semantics{semantics.Original, semantics.Corrected} {
		own := 1 // how many diagonal draws a sample has
		if semantic == semantics.Corrected {
			own = features
		}
		e := normals(6, batch*samples*own)
		var want []float64
		for i := range batch {
			p := make([]float64, features*(rank+1))
			for j := range p {
				for k := range features {
					p[j] += x[i*features+k] * big[k*len(p)+j]
				}
			}
			mean := make([]float64, classes)
			for s := range samples {
				logits := append([]float64(nil), b...)
				total := 0.0
				for c := range classes {
					for k := range features {
						noise := math.Sqrt(math.Log1p(math.Exp(p[features*rank+k]))) * e[(i*samples+s)*own+k%own]
						for r := range rank {
							noise += p[k*rank+r] * z[(i*samples+s)*rank+r]
						}
						logits[c] += w[c*features+k] * (x[i*features+k] + noise)
					}
					logits[c] /= math.Log1p(math.E) // softplus(1)
					total += math.Exp(logits[c])
				}
				for c := range classes {
					mean[c] += math.Exp(logits[c]) / total / samples
				}
			}
			for _, m := range mean {
				want = append(want, math.Log(m))
			}
		}
		s := storeOf(t, map[string]*tensors.Tensor{
			"fc.C":         tensors.FromFlatDataAndDimensions(big, features, features*(rank+1)),
			"fc.fc.weight": tensors.FromFlatDataAndDimensions(w, classes, features),
			"fc.fc.bias":   tensors.FromFlatDataAndDimensions(b, classes),
		})
		exec := model.MustNewExec(goDevice(t).Backend, s, func(scope *model.Scope, x, e, z *Node) *Node {
			ctx := nn.NewContext(scope, dtypes.Float64, true)
			ctx.Random = &recorded{[]*Node{e, z}}
			return HETXL(ctx, "fc", x, classes, HETXLConfig{Rank: rank, Samples: samples, Semantics: semantic}).Logits
		})
		got := devicetest.Call(t, exec, dtypes.Float64, []devicetest.Array{
			{Dims: []int{batch, features}, Values: x}, {Dims: []int{batch, samples, own}, Values: e}, {Dims: []int{batch, samples, rank}, Values: z}})[0]
		exec.Finalize()
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-12*math.Abs(want[i]) {
				t.Errorf("%s: log-probability %d is %.15g, want %.15g", semantic, i, got[i], want[i])
			}
		}
	}
}

// Random Fourier features approximate the Gaussian kernel (Rahimi and Recht, 2007,
// claim 1): 2/M φ(x)·φ(y) → exp(-|x-y|²/2).
func TestRandomFeaturesApproximateTheKernel(t *testing.T) {
	const features, m = 3, 2048
	x := normals(7, 2*features)
	distance := 0.0
	for i := range features {
		distance += (x[i] - x[features+i]) * (x[i] - x[features+i])
	}
	for _, kernelScale := range []float64{1, 4} {
		s := storeOf(t, nil)
		// An output weight of one row picks the features themselves out of the head.
		exec := model.MustNewExec(goDevice(t).Backend, s, func(scope *model.Scope, x *Node) *Node {
			c := nn.NewContext(scope, dtypes.Float64, true)
			GP(c, "fc", x, 1, GPConfig{Inducing: m, KernelScale: kernelScale})
			w, b := weight(s, "fc._random_feature.weight", x), weight(s, "fc._random_feature.bias", x)
			phi := Cos(Add(nn.MatMulT(c, MulScalar(x, 1/math.Sqrt(kernelScale)), w), ExpandLeftToRank(b, 2)))
			return MulScalar(MatMul(phi, TransposeAllAxes(phi, 1, 0)), 2.0/m)
		})
		got := devicetest.Call(t, exec, dtypes.Float64, []devicetest.Array{{Dims: []int{2, features}, Values: x}})[0]
		exec.Finalize()
		for i, want := range []float64{1, math.Exp(-distance / 2 / kernelScale), math.Exp(-distance / 2 / kernelScale), 1} {
			if math.Abs(got[i]-want) > 5/math.Sqrt(2*m) {
				t.Errorf("kernel scale %g: kernel %d is %g, want %g", kernelScale, i, got[i], want)
			}
		}
	}
}

// Corrected, with the exact sum: the head's variance is that of Gaussian process
// regression with the kernel φ·φ on everything seen since the reset, by the dual
// formula k(x,x) - k(x,X) (K + ridge I)⁻¹ k(X,x). Original: nothing is collected.
func TestGPPosterior(t *testing.T) {
	const batch, batches, features, m, classes, ridge = 5, 3, 4, 12, 2, 0.3
	train, test := normals(8, batch*batches*features), normals(9, batch*features)
	for _, semantic := range []semantics.Semantics{semantics.Corrected, semantics.Original} {
		cfg := GPConfig{Inducing: m, NormalizeInput: true, Discount: -1, Ridge: ridge, Semantics: semantic}
		s := storeOf(t, nil)
		graph := func(training bool) *model.Exec {
			exec := model.MustNewExec(goDevice(t).Backend, s, func(scope *model.Scope, x *Node) []*Node {
				c := nn.NewContext(scope, dtypes.Float64, training)
				logits := GP(c, "fc", x, classes, cfg)
				normed := nn.LayerNorm(c.In("fc").In("_input_norm_layer"), x, 1e-5)
				phi := Cos(Add(nn.MatMulT(c, normed, weight(s, "fc._random_feature.weight", x)), ExpandLeftToRank(weight(s, "fc._random_feature.bias", x), 2)))
				beta := weight(s, "fc._gp_output_layer.weight", x)
				return []*Node{logits, phi, nn.MatMulT(c, phi, beta)}
			})
			t.Cleanup(exec.Finalize)
			return exec
		}
		fit, predict := graph(true), graph(false)
		rows := func(x []float64) []devicetest.Array {
			return []devicetest.Array{{Dims: []int{batch, features}, Values: x}}
		}
		devicetest.Call(t, fit, dtypes.Float64, rows(test)) // of an earlier epoch
		if err := ResetPrecision(s, "fc"); err != nil {
			t.Fatal(err)
		}
		seen := mat.NewDense(batch*batches, m, nil)
		for b := range batches {
			phi := devicetest.Call(t, fit, dtypes.Float64, rows(train[b*batch*features:(b+1)*batch*features]))[1]
			for i := range batch {
				seen.SetRow(b*batch+i, phi[i*m:(i+1)*m])
			}
		}
		if err := UpdateCovariance(s, "fc", cfg); err != nil {
			t.Fatal(err)
		}
		got := devicetest.Call(t, predict, dtypes.Float64, rows(test))
		var kernel mat.Dense
		kernel.Mul(seen, seen.T())
		for i := range batch * batches {
			kernel.Set(i, i, kernel.At(i, i)+ridge)
		}
		for i := range batch {
			phi := mat.NewVecDense(m, got[1][i*m:(i+1)*m])
			var k, solved mat.VecDense
			k.MulVec(seen, phi)
			if err := solved.SolveVec(&kernel, &k); err != nil {
				t.Fatal(err)
			}
			variance := mat.Dot(phi, phi) - mat.Dot(&k, &solved)
			for c := range classes {
				want := got[2][i*classes+c] / math.Sqrt(1+variance)
				right := math.Abs(got[0][i*classes+c]-want) < 1e-9*math.Abs(want)
				if right != (semantic == semantics.Corrected) {
					t.Errorf("%s: logit %d of example %d is %g, the Gaussian process says %g", semantic, c, i, got[0][i*classes+c], want)
				}
			}
		}
		precision := tensors.MustCopyFlatData[float64](s.GetVariable(nn.ModelScope + "/fc._gp_cov_layer.precision_matrix").MustValue())
		if collected := precision[0] != 0; collected != (semantic == semantics.Corrected) {
			t.Errorf("%s: precision[0, 0] = %g after training", semantic, precision[0])
		}
	}
}

// Before anything was seen the corrected head's variance is the prior's, φ·φ.
func TestGPPrior(t *testing.T) {
	const m, ridge = 16, 0.25
	s := storeOf(t, nil)
	exec := model.MustNewExec(goDevice(t).Backend, s, func(scope *model.Scope, x *Node) []*Node {
		c := nn.NewContext(scope, dtypes.Float64, false)
		GP(c, "fc", x, 2, GPConfig{Inducing: m, Ridge: ridge, Semantics: semantics.Corrected})
		phi := x
		return []*Node{PredictiveVariance(phi, weight(s, "fc._gp_cov_layer.covariance_matrix", x), ridge), ReduceAllSum(Square(phi))}
	})
	defer exec.Finalize()
	got := devicetest.Call(t, exec, dtypes.Float64, []devicetest.Array{{Dims: []int{1, m}, Values: normals(1, m)}})
	if math.Abs(got[0][0]-got[1][0]) > 1e-12*got[1][0] {
		t.Errorf("variance %g, want the prior's %g", got[0][0], got[1][0])
	}
}

func TestInvertPrecisionRefuses(t *testing.T) {
	if _, err := InvertPrecision([]float64{1, 2, 3}, 2, 1); err == nil {
		t.Error("three numbers are taken for a 2x2 matrix")
	}
	if _, err := InvertPrecision([]float64{math.NaN()}, 1, 1); err == nil {
		t.Error("NaN is inverted")
	}
	if _, err := InvertPrecision([]float64{-2}, 1, 1); err == nil {
		t.Error("a negative precision is inverted")
	}
}

// A seed gives the same random features again, another name other ones.
func TestOrthogonalFeaturesAreSeeded(t *testing.T) {
	draw := func(seed int64, name string) float64 {
		s := storeOf(t, nil)
		if err := s.SetRNGStateFromSeed(seed); err != nil {
			t.Fatal(err)
		}
		_, err := model.CallOnce(goDevice(t).Backend, s, func(scope *model.Scope, x *Node) *Node {
			return GP(nn.NewContext(scope, dtypes.Float32, true), name, x, 2, GPConfig{Inducing: 8})
		}, [][]float32{{1, 2, 3}})
		if err != nil {
			t.Fatal(err)
		}
		return float64(tensors.MustCopyFlatData[float32](s.GetVariable(nn.ModelScope + "/" + name + "._random_feature.weight").MustValue())[0])
	}
	first := draw(1, "fc")
	if again := draw(1, "fc"); again != first {
		t.Errorf("seed 1 gives %g, then %g", first, again)
	}
	if draw(2, "fc") == first || draw(1, "head") == first {
		t.Error("another seed or name gives the same features")
	}
}

func TestEnsembleAndPasses(t *testing.T) {
	const classes, heads = 3, 2
	s := storeOf(t, map[string]*tensors.Tensor{
		"classifier.shallow_classifiers.weight": tensors.FromValue([][]float64{{0}, {1}, {2}, {3}, {4}, {5}}),
		"classifier.shallow_classifiers.bias":   tensors.FromValue([]float64{0, 0, 0, 0, 0, 100}),
	})
	exec := model.MustNewExec(goDevice(t).Backend, s, func(scope *model.Scope, x *Node) []*Node {
		stacked, last := Passes(heads, func(pass int) (logits, embedding *Node) {
			return AddScalar(x, float64(pass)), MulScalar(x, float64(pass))
		})
		return []*Node{Ensemble(nn.NewContext(scope, dtypes.Float64, true), x, classes, heads), stacked, last}
	})
	defer exec.Finalize()
	got := devicetest.Call(t, exec, dtypes.Float64, []devicetest.Array{{Dims: []int{2, 1}, Values: []float64{1, 10}}})
	for i, want := range [][]float64{
		{0, 1, 2, 0, 10, 20, 3, 4, 105, 30, 40, 150}, // [heads, batch, classes]
		{1, 10, 2, 11},
		{1, 10},
	} {
		for j := range want {
			if got[i][j] != want[j] {
				t.Errorf("output %d: %v, want %v", i, got[i], want)
				break
			}
		}
	}
}
