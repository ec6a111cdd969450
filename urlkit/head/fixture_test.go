package head

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/internal/fixture"
	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/nn"
)

func TestMain(m *testing.M) { os.Exit(fixture.Main(m, "head")) }

// precision is a dtype with its tolerance.
type precision struct {
	dtype dtypes.DType
	tol   fixture.Tolerance
}

var precisions = []precision{
	{dtypes.Float64, fixture.RelMax(1e-9)},
	{dtypes.Float32, fixture.RelMax(1e-4)},
}

// recorded is a Random that returns the given nodes in turn.
type recorded struct{ draws []*Node }

func (r *recorded) Uniform(*Graph, shapes.Shape) *Node { panic("no uniform draws are recorded") }

func (r *recorded) Normal(_ *Graph, shape shapes.Shape) *Node {
	x := r.draws[0]
	r.draws = r.draws[1:]
	x.AssertDims(shape.Dimensions...)
	return x
}

func TestHETXLFixture(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		for _, rel := range fixture.Glob(t, "math/hetxl*.safetensors") {
			for _, c := range fixture.Open(t, rel).Cases() {
				for _, p := range precisions {
					t.Run(c.Name+"/"+p.dtype.String(), func(t *testing.T) {
						label := fmt.Sprintf("%s %s", d.Kind, p.dtype)
						switch f := c.Family(); f {
						case "het":
							hetxlCase(t, d, c, p, label)
						case "hetxl_det_module":
							detCase(t, d, c, p, label)
						default:
							t.Fatalf("%s: unknown family %q", rel, f)
						}
					})
				}
			}
		}
	})
}

// load puts a case's tensors into a Store under the model's names.
func load(t *testing.T, c fixture.Case, dtype dtypes.DType, names map[string]string) *model.Store {
	t.Helper()
	s := model.NewStore()
	for name, recorded := range names {
		if !c.Has(recorded) {
			continue
		}
		x := c.Tensor(t, recorded)
		var value *tensors.Tensor
		switch {
		case strings.HasSuffix(name, "_gp_output_bias"):
			ints, err := x.Int64s()
			if err != nil {
				t.Fatal(err)
			}
			value = tensors.FromFlatDataAndDimensions(ints, x.Shape...)
		case name == "fc.temp":
			value = tensors.FromScalar(x.Float64s()[0])
			if dtype == dtypes.Float32 {
				value = tensors.FromScalar(float32(x.Float64s()[0]))
			}
		case dtype == dtypes.Float32:
			value = tensors.FromFlatDataAndDimensions(x.Float32s(), x.Shape...)
		default:
			value = tensors.FromFlatDataAndDimensions(x.Float64s(), x.Shape...)
		}
		if _, err := s.Scope(nn.ModelScope).CreateVariable(name, value); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func weight(s *model.Store, name string, g GraphProvider) *Node {
	return s.GetVariable(nn.ModelScope + "/" + name).NodeValue(g)
}

func arrays(t *testing.T, c fixture.Case, names ...string) []devicetest.Array {
	t.Helper()
	var out []devicetest.Array
	for _, n := range names {
		out = append(out, devicetest.FromTensor(c.Tensor(t, n)))
	}
	return out
}

func hetxlCase(t *testing.T, d *device.Device, c fixture.Case, p precision, label string) {
	var m struct {
		Classes int
		Rank    int `json:"rank_V"`
		Samples int `json:"num_mc"`
	}
	c.Meta(t, &m)
	s := load(t, c, p.dtype, map[string]string{"fc.C": "in.C", "fc.temp": "in.temp", "fc.fc.weight": "in.fc_weight", "fc.fc.bias": "in.fc_bias"})
	exec := model.MustNewExec(d.Backend, s, func(scope *model.Scope, x, diag, rank, cotangent *Node) []*Node {
		ctx := nn.NewContext(scope, p.dtype, false)
		ctx.Random = &recorded{[]*Node{diag, rank}}
		out := HETXL(ctx, "fc", x, m.Classes, HETXLConfig{Rank: m.Rank, Samples: m.Samples})
		big, w, b, temp := weight(s, "fc.C", x), weight(s, "fc.fc.weight", x), weight(s, "fc.fc.bias", x), weight(s, "fc.temp", x)
		all := []*Node{out.Logits, out.CovLogDet}
		all = append(all, Gradient(ReduceAllSum(Mul(out.Logits, cotangent)), x, big, w, b, temp)...)
		return append(all, Gradient(ReduceAllSum(out.CovLogDet), x, big)...)
	})
	defer exec.Finalize()
	got := devicetest.Call(t, exec, p.dtype, arrays(t, c, "in.features", "in.noise_diag", "in.noise_rank", "in.cotangent"))
	for i, name := range []string{"out.log_probs", "out.cov_log_det", "grad.features", "grad.C", "grad.fc_weight", "grad.fc_bias", "grad.temp", "grad.logdet_features", "grad.logdet_C"} {
		c.Compare(t, name, label, got[i], p.tol)
	}
}

// detCase is the uncertainty that the determinant of the covariance gives.
func detCase(t *testing.T, d *device.Device, c fixture.Case, p precision, label string) {
	var m struct {
		Scaler float64 `json:"unc_scaler"`
		Rank   int     `json:"rank_V"`
	}
	c.Meta(t, &m)
	s := load(t, c, p.dtype, map[string]string{"fc.C": "in.C"})
	exec := model.MustNewExec(d.Backend, s, func(scope *model.Scope, x *Node) *Node {
		out := HETXL(nn.NewContext(scope, p.dtype, false), "fc", x, 3, HETXLConfig{Rank: m.Rank, Samples: 1})
		return MulScalar(out.CovLogDet, m.Scaler)
	})
	defer exec.Finalize()
	c.Compare(t, "out.unc", label, devicetest.Call(t, exec, p.dtype, arrays(t, c, "in.features"))[0], p.tol)
}

func TestSNGPFixture(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		for _, rel := range fixture.Glob(t, "math/sngp*.safetensors") {
			for _, c := range fixture.Open(t, rel).Cases() {
				if c.Family() == "orf" {
					t.Run(c.Name, func(t *testing.T) { orfCase(t, c) })
					continue
				}
				for _, p := range precisions {
					t.Run(c.Name+"/"+p.dtype.String(), func(t *testing.T) {
						label := fmt.Sprintf("%s %s", d.Kind, p.dtype)
						switch f := c.Family(); f {
						case "gp":
							gpCase(t, d, c, p, label)
						case "cov":
							covarianceCase(t, d, c, p, label)
						default:
							t.Fatalf("%s: unknown family %q", rel, f)
						}
					})
				}
			}
		}
	})
}

