package loss

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
	"urlbench/urlkit/vmf"
)

// The losses under test, on batches of 6 in 5 dimensions with 4 classes.
const batch, dim, classes, samples = 6, 5, 4, 3

var both = []semantics.Semantics{semantics.Original, semantics.Corrected}

var funcs = []struct {
	name string
	f    Func
	cfg  Config
	// rotates says that only angles between embeddings (and class weights) count.
	rotates bool
}{
	{"CrossEntropy", CrossEntropy, Config{Smoothing: .1}, true},
	{"Riskpred", Riskpred, Config{Lambda: .5}, true},
	{"InfoNCE", InfoNCE, Config{InvTemp: 3}, true},
	{"MCInfoNCE", MCInfoNCE, Config{InvTemp: 3, Samples: samples}, false},
	{"ELK", ELK, Config{InvTemp: 7}, true},
	{"NivMF", NivMF, Config{InvTemp: 7, Samples: samples}, false},
	{"HIB", HIB, Config{InvTemp: 3, AddConst: -.5, Samples: samples}, false},
}

// arrays are the floats of a batch, made up: logits, uncertainty, embedding,
// classifier.
func arrays() []devicetest.Array {
	in := []devicetest.Array{wave(1, batch, classes), wave(2, batch), wave(3, batch, dim), wave(4, classes, dim)}
	for i, u := range in[1].Values {
		in[1].Values[i] = .05 + .2*u*u
	}
	return in
}

func wave(phase float64, dims ...int) devicetest.Array {
	size := 1
	for _, d := range dims {
		size *= d
	}
	a := devicetest.Array{Dims: dims}
	for i := range size {
		a.Values = append(a.Values, 2*math.Sin(2.3*float64(i)+phase))
	}
	return a
}

var labels = devicetest.Array{Dims: []int{batch}, Values: []float64{0, 1, 0, 2, 1, 1}, Int: true}

func batchIn(in []*Node) Batch {
	return Batch{Logits: in[0], Uncertainty: in[1], Embedding: in[2], Classifier: in[3], Labels: in[4]}
}

func contextIn(dtype dtypes.DType) *nn.Context {
	return nn.NewContext(model.NewStore().RootScope(), dtype, true)
}

// perRow is a sampler whose draws for an embedding depend on the embedding only, by
// fixed random numbers.
func perRow(mu, kappa *Node, n int) *Node {
	g, b, d := mu.Graph(), mu.Shape().Dim(0), mu.Shape().Dim(1)
	shape := shapes.Make(mu.DType(), n, 1, d)
	normal := AddScalar(Sin(MulScalar(IotaFull(g, shape), 1.7)), 0.3)
	e := AddScalar(MulScalar(Sin(IotaFull(g, shapes.Make(mu.DType(), 1, n, 1))), 0.2), 0.5)
	draws := vmf.RecordedDraws{E: BroadcastToDims(e, 1, n, b), Full: BroadcastToDims(normal, n, b, d)}
	return vmf.Sample(draws, mu, kappa, n, semantics.Corrected)
}

// TestGradients checks every loss's gradients by finite differences, on the backend
// that compiles in no time; the fixtures hold both to the same gradients. Riskpred
// holds its target constant, which differences do not: see TestRiskpred.
func TestGradients(t *testing.T) {
	d, err := device.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range funcs {
		if f.name == "Riskpred" {
			continue
		}
		for _, s := range both {
			t.Run(f.name+"/"+s.String(), func(t *testing.T) {
				cfg := f.cfg
				cfg.Sampler = perRow
				cfg.SSL = f.name == "HIB" && s == semantics.Original // else a lone class is NaN
				devicetest.CheckGradient(t, d, append(arrays(), labels), 1e-6, func(in []*Node) *Node {
					return ReduceAllMean(formula(f.name, contextIn(dtypes.Float64), batchIn(in), cfg, s))
				})
			})
		}
	}
}

// formula is a loss of semantics s with its parameters as constants.
func formula(name string, c *nn.Context, b Batch, cfg Config, s semantics.Semantics) *Node {
	constant := func(v float64, dims ...int) *Node {
		return BroadcastToDims(Scalar(b.Embedding.Graph(), c.DType, v), dims...)
	}
	switch name {
	case "InfoNCE":
		x := vmf.Direction(b.Embedding)
		return infoNCE(x, constant(cfg.InvTemp), pairsOf(x, b.Labels, cfg), s)
	case "MCInfoNCE":
		z := cfg.draw(c, b)
		return mcInfoNCE(z, constant(cfg.InvTemp), pairsOf(z, b.Labels, cfg), s)
	case "HIB":
		z := cfg.draw(c, b)
		return hib(z, constant(cfg.InvTemp), constant(cfg.AddConst), pairsOf(z, b.Labels, cfg), s)
	case "NivMF":
		cfg.Semantics = s
		return smoothed(nivmfSimilarity(cfg.draw(c, b), b.Classifier, constant(cfg.InvTemp, b.Classifier.Shape().Dimensions...), cfg), b.Labels, 0)
	case "ELK":
		cfg.Semantics = s
		return ELK(c, b, cfg)
	case "Riskpred":
		return Riskpred(c, b, cfg)
	}
	return CrossEntropy(c, b, cfg)
}

