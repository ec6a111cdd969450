package optim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/internal/fixture"
	"urlbench/safetensors"
	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
)

// configOf reads the optimiser and its choices from the original's command line.
func configOf(t *testing.T, argv []string) (string, Config) {
	t.Helper()
	name, c := "lamb", Config{WeightDecay: 2e-5, Momentum: 0.9}
	number := func(i int) float64 {
		v, err := strconv.ParseFloat(argv[i], 64)
		if err != nil {
			t.Fatalf("argv %v: %v", argv, err)
		}
		return v
	}
	for i := 0; i < len(argv); i += 2 {
		switch argv[i] {
		case "--opt":
			name = argv[i+1]
		case "--weight-decay":
			c.WeightDecay = number(i + 1)
		case "--momentum":
			c.Momentum = number(i + 1)
		case "--opt-eps":
			c.Eps = number(i + 1)
		case "--opt-betas":
			c.Betas = [2]float64{number(i + 1), number(i + 2)}
			i++
		default:
			t.Fatalf("unknown flag %s in %v", argv[i], argv)
		}
	}
	return name, c
}

// label names what computed a number, for docs/fidelity.md.
func label(d *device.Device, dtype dtypes.DType) string {
	name := "xla"
	if d.Kind == device.PureGo {
		name = "go"
	}
	return name + " " + strings.ToLower(dtype.String())
}

// variable puts a fixture tensor into the Store as a model's weight.
func variable(t *testing.T, store *model.Store, name string, x *safetensors.Tensor, dtype dtypes.DType, dims []int) *model.Variable {
	t.Helper()
	v, err := store.CreateVariable("/model/"+name, toTensor(x.Float64s(), dtype, dims))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func toTensor(values []float64, dtype dtypes.DType, dims []int) *tensors.Tensor {
	if dtype == dtypes.Float64 {
		return tensors.FromFlatDataAndDimensions(values, dims...)
	}
	small := make([]float32, len(values))
	for i, v := range values {
		small[i] = float32(v)
	}
	return tensors.FromFlatDataAndDimensions(small, dims...)
}

func values(t *testing.T, x *tensors.Tensor) []float64 {
	t.Helper()
	if x.DType() == dtypes.Float64 {
		return tensors.MustCopyFlatData[float64](x)
	}
	var out []float64
	for _, v := range tensors.MustCopyFlatData[float32](x) {
		out = append(out, float64(v))
	}
	return out
}

// step is the shape of one of the recorded steps: the tensor's but for its first axis.
func step(x *safetensors.Tensor) (dims []int, size int) {
	dims, size = x.Shape[1:], 1
	for _, d := range dims {
		size *= d
	}
	return dims, size
}

func TestOptimFixture(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		for _, rel := range fixture.Glob(t, "math/optim*.safetensors") {
			for _, c := range fixture.Open(t, rel).Cases() {
				t.Run(c.Name, func(t *testing.T) {
					switch family := c.Family(); {
					case family == "clip":
						testClip(t, d, c)
					case c.Has("in.lr"):
						for _, dtype := range []dtypes.DType{dtypes.Float64, dtypes.Float32} {
							testOptimizer(t, d, c, dtype)
						}
					default:
						t.Fatalf("%s: unknown family %q", rel, family)
					}
				})
			}
		}
	})
}