func gpCase(t *testing.T, d *device.Device, c fixture.Case, p precision, label string) {
	var m struct {
		Classes, Inducing int
		Normalize         bool    `json:"normalize_input"`
		Momentum          float64 `json:"gp_cov_momentum_passed"`
		Ridge             float64 `json:"ridge_passed"`
		Used              float64 `json:"ridge_used"`
	}
	c.Meta(t, &m)
	if m.Used != originalRidge {
		t.Errorf("the original used ridge %g, urlbench uses %g", m.Used, originalRidge)
	}
	names := map[string]string{
		"fc._input_norm_layer.weight": "in.ln_weight", "fc._input_norm_layer.bias": "in.ln_bias",
		"fc._random_feature.weight": "in.random_weight", "fc._random_feature.bias": "in.random_bias",
		"fc._gp_cov_layer.covariance_matrix": "in.covariance", "fc._gp_output_layer.weight": "in.output_weight",
		"fc._gp_output_bias": "in.output_bias",
	}
	s := load(t, c, p.dtype, names)
	cfg := GPConfig{NormalizeInput: m.Normalize, Inducing: m.Inducing, Discount: m.Momentum, Ridge: m.Ridge}
	var trained []string // the entries whose gradient is recorded, in the order of grads
	for name, recorded := range names {
		if c.Has(strings.Replace(recorded, "in.", "grad.", 1)) {
			trained = append(trained, name)
		}
	}
	train := model.MustNewExec(d.Backend, s, func(scope *model.Scope, x, cotangent *Node) []*Node {
		logits := GP(nn.NewContext(scope, p.dtype, true), "fc", x, m.Classes, cfg)
		at := []*Node{x}
		for _, name := range trained {
			at = append(at, weight(s, name, x))
		}
		return append([]*Node{logits}, Gradient(ReduceAllSum(Mul(logits, cotangent)), at...)...)
	})
	defer train.Finalize()
	in := arrays(t, c, "in.features", "in.cotangent")
	var got [][]float64
	for range 3 {
		got = devicetest.Call(t, train, p.dtype, in)
	}
	c.Compare(t, "out.train_logits", label, got[0], p.tol)
	c.Compare(t, "grad.features", label, got[1], p.tol)
	for i, name := range trained {
		c.Compare(t, strings.Replace(names[name], "in.", "grad.", 1), label, got[2+i], p.tol)
		if !s.GetVariable(nn.ModelScope + "/" + name).Trainable {
			t.Errorf("%s has a gradient in the original and is not trainable here", name)
		}
	}
	for v := range s.Scope(nn.ModelScope).IterVariables() {
		if recorded := names[v.Name()]; v.Trainable && !c.Has(strings.Replace(recorded, "in.", "grad.", 1)) {
			t.Errorf("%s is trainable here and frozen in the original", v.Name())
		}
	}
	if err := UpdateCovariance(s, "fc", cfg); err != nil {
		t.Fatal(err)
	}
	eval := model.MustNewExec(d.Backend, s, func(scope *model.Scope, x *Node) []*Node {
		logits := GP(nn.NewContext(scope, p.dtype, false), "fc", x, m.Classes, cfg)
		return []*Node{logits, weight(s, "fc._gp_cov_layer.precision_matrix", x)}
	})
	defer eval.Finalize()
	got = devicetest.Call(t, eval, p.dtype, in[:1])
	c.Compare(t, "out.eval_logits", label, got[0], p.tol)
	c.Compare(t, "out.precision_after_3_train_passes", label, got[1], fixture.Rel(0))
}