// TestInvariances: a permuted batch permutes the losses, and where only angles count,
// a rotation of embeddings and class weights changes nothing.
func TestInvariances(t *testing.T) {
	order := []int{3, 0, 5, 1, 4, 2}
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		in := append(arrays(), labels)
		permuted := append([]devicetest.Array(nil), in...)
		for _, i := range []int{0, 1, 2, 4} {
			permuted[i] = permuteRows(in[i], order)
		}
		rotated := append([]devicetest.Array(nil), in...)
		rotated[2], rotated[3] = rotateRows(in[2]), rotateRows(in[3])
		run := devicetest.Compile(t, d, dtypes.Float64, func(in []*Node) []*Node {
			var out []*Node
			for _, f := range funcs {
				for _, s := range both {
					cfg := f.cfg
					cfg.Sampler = perRow
					out = append(out, formula(f.name, contextIn(dtypes.Float64), batchIn(in), cfg, s))
				}
			}
			return out
		})
		plain, shuffled, turned := run(in), run(permuted), run(rotated)
		for i := range plain {
			f, s := funcs[i/2], both[i%2]
			for j := range plain[i] {
				if got, want := shuffled[i][j], plain[i][order[j]]; math.Abs(got-want) > 1e-10*(1+math.Abs(want)) {
					t.Errorf("%s %s: permuted batch: example %d has loss %.12g, was %.12g", f.name, s, j, got, want)
				}
				if got, want := turned[i][j], plain[i][j]; f.rotates && math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
					t.Errorf("%s %s: rotated embeddings: example %d has loss %.12g, was %.12g", f.name, s, j, got, want)
				}
			}
		}
	})
}

func permuteRows(a devicetest.Array, order []int) devicetest.Array {
	out := devicetest.Array{Dims: a.Dims, Int: a.Int}
	row := len(a.Values) / a.Dims[0]
	for _, i := range order {
		out.Values = append(out.Values, a.Values[i*row:(i+1)*row]...)
	}
	return out
}

// rotateRows turns neighbouring axes one after the other.
func rotateRows(a devicetest.Array) devicetest.Array {
	out := devicetest.Array{Dims: a.Dims, Values: append([]float64(nil), a.Values...)}
	d := a.Dims[1]
	for r := 0; r < len(out.Values); r += d {
		for i := range d - 1 {
			sin, cos := math.Sincos(.7 + float64(i))
			x, y := out.Values[r+i], out.Values[r+i+1]
			out.Values[r+i], out.Values[r+i+1] = cos*x-sin*y, sin*x+cos*y
		}
	}
	return out
}

// TestParameters shows the slip: under the original semantics a loss has no trainable
// variable, under the corrected one it has the paper's, outside the model's scope, and
// with the start value that the constants have.
func TestParameters(t *testing.T) {
	want := map[string][]string{
		"InfoNCE": {"/loss/inv_temp"}, "MCInfoNCE": {"/loss/inv_temp"},
		"HIB": {"/loss/inv_temp", "/loss/add_const"}, "NivMF": {"/loss/kappa"},
	}
	d, err := device.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range funcs {
		for _, s := range both {
			store := model.NewStore()
			cfg := f.cfg
			cfg.Semantics, cfg.Sampler = s, perRow
			var gradients int
			exec, err := model.NewExec(d.Backend, store, func(scope *model.Scope, in []*Node) []*Node {
				c := nn.NewContext(scope, dtypes.Float64, true)
				c.Scope = store.Scope("/loss")
				y := f.f(c, batchIn(in), cfg)
				out := []*Node{y, formula(f.name, c, batchIn(in), cfg, s)}
				for v := range store.IterVariables() {
					if v.Trainable {
						out = append(out, Gradient(ReduceAllMean(y), v.NodeValue(y.Graph()))...)
						gradients++
					}
				}
				return out
			})
			if err != nil {
				t.Fatal(err)
			}
			got := devicetest.Call(t, exec, dtypes.Float64, append(arrays(), labels))
			names := want[f.name]
			if s == semantics.Original {
				names = nil
			}
			if gradients != len(names) {
				t.Errorf("%s %s: %d trainable variables, want %v", f.name, s, gradients, names)
			}
			for _, n := range names {
				if v := store.GetVariable(n); v == nil || !v.Trainable {
					t.Errorf("%s %s: no trainable variable %s", f.name, s, n)
				}
			}
			for i, y := range got[0] {
				if math.Abs(y-got[1][i]) > 1e-12*(1+math.Abs(y)) {
					t.Errorf("%s %s: example %d: %g with variables, %g with constants", f.name, s, i, y, got[1][i])
				}
			}
			for _, g := range got[2:] {
				moved := false
				for _, v := range g {
					moved = moved || v != 0 && !math.IsNaN(v)
				}
				if !moved {
					t.Errorf("%s %s: a parameter has no gradient", f.name, s)
				}
			}
			exec.Finalize()
			store.Finalize()
		}
	}
}