func testOptimizer(t *testing.T, d *device.Device, c fixture.Case, dtype dtypes.DType) {
	var meta struct {
		Argv   []string
		DType  string
		Groups []struct {
			WeightDecay float64 `json:"weight_decay"`
			Params      []string
		}
	}
	c.Meta(t, &meta)
	label, tol := label(d, dtype), fixture.RelMax(1e-9)
	if dtype == dtypes.Float32 {
		tol = fixture.RelMax(1e-4)
	} else if meta.DType == "torch.float32" {
		tol = fixture.RelMax(1e-5) // the record itself is rounded
	}
	name, config := configOf(t, meta.Argv)
	opt, err := New(name, config)
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	for _, n := range c.Names("in.param.") {
		weight := strings.TrimPrefix(n, "in.param.")
		x := c.Tensor(t, n)
		dims := x.Shape
		if c.Has("in.grad." + weight) {
			dims, _ = step(c.Tensor(t, "in.grad."+weight)) // scalars are stored as [1]
		}
		v := variable(t, store, weight, x, dtype, dims)
		for _, g := range meta.Groups {
			if slices.Contains(g.Params, weight) && Decayed(v) != (g.WeightDecay > 0) && config.WeightDecay > 0 {
				t.Errorf("%s %s: Decayed = %t, its group's decay is %g", c.Name, weight, Decayed(v), g.WeightDecay)
			}
		}
	}
	var names []string
	for _, n := range c.Names("in.grad.") {
		names = append(names, strings.TrimPrefix(n, "in.grad."))
	}
	exec := model.MustNewExec(d.Backend, store, func(s *model.Scope, inputs []*Node) *Node {
		g := inputs[0].Graph()
		var params []Param
		for i, n := range names {
			params = append(params, Param{store.GetVariable("/model/" + n), inputs[i+1]})
		}
		opt.Update(g, store.Scope(StateScope), params, inputs[0])
		return inputs[0]
	})
	defer exec.Finalize()
	lrs := c.Tensor(t, "in.lr").Float64s()
	for s, lr := range lrs {
		in := []any{tensors.FromScalar(lr)}
		for _, n := range names {
			x := c.Tensor(t, "in.grad."+n)
			dims, size := step(x)
			in = append(in, toTensor(x.Float64s()[s*size:(s+1)*size], dtype, dims))
		}
		if _, err := exec.Call(in...); err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			_, size := step(c.Tensor(t, "out.param."+n))
			want := c.Tensor(t, "out.param."+n).Float64s()[s*size : (s+1)*size]
			got := values(t, store.GetVariable("/model/"+n).MustValue())
			c.CompareTo(t, fmt.Sprintf("out.param.%s step %d", n, s), label, got, want, tol)
		}
	}
	for v := range store.Scope("/model").IterVariables() {
		if n := v.Name(); !slices.Contains(names, n) {
			c.CompareTo(t, "in.param."+n+" untouched", label, values(t, v.MustValue()), values(t, toTensor(c.Tensor(t, "in.param."+n).Float64s(), dtype, v.Shape().Dimensions)), fixture.Rel(0))
		}
	}
}

func testClip(t *testing.T, d *device.Device, c fixture.Case) {
	var meta struct {
		Mode  string
		Value float64
	}
	c.Meta(t, &meta)
	clip, err := NewClipping(meta.Mode, meta.Value)
	if err != nil {
		t.Fatal(err)
	}
	for _, dtype := range []dtypes.DType{dtypes.Float64, dtypes.Float32} {
		label, tol := label(d, dtype), fixture.RelMax(1e-9)
		if dtype == dtypes.Float32 {
			tol = fixture.RelMax(1e-5)
		}
		store := model.NewStore()
		var in []any
		names := c.Names("in.grad")
		for _, n := range names {
			key := strings.TrimPrefix(n, "in.grad")
			x := c.Tensor(t, n)
			in = append(in, toTensor(x.Float64s(), dtype, x.Shape))
			variable(t, store, key, c.Tensor(t, "in.param"+key), dtype, x.Shape)
		}
		got, err := model.CallOnceN(d.Backend, store, func(s *model.Scope, inputs []*Node) []*Node {
			var params []Param
			for i, n := range names {
				params = append(params, Param{store.GetVariable("/model/" + strings.TrimPrefix(n, "in.grad")), inputs[i]})
			}
			return grads(ClipGrad(clip, params))
		}, in...)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range names {
			c.Compare(t, strings.Replace(n, "in.", "out.", 1), label, values(t, got[i]), tol)
		}
	}
}
