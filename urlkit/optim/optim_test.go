package optim

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
)

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		config Config
		want   string
	}{
		{"lion", Config{}, "choose one of lamb"},
		{"lamb", Config{WeightDecay: -1}, "--weight-decay=-1"},
		{"adamw", Config{Betas: [2]float64{0.9, 1}}, "--opt-betas=0.9 1"},
		{"sgd", Config{}, "--opt=momentum --momentum=0"},
	} {
		if _, err := New(c.name, c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%q, %+v): error %v, want one with %q", c.name, c.config, err, c.want)
		}
	}
	for _, name := range Names() {
		if _, err := New(strings.ToUpper(name), Config{Momentum: 0.9}); err != nil {
			t.Errorf("New(%q): %v", name, err)
		}
	}
	if _, err := NewClipping("agc2", 1); err == nil {
		t.Error("NewClipping takes an unknown mode")
	}
	if _, err := NewClipping("norm", math.NaN()); err == nil {
		t.Error("NewClipping takes NaN")
	}
}

// A weight without a way to the loss must not move: PyTorch gives it no gradient,
// and LAMB's decay of a weight with gradient 0 is a step of lr times the weight.
func TestGradientsLeavesOutWhatTheLossIgnores(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		store := model.NewStore()
		scope := store.Scope("/model")
		make := func(name string) *model.Variable {
			return scope.WithInitializer(Ones).VariableWithShape(name, shapes.Make(dtypes.Float32, 2, 2))
		}
		var names []string
		exec := model.MustNewExec(d.Backend, store, func(s *model.Scope, x *Node) *Node {
			g := x.Graph()
			used, unused, detached, frozen := make("used"), make("unused"), make("detached"), make("frozen")
			frozen.SetTrainable(false)
			picked := make("picked").NodeValue(g)
			_ = Add(unused.NodeValue(g), x)
			y := Mul(used.NodeValue(g), StopGradient(detached.NodeValue(g)))
			y = Mul(y, frozen.NodeValue(g))
			y = Mul(y, ConvertDType(GreaterThan(picked, x), dtypes.Float32)) // no gradient through a comparison
			params := Gradients(scope, ReduceAllSum(y))
			for _, p := range params {
				names = append(names, p.Var.Name())
			}
			LAMB{WeightDecay: 0.1, Beta1: 0.9, Beta2: 0.999, Eps: 1e-6, MaxGradNorm: 1}.Update(g, store.Scope(StateScope), params, Scalar(g, dtypes.Float32, 0.5))
			return y
		})
		defer exec.Finalize()
		exec.MustCall([][]float32{{0, 0}, {0, 0}})
		if !slices.Equal(names, []string{"used"}) {
			t.Errorf("gradients of %v, want only of used", names)
		}
		for v := range scope.IterVariables() {
			moved := tensors.MustCopyFlatData[float32](v.MustValue())[0] != 1
			if moved != (v.Name() == "used") {
				t.Errorf("%s moved: %t", v.Name(), moved)
			}
		}
		for v := range store.IterVariables() {
			if strings.HasPrefix(v.Path(), StateScope) && v.Trainable {
				t.Errorf("%s is trainable", v.Path())
			}
		}
	})
}

// The bias correction of a long run needs more than float32: 1 - 0.999^t at t = 1.
func TestBiasCorrectionPrecision(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		got := MustExecOnce(d.Backend, func(t *Node) *Node { return biasCorrection(0.999, t) }, []float64{1, 10, 1000, 100000})
		for i, steps := range []float64{1, 10, 1000, 100000} {
			want := -math.Expm1(steps * math.Log(0.999))
			if g := tensors.MustCopyFlatData[float64](got)[i]; math.Abs(g-want) > 1e-12*want {
				t.Errorf("after %g steps: %.17g, want %.17g", steps, g, want)
			}
		}
	})
}

func TestScheduleRefuses(t *testing.T) {
	good := Schedule{Kind: "cosine", Base: 1, Epochs: 3}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Schedule){
		"--sched=tanh":          func(s *Schedule) { s.Kind = "tanh" },
		"--epochs=0":            func(s *Schedule) { s.Epochs = 0 },
		"--warmup-epochs=-1":    func(s *Schedule) { s.WarmupEpochs = -1 },
		"--min-lr=NaN":          func(s *Schedule) { s.MinLR = math.NaN() },
		"--decay-epochs=0":      func(s *Schedule) { s.Kind = "step" },
		"--decay-milestones=[2": func(s *Schedule) { s.Milestones = []int{2, 1} },
		"--sched-on-updates":    func(s *Schedule) { s.OnUpdates = true },
	} {
		s := good
		change(&s)
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one with %q", s, err, want)
		}
	}
	if _, err := ScaleLR(1, 0, 16, 256, "", "lamb"); err == nil {
		t.Error("ScaleLR takes an empty batch")
	}
	if _, err := ScaleLR(1, 128, 16, 256, "cube", "lamb"); err == nil {
		t.Error("ScaleLR takes an unknown scale")
	}
}

func TestFloorDiv(t *testing.T) {
	for _, c := range [][3]float64{{1, 0.1, 9}, {12, 2.4, 5}, {7, 2.4, 2}, {0, 3, 0}, {6, 3, 2}} {
		if got := floorDiv(c[0], c[1]); got != c[2] {
			t.Errorf("floorDiv(%g, %g) = %g, want %g as in Python", c[0], c[1], got, c[2])
		}
	}
}