// TestFloat32IsSafe: in float32, with bfloat16 inputs as --amp makes them, values and
// gradients are finite where training can go: unlike scales, sure and unsure
// embeddings, embeddings of zeros, equal or opposite embeddings, no positive pair.
func TestFloat32IsSafe(t *testing.T) {
	const large = 600
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		in := []devicetest.Array{wave(1, batch, classes), wave(2, batch), wave(3, batch, large), wave(4, classes, large), labels}
		for i := range in[0].Values {
			in[0].Values[i] *= 100 // logits of ±200
		}
		copy(in[1].Values, []float64{1e-8, 1e-4, 1e-2, 1, 1e2, 1e4})
		e := in[2].Values
		for i := range large {
			e[large+i] = e[i]           // the same embedding twice
			e[2*large+i] = -e[i]        // its opposite
			e[3*large+i] = 0            // zeros
			e[4*large+i] = 1e4 * e[i]   // long
			in[3].Values[i] = -e[i]     // a class opposite to an embedding
			in[3].Values[large+i] *= .1 // and a short one
		}
		for _, s := range both {
			got := devicetest.Run(t, d, dtypes.Float32, in, func(in []*Node) []*Node {
				low := append([]*Node(nil), in...)
				for i := range 4 {
					low[i] = ConvertDType(ConvertDType(in[i], dtypes.BFloat16), dtypes.Float32)
				}
				var out []*Node
				for _, f := range funcs {
					cfg := f.cfg
					cfg.Sampler = perRow
					if s == semantics.Original && f.name == "HIB" {
						cfg.SSL = true // else the fixtures' NaN: a class with one image
					}
					y := formula(f.name, contextIn(dtypes.Float32), batchIn(low), cfg, s)
					out = append(out, y)
					out = append(out, Gradient(ReduceAllMean(y), in[:4]...)...)
				}
				return out
			})
			for i, values := range got {
				for j, v := range values {
					if math.IsNaN(v) || math.IsInf(v, 0) {
						t.Errorf("%s %s: output %d, element %d is %g", funcs[i/5].name, s, i%5, j, v)
						break
					}
				}
			}
		}
	})
}

// TestFloat32Accuracy compares float32 with float64 in 2048 dimensions and for κ from
// 1e-2 to 1e4: normalisers of size 4e3 and 1e4 must not drown the differences that the
// losses are made of.
func TestFloat32Accuracy(t *testing.T) {
	const large = 2048
	in := []devicetest.Array{wave(1, batch, classes), wave(2, batch), wave(3, batch, large), wave(4, classes, large), labels}
	copy(in[1].Values, []float64{1e2, 1, 1e-1, 1e-2, 1e-3, 1e-4})
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		graph := func(in []*Node) []*Node {
			var out []*Node
			for _, f := range funcs {
				for _, s := range both {
					cfg := f.cfg
					cfg.Sampler = perRow
					cfg.SSL = f.name == "HIB" && s == semantics.Original
					y := formula(f.name, contextIn(in[0].DType()), batchIn(in), cfg, s)
					out = append(append(out, y), Gradient(ReduceAllMean(y), in[:4]...)...)
				}
			}
			return out
		}
		want := devicetest.Run(t, d, dtypes.Float64, in, graph)
		got := devicetest.Run(t, d, dtypes.Float32, in, graph)
		for i := range want {
			f, s := funcs[i/10], both[i/5%2]
			tol, largest := 1e-4, 0.0
			if i%5 > 0 {
				tol = 1e-3
			}
			for _, w := range want[i] {
				largest = math.Max(largest, math.Abs(w))
			}
			for j, w := range want[i] {
				if math.Abs(got[i][j]-w) > tol*largest {
					t.Errorf("%s %s: output %d, element %d: float32 %.9g, float64 %.9g, largest %.3g", f.name, s, i%5, j, got[i][j], w, largest)
					break
				}
			}
		}
	})
}
