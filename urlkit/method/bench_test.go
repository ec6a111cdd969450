package method

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/internal/fixture"
	"urlbench/urlkit/device"
	"urlbench/urlkit/loss"
	"urlbench/urlkit/nn"
	"urlbench/urlkit/optim"
)

// Benchmark reports images per second of the backbones, forward and training (LAMB),
// on the device that urlbench would choose:
//
//	go test ./urlkit/method -run '^$' -bench 'Benchmark/resnet50/32px/batch64' -benchtime 5x
//	GOMLX_BACKEND=xla:/path/to/xla_cuda_plugin.so go test ./urlkit/method -run '^$' -bench Benchmark -benchtime 20x
func Benchmark(b *testing.B) {
	d, err := device.Open()
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%s", d)
	type setting struct {
		name        string
		side, batch int
	}
	settings := []setting{{"convnet", 32, 64}, {"resnet50", 32, 64}, {"resnet50", 224, 8}, {vit, 256, 4}}
	computes := []dtypes.DType{dtypes.Float32}
	if d.Kind == device.XLACUDA {
		settings = append(settings, setting{"resnet50", 224, 128}, setting{vit, 256, 128})
		computes = append(computes, dtypes.BFloat16)
	}
	for _, s := range settings {
		for _, compute := range computes {
			for _, training := range []bool{false, true} {
				work := map[bool]string{false: "forward", true: "train"}[training]
				b.Run(fmt.Sprintf("%s/%dpx/batch%d/%s/%s", s.name, s.side, s.batch, compute, work), func(b *testing.B) {
					benchmark(b, d, s.name, s.side, s.batch, compute, training)
				})
			}
		}
	}
}

func benchmark(b *testing.B, d *device.Device, name string, side, batch int, compute dtypes.DType, training bool) {
	store := model.NewStore()
	defer store.Finalize()
	exec, err := model.NewExec(d.Backend, store, func(s *model.Scope, x, labels *Node) *Node {
		c := nn.NewContext(s, dtypes.Float32, training)
		c.Compute, c.Lowering = compute, d.Lowering()
		out := Forward(c, x, Options{Model: name, Classes: 1000, UncModule: "class-entropy"})
		l := ReduceAllMean(loss.CrossEntropy(c, loss.Batch{Logits: out.Logits, Labels: labels}, loss.Config{Smoothing: 0.1}))
		if training {
			opt := optim.LAMB{WeightDecay: 2e-5, Beta1: 0.9, Beta2: 0.999, Eps: 1e-6, MaxGradNorm: 1}
			opt.Update(l.Graph(), store.Scope(optim.StateScope), optim.Gradients(c.Scope, l), Scalar(l.Graph(), dtypes.Float32, 1e-3))
		}
		return l
	})
	if err != nil {
		b.Fatal(err)
	}
	defer exec.Finalize()
	x := make([]float32, batch*side*side*3)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)))
	}
	step := func() {
		l, err := exec.Call1(tensors.FromFlatDataAndDimensions(x, batch, side, side, 3), make([]int32, batch))
		if err != nil {
			b.Fatal(err)
		}
		_ = l.Value() // waits for the device
	}
	step() // compiles
	for b.Loop() {
		step()
	}
	b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "images/s")
}

// TestModelFixtureOnGPU holds both backbones to the fixtures on a CUDA GPU, in
// float32 within 1e-3, and in bfloat16 to its own rounding.
func TestModelFixtureOnGPU(t *testing.T) {
	plugin := device.FindPlugin("cuda")
	if !device.HasGPU() || plugin == "" {
		t.Skip("no CUDA GPU and plugin; where there is one: pip install jax-cuda13-pjrt==0.11.2 && go test ./urlkit/method -run OnGPU")
	}
	d, err := device.OpenConfig("xla:" + plugin)
	if err != nil {
		t.Fatal(err)
	}
	for _, rel := range fixture.Glob(t, "models/backbones*.safetensors") {
		for _, c := range fixture.Open(t, rel).Cases() {
			t.Run(c.Name, func(t *testing.T) {
				r := open(t, c)
				for compute, tol := range map[dtypes.DType]float64{dtypes.Float32: 1e-3, dtypes.BFloat16: 5e-2} {
					r.onGPU(t, d, compute, tol)
				}
			})
		}
	}
}

func (r record) onGPU(t *testing.T, d *device.Device, compute dtypes.DType, tol float64) {
	t.Helper()
	store := model.NewStore()
	defer store.Finalize()
	fill(t, store, r.manifest, r.meta.Seed, r.options.CMult, dtypes.Float32)
	exec, err := model.NewExec(d.Backend, store, func(s *model.Scope, in []*Node) []*Node {
		c, _ := r.context(t, s, d, dtypes.Float32, false, in)
		c.Compute = compute
		out := Forward(c, in[0], r.options)
		return []*Node{out.Logits, out.Embedding, out.Uncertainty}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	outs, err := exec.Exec(r.inputs(t, dtypes.Float32)...)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"logits", "features", "unc"} {
		r.Compare(t, "out."+name, "cuda "+compute.String(), float64s(t, outs[i]), fixture.RelMax(tol))
	}
}
