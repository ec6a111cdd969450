package uncertainty

import (
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/internal/fixture"
	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/nn"
)

func TestMain(m *testing.M) { os.Exit(fixture.Main(m, "uncertainty")) }

const fixtures = "math/unc_modules.safetensors"

// meta is what the cases' parameters say; each family has some.
type meta struct {
	Module        string
	Width, Heads  int
	Samples       int
	UncScaler     *float64 `json:"unc_scaler"`
	UncStartValue float64  `json:"unc_start_value"`
	NBatches      int      `json:"n_batches"`
	NonfiniteGrad bool     `json:"nonfinite_grad"`
}

// precision is a dtype with the tolerances of values and gradients in it.
type precision struct {
	dtype        dtypes.DType
	value, slope fixture.Tolerance
}

var precisions = []precision{
	{dtypes.Float64, fixture.Rel(1e-9), fixture.RelMax(1e-9)},
	{dtypes.Float32, fixture.Tolerance{Rel: 1e-4, Abs: 1e-7}, fixture.RelMax(1e-4)}, // log p of p near 1 has an epsilon of 1e-7,
}

func TestFixture(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		for _, c := range fixture.Open(t, fixtures).Cases() {
			for _, p := range precisions {
				t.Run(c.Name+"/"+p.dtype.String(), func(t *testing.T) {
					label := fmt.Sprintf("%s %s", d.Kind, p.dtype)
					var m meta
					c.Meta(t, &m)
					switch c.Family() {
					case "prednet":
						prednetCase(t, d, c, m, p, label)
					case "entropy", "norm", "const":
						moduleCase(t, d, c, m, p, label)
					case "ens_entropy", "ens_jsd":
						ensembleCase(t, d, c, m, p, label)
					case "drop_entropy", "drop_jsd":
						dropoutCase(t, d, c, m, p, label)
					case "entropy_probs":
						got := devicetest.Run(t, d, p.dtype, inputs(t, c, "in.probs"), func(in []*Node) []*Node {
							return []*Node{Entropy(in[0])}
						})
						c.Compare(t, "out.entropy", label, got[0], p.value)
					case "init_pred-net", "init_embed-norm", "init_class-entropy", "init_none":
						startCase(t, d, c, m, p, label)
					default:
						t.Fatalf("%s: unknown family %q of case %s", fixtures, c.Family(), c.Name)
					}
				})
			}
		}
	})
}

func inputs(t *testing.T, c fixture.Case, names ...string) []devicetest.Array {
	var in []devicetest.Array
	for _, n := range names {
		in = append(in, devicetest.FromTensor(c.Tensor(t, n)))
	}
	return in
}

// weights are the pred-net's tensors of a case, in the order of layers.
var weights = []string{"w0", "b0", "w1", "b1", "w2", "b2", "w3", "b3"}

