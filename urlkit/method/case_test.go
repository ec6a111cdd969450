package method

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/internal/fixture"
	"urlbench/urlkit/backbone"
	"urlbench/urlkit/device"
	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
)

func TestMain(m *testing.M) { os.Exit(fixture.Main(m, "method")) }

// record is a whole-model case of the fixtures and its parameters.
type record struct {
	fixture.Case
	meta     meta
	manifest []entry
	options  Options
}

type meta struct {
	Model         string
	UncModule     string `json:"unc_module"`
	UncWidth      int    `json:"unc_width"`
	Seed          uint64
	Batch         int
	Height, Width int
	Mode          string
	Manifest      string
	Kwargs        map[string]any `json:"create_model_kwargs"`
	DropoutCalls  int            `json:"dropout_calls"`
	DropoutSites  []any          `json:"dropout_sites"`
	StartValue    float64        `json:"unc_start_value"`
	Passes        int            `json:"num_dropout_samples"`
	Note          string
	Steps         int
	Loss          struct {
		Name      string
		Smoothing float64
		Lambda    float64 `json:"lambda_value"`
	}
	Optimizer *struct {
		Opt         string
		LR          float64
		WeightDecay float64 `json:"weight_decay"`
		Betas       [2]float64
		Eps         float64
	}
}

// open reads a case; the test fails on parameters that it does not know.
func open(t *testing.T, c fixture.Case) record {
	t.Helper()
	r := record{Case: c}
	c.Meta(t, &r.meta)
	m := r.meta
	o := Options{Model: m.Model, Classes: 1000, UncModule: m.UncModule, UncWidth: m.UncWidth, DropoutSamples: m.Passes}
	for name, value := range m.Kwargs {
		number, _ := value.(float64)
		flag, _ := value.(bool)
		switch name {
		case "num_heads":
			o.NumHeads = int(number)
		case "drop_rate":
			o.Drop = number
		case "drop_path_rate":
			o.DropPath = number
		case "rank_V":
			o.RankV = int(number)
		case "c_mult":
			o.CMult = number
		case "gp_input_normalization":
			o.GPInputNormalization = flag
		case "gp_cov_discount_factor":
			o.GPCovDiscountFactor = number
		case "use_spec_norm":
			o.UseSpecNorm = flag
		case "spec_norm_bound":
			o.SpecNormBound = number
		case "num_classes":
			o.Classes = int(number)
		default:
			t.Fatalf("%s: unknown create_model argument %q", c.Name, name)
		}
	}
	if name, _, err := backbone.ParseModel(m.Model); err != nil {
		t.Fatalf("%s: unknown family: %v", c.Name, err)
	} else if name == vit && m.Mode == "eval" && m.DropoutCalls > 0 {
		// The dropout that the original means to have, reached by a call it never makes.
		o.Semantics = semantics.Corrected
	}
	r.options = o
	r.manifest = readManifest(t, m.Manifest)
	r.checkFormula(t)
	return r
}

// checkFormula holds the generated weights and images to the recorded sums.
func (r record) checkFormula(t *testing.T) {
	t.Helper()
	for k, want := range r.Tensor(t, "in.param_sum").Float64s() {
		// Few entries: the sums are there to catch a wrong formula, kind by kind.
		if e := r.manifest[k]; e.size() < 5000 {
			sum := 0.0
			for _, v := range e.values(t, r.meta.Seed, r.options.CMult) {
				sum += v
			}
			if math.Abs(sum-want) > 1e-9*(1+math.Abs(want)) {
				t.Fatalf("%s: sum of %s is %.15g, want %.15g", r.Name, e.Name, sum, want)
			}
		}
	}
	x := r.images(1)
	var first []float64
	for j := range 8 {
		first = append(first, x[j*3])
	}
	if _, at, err := fixture.Diff(first, r.Tensor(t, "in.x_first8").Float64s(), fixture.RelMax(1e-12)); err != nil {
		t.Fatalf("%s: image element %d: %v", r.Name, at, err)
	}
}