// diagonal returns that of a square matrix.
func diagonal(x []float64) []float64 {
	n := int(math.Round(math.Sqrt(float64(len(x)))))
	var out []float64
	for i := range n {
		out = append(out, x[i*n+i])
	}
	return out
}

func covarianceCase(t *testing.T, d *device.Device, c fixture.Case, p precision, label string) {
	var m struct {
		Momentum, Ridge float64
		Batches, Batch  int
		Features        int `json:"gp_dim"`
	}
	c.Meta(t, &m)
	phi := c.Tensor(t, "in.phi").Float64s()
	size := m.Batch * m.Features
	square := []int{m.Features, m.Features}
	collect := devicetest.Compile(t, d, p.dtype, func(in []*Node) []*Node {
		return []*Node{CollectPrecision(in[0], in[1], m.Momentum)}
	})
	sum := devicetest.Array{Dims: square, Values: make([]float64, m.Features*m.Features)}
	for b := range m.Batches {
		batch := devicetest.Array{Dims: []int{m.Batch, m.Features}, Values: phi[b*size : (b+1)*size]}
		sum.Values = collect([]devicetest.Array{sum, batch})[0]
	}
	c.Compare(t, "out.precision", label, sum.Values, p.tol)
	tol := fixture.RelMax(1e-6) // of an inverse, whose condition number goes in
	if p.dtype == dtypes.Float32 {
		tol = fixture.RelMax(1e-3)
	}
	inverse, err := InvertPrecision(sum.Values, m.Features, m.Ridge)
	if err != nil {
		t.Fatal(err)
	}
	c.Compare(t, "out.covariance", label, inverse, tol)
	predict := devicetest.Compile(t, d, p.dtype, func(in []*Node) []*Node {
		variance := PredictiveVariance(in[0], in[1], m.Ridge)
		return []*Node{variance, MeanField(in[2], variance)}
	})
	tests := arrays(t, c, "in.phi_test", "in.covariance_initial", "in.logits")
	before := predict(tests)[0]
	c.CompareTo(t, "out.cov_before_training diagonal", label, before, diagonal(c.Tensor(t, "out.cov_before_training").Float64s()), p.tol)
	tests[1] = devicetest.Array{Dims: square, Values: inverse}
	after := predict(tests)
	c.CompareTo(t, "out.cov_test diagonal", label, after[0], diagonal(c.Tensor(t, "out.cov_test").Float64s()), tol)
	c.Compare(t, "out.mean_field_logits", label, after[1], tol)
}

// orfCase compares the statistics of orthogonal random features over 40 draws: both
// sides are samples.
func orfCase(t *testing.T, c fixture.Case) {
	const draws = 40
	var m struct{ Rows, Cols int }
	c.Meta(t, &m)
	r := rand.New(rand.NewPCG(1, 2))
	var norms, entries []float64
	worst := 0.0
	for range draws {
		x := OrthogonalFeatures(r, m.Rows, m.Cols)
		entries = append(entries, x...)
		block := min(m.Rows, m.Cols)
		for a := range m.Cols {
			for b := 0; b <= a && (a < block || b == 0); b++ {
				left, right := a, b
				if a >= block {
					right = a
				}
				dot := 0.0
				for i := range m.Rows {
					dot += x[i*m.Cols+left] * x[i*m.Cols+right]
				}
				if left == right {
					norms = append(norms, dot)
				} else {
					worst = math.Max(worst, math.Abs(dot))
				}
			}
		}
	}
	if len(norms) != draws*m.Cols {
		t.Fatalf("%d columns, want %d", len(norms), draws*m.Cols)
	}
	mean, std := moments(norms)
	entryMean, entryStd := moments(entries)
	columns, rows := float64(len(norms)), float64(m.Rows)
	// Five standard errors of the difference of two samples; a squared norm is
	// χ²(rows): mean rows, variance 2 rows, fourth central moment 12 rows (rows+4).
	five := func(variance float64) fixture.Tolerance { return fixture.Abs(5 * math.Sqrt(2*variance)) }
	stdVariance := (12*rows*(rows+4) - 4*rows*rows) / columns / (8 * rows)
	c.Compare(t, "out.col_norm_sq_mean", "go float64", []float64{mean}, five(2*rows/columns))
	c.Compare(t, "out.col_norm_sq_std", "go float64", []float64{std}, five(stdVariance))
	c.Compare(t, "out.entry_mean", "go float64", []float64{entryMean}, five(1/(columns*rows)))
	c.Compare(t, "out.entry_std", "go float64", []float64{entryStd}, five(2*rows/columns/(4*rows*rows)))
	c.Compare(t, "out.first_block_offdiag_max", "go float64", []float64{worst}, fixture.Abs(1e-10))
}

func moments(x []float64) (mean, std float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		std += (v - mean) * (v - mean) / float64(len(x))
	}
	return mean, math.Sqrt(std)
}