// predNet runs PredNet with a case's weights; extra inputs follow them.
func predNet(t *testing.T, d *device.Device, c fixture.Case, p precision, width int, extra []devicetest.Array, fn func(unc func(x *Node) *Node, vars, in []*Node) []*Node) [][]float64 {
	t.Helper()
	store := model.NewStore()
	defer store.Finalize()
	exec, err := model.NewExec(d.Backend, store, func(scope *model.Scope, in []*Node) []*Node {
		ctx := nn.NewContext(scope, p.dtype, false)
		var vars []*Node
		for i := range weights {
			kind := [...]string{"weight", "bias"}[i%2]
			name := fmt.Sprintf("unc_module.unc_module.%d.%s", i/2*2, kind)
			x := c.Tensor(t, "in."+weights[i])
			vars = append(vars, ctx.Param(in[0].Graph(), name, nn.ConstInit(0), x.Shape...))
		}
		return fn(func(x *Node) *Node { return PredNet(ctx, x, width) }, vars, in)
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range weights {
		kind := [...]string{"weight", "bias"}[i%2]
		x := c.Tensor(t, "in."+w)
		value := tensors.FromFlatDataAndDimensions(x.Float64s(), x.Shape...)
		if p.dtype == dtypes.Float32 {
			value = tensors.FromFlatDataAndDimensions(x.Float32s(), x.Shape...)
		}
		if _, err := store.CreateVariable(fmt.Sprintf("/model/unc_module.unc_module.%d.%s", i/2*2, kind), value); err != nil {
			t.Fatal(err)
		}
	}
	return devicetest.Call(t, exec, p.dtype, extra)
}

func prednetCase(t *testing.T, d *device.Device, c fixture.Case, m meta, p precision, label string) {
	got := predNet(t, d, c, p, m.Width, inputs(t, c, "in.features", "in.cotangent"), func(unc func(*Node) *Node, vars, in []*Node) []*Node {
		y := unc(in[0])
		at := append([]*Node{in[0]}, vars...)
		return append([]*Node{y}, Gradient(ReduceAllSum(Mul(y, in[1])), at...)...)
	})
	c.Compare(t, "out.unc", label, got[0], p.value)
	c.Compare(t, "grad.features", label, got[1], p.slope)
	for i, w := range weights {
		c.Compare(t, "grad."+w, label, got[i+2], p.slope)
	}
}

// classify is the linear head of the cases: x [B, D] -> [B, C].
func classify(x, weight, bias *Node) *Node {
	y := DotGeneral(x, []int{1}, nil, weight, []int{1}, nil)
	return Add(y, ExpandLeftToRank(bias, 2))
}

// byName is the module on features and logits.
func byName(t *testing.T, module string) func(features, logits *Node) *Node {
	switch module {
	case "class-entropy":
		return func(_, logits *Node) *Node { return ClassEntropy(logits) }
	case "embed-norm":
		return func(features, _ *Node) *Node { return EmbedNorm(features) }
	case "none":
		return func(features, _ *Node) *Node { return Constant(features) }
	}
	t.Fatalf("%s: unknown module %q", fixtures, module)
	return nil
}

func moduleCase(t *testing.T, d *device.Device, c fixture.Case, m meta, p precision, label string) {
	module := byName(t, m.Module)
	got := devicetest.Run(t, d, p.dtype, inputs(t, c, "in.features", "in.fc_weight", "in.fc_bias"), func(in []*Node) []*Node {
		logits := classify(in[0], in[1], in[2])
		unc := MulScalar(module(in[0], logits), *m.UncScaler)
		return []*Node{unc, logits, Gradient(ReduceAllSum(unc), in[0])[0]}
	})
	c.Compare(t, "out.unc", label, got[0], p.value)
	c.Compare(t, "out.logits", label, got[1], p.value)
	if !c.Has("grad.features") {
		return // the original's constant does not depend on the features
	}
	want := c.Tensor(t, "grad.features").Float64s()
	if m.NonfiniteGrad {
		// Where a probability underflows to 0, the original's gradient is NaN. Ours
		// is its limit: compared where the original has one, and finite elsewhere.
		for i, w := range want {
			if math.IsNaN(w) {
				if math.IsNaN(got[2][i]) || math.IsInf(got[2][i], 0) {
					t.Errorf("grad.features[%d] = %g, want a finite number", i, got[2][i])
				}
				want[i] = got[2][i]
			}
		}
		label += ", finite where the original is NaN"
	}
	c.CompareTo(t, "grad.features", label, got[2], want, p.slope)
}

func ensembleCase(t *testing.T, d *device.Device, c fixture.Case, m meta, p precision, label string) {
	got := devicetest.Run(t, d, p.dtype, inputs(t, c, "in.features", "in.weight", "in.bias", "out.head_logits"), func(in []*Node) []*Node {
		b := in[0].Shape().Dim(0)
		heads := Transpose(Reshape(classify(in[0], in[1], in[2]), b, m.Heads, -1), 0, 1)
		logits, unc := averaged(t, m.Module, heads)
		return []*Node{heads, logits, MulScalar(unc, *m.UncScaler)}
	})
	c.Compare(t, "out.head_logits", label, got[0], p.value)
	c.Compare(t, "out.logits", label, got[1], p.value)
	c.Compare(t, "out.unc", label, got[2], p.value)
}

// averaged is what several predictions [S, B, C] become.
func averaged(t *testing.T, module string, heads *Node) (logits, unc *Node) {
	logits = MeanLogits(heads)
	switch module {
	case "class-entropy":
		return logits, ClassEntropy(logits)
	case "jsd":
		return logits, JSD(heads)
	}
	t.Fatalf("%s: unknown module %q", fixtures, module)
	return nil, nil
}

func dropoutCase(t *testing.T, d *device.Device, c fixture.Case, m meta, p precision, label string) {
	in := inputs(t, c, "in.features_mc", "in.features_train", "in.fc_weight", "in.fc_bias")
	got := devicetest.Run(t, d, p.dtype, in, func(in []*Node) []*Node {
		dims := in[0].Shape().Dimensions
		flat := classify(Reshape(in[0], dims[0]*dims[1], dims[2]), in[2], in[3])
		logits, unc := averaged(t, m.Module, Reshape(flat, dims[0], dims[1], -1))
		last := Squeeze(SliceAxis(in[0], 0, AxisElem(dims[0]-1)), 0)
		train := classify(in[1], in[2], in[3])
		return []*Node{logits, MulScalar(unc, *m.UncScaler), last, train, MulScalar(ClassEntropy(train), *m.UncScaler)}
	})
	for i, name := range []string{"logits_eval", "unc_eval", "features_eval", "logits_train", "unc_train"} {
		c.Compare(t, "out."+name, label, got[i], p.value)
	}
}

func startCase(t *testing.T, d *device.Device, c fixture.Case, m meta, p precision, label string) {
	var means []float64
	for i := 0; c.Has(fmt.Sprintf("in.batch%d", i)); i++ {
		means = append(means, mean(uncOf(t, d, c, m, p, i)))
	}
	scaler, err := StartScaler(m.UncStartValue, means)
	if err != nil {
		t.Fatal(err)
	}
	if m.NBatches != StartBatches {
		t.Fatalf("n_batches %d, want %d", m.NBatches, StartBatches)
	}
	c.Compare(t, "out.unc_scaler", label, []float64{scaler}, p.value)
	before := uncOf(t, d, c, m, p, len(means)-1)
	after := make([]float64, len(before))
	for i, u := range before {
		after[i] = u * scaler
	}
	c.Compare(t, "out.unc_last_batch_before", label, before, p.value)
	c.Compare(t, "out.unc_last_batch_after", label, after, p.value)
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// uncOf runs the case's module on one of its batches, unscaled.
func uncOf(t *testing.T, d *device.Device, c fixture.Case, m meta, p precision, batch int) []float64 {
	features := inputs(t, c, fmt.Sprintf("in.batch%d", batch))
	if m.Module == "pred-net" {
		width := c.Tensor(t, "in.w0").Shape[0]
		return predNet(t, d, c, p, width, features, func(unc func(*Node) *Node, _, in []*Node) []*Node {
			return []*Node{unc(in[0])}
		})[0]
	}
	module := byName(t, m.Module)
	in := append(features, inputs(t, c, "in.fc_weight", "in.fc_bias")...)
	return devicetest.Run(t, d, p.dtype, in, func(in []*Node) []*Node {
		return []*Node{module(in[0], classify(in[0], in[1], in[2]))}
	})[0]
}