func (r record) images(factor float64) []float64 {
	return image(r.meta.Seed, r.meta.Batch, r.meta.Height, r.meta.Width, factor)
}

func (r record) input(factor float64, dtype dtypes.DType) *tensors.Tensor {
	return tensor(r.images(factor), dtype, r.meta.Batch, r.meta.Height, r.meta.Width, 3)
}

// inputs are what every graph of a case takes: the images, the seed of the masks
// and HET-XL's stored draws.
func (r record) inputs(t *testing.T, dtype dtypes.DType) []any {
	in := []any{r.input(1, dtype), r.meta.Seed}
	for _, name := range []string{"in.noise_diag", "in.noise_std"} {
		if r.Has(name) {
			x := r.Tensor(t, name)
			in = append(in, tensor(x.Float64s(), dtype, x.Shape...))
		}
	}
	return in
}

// context is the model's context with the recorded random numbers; in are the
// nodes of inputs.
func (r record) context(t *testing.T, s *model.Scope, d *device.Device, dtype dtypes.DType, training bool, in []*Node) (*nn.Context, *recorded) {
	c := nn.NewContext(s, dtype, training)
	c.Lowering = d.Lowering()
	name, variant, _ := backbone.ParseModel(r.meta.Model)
	passes := 1
	if variant == "dropout" && !training {
		passes = r.options.withDefaults().DropoutSamples
	}
	rnd := &recorded{t: t, seed: in[1], channelsLast: name != vit, batch: r.meta.Batch,
		perPass: r.meta.DropoutCalls / passes, noise: slices.Clone(in[2:])}
	c.Random = rnd
	return c, rnd
}

// checkSites holds the model's dropout to the recorded number of calls.
func (r record) checkSites(t *testing.T, rnd *recorded) {
	t.Helper()
	if rnd.calls != rnd.perPass {
		t.Errorf("%s: %d dropout calls in a pass, want %d", r.Name, rnd.calls, rnd.perPass)
	}
}

// checkState holds the Store to the manifest: the names, shapes and roles of the
// original's state_dict, and nothing else.
func (r record) checkState(t *testing.T, store *model.Store, dtype dtypes.DType) {
	t.Helper()
	want := map[string]string{}
	for _, e := range r.manifest {
		as := dtype
		if e.Kind == "zero_i64" {
			as = dtypes.Int64
		}
		// u and v are where the power iteration stands: no part of the fixture's shapes
		// after a step.
		if e.Kind == "sn_u" || e.Kind == "sn_v" {
			continue
		}
		want[e.key()] = fmt.Sprint(as, e.Shape, e.Type == "param")
	}
	for v := range store.Scope(nn.ModelScope).IterVariables() {
		key := strings.TrimPrefix(v.Path(), nn.ModelScope+"/")
		if strings.HasSuffix(key, ".u") || strings.HasSuffix(key, ".v") {
			continue
		}
		got := fmt.Sprint(v.DType(), v.Shape().Dimensions, v.Trainable)
		if want[key] != got {
			t.Errorf("%s: state_dict entry %s is %q, want %q", r.Name, key, got, want[key])
		}
		delete(want, key)
	}
	for key := range want {
		t.Errorf("%s: state_dict entry %s is missing", r.Name, key)
	}
}

// tap keeps the statistics that the fixtures have of a module's output.
type tap struct {
	module           string
	mean, std, first *Node
}

func newTap(module string, x *Node, dtype dtypes.DType) tap {
	x = ConvertDType(x, dtype)
	axes := make([]int, x.Rank()-1)
	for i := range axes {
		axes[i] = i
	}
	centred := Sub(x, ReduceAndKeep(x, ReduceMean, axes...))
	torch := x
	if x.Rank() == 4 {
		torch = TransposeAllAxes(x, 0, 3, 1, 2)
	}
	return tap{module, ReduceMean(x, axes...), Sqrt(ReduceMean(Square(centred), axes...)), Slice(Reshape(torch, -1), AxisRange(0, 16))}
}
