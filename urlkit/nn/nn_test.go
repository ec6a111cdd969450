package nn_test

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/nn"
)

// store returns a Store with the given float64 weights in the model's scope.
func store(t *testing.T, weights map[string]any) *model.Store {
	t.Helper()
	s := model.NewStore()
	for name, value := range weights {
		tensor, err := tensors.FromAnyValue(value)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Scope(nn.ModelScope).CreateVariable(name, tensor); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func call(t *testing.T, d *device.Device, s *model.Store, fn func(c *nn.Context, x *Node) *Node, x any) any {
	t.Helper()
	exec, err := model.NewExec(d.Backend, s, func(scope *model.Scope, x *Node) *Node {
		return fn(nn.NewContext(scope, dtypes.Float64, false), x)
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call1(x)
	if err != nil {
		t.Fatal(err)
	}
	return out.Value()
}

func TestLinearContractsAsPyTorch(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		s := store(t, map[string]any{
			"fc.weight": [][]float64{{1, 2, 3}, {0, 1, 0}}, // [out, in]
			"fc.bias":   []float64{10, 20},
		})
		got := call(t, d, s, func(c *nn.Context, x *Node) *Node { return nn.Linear(c.In("fc"), x, 2) }, [][]float64{{1, 1, 1}, {0, 2, 0}})
		want := [][]float64{{16, 21}, {14, 22}}
		for i := range want {
			if !slices.Equal(got.([][]float64)[i], want[i]) {
				t.Errorf("row %d: %v, want %v", i, got.([][]float64)[i], want[i])
			}
		}
	})
}

func TestLayerNormOnPaper(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		s := store(t, map[string]any{"norm.weight": []float64{2, 2}, "norm.bias": []float64{1, 1}})
		got := call(t, d, s, func(c *nn.Context, x *Node) *Node { return nn.LayerNorm(c.In("norm"), x, 0) }, [][]float64{{3, 7}}).([][]float64)
		// mean 5, biased variance 4: (3-5)/2 = -1, (7-5)/2 = 1
		if math.Abs(got[0][0]+1) > 1e-12 || math.Abs(got[0][1]-3) > 1e-12 {
			t.Errorf("LayerNorm gives %v, want [-1 3]", got[0])
		}
	})
}

// uniforms hands a layer the draws of the test.
type uniforms []float64

func (u uniforms) Uniform(g *Graph, shape shapes.Shape) *Node {
	return Reshape(Const(g, []float64(u)), shape.Dimensions...)
}
func (u uniforms) Normal(g *Graph, shape shapes.Shape) *Node { panic("no normal draws in this test") }

func TestDropoutKeepsTheMean(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		got := call(t, d, model.NewStore(), func(c *nn.Context, x *Node) *Node {
			c.Random = uniforms{0.1, 0.25, 0.9, 0.2499}
			return nn.Dropout(c, x, 0.25)
		}, []float64{3, 3, 3, 3}).([]float64)
		if want := []float64{0, 4, 4, 0}; !slices.Equal(got, want) {
			t.Errorf("dropout gives %v, want %v", got, want)
		}
	})
}

func TestInitialWeightsFollowTheSeed(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		draw := func(seed int64) []float64 {
			s := model.NewStore()
			if err := s.SetRNGStateFromSeed(seed); err != nil {
				t.Fatal(err)
			}
			call(t, d, s, func(c *nn.Context, x *Node) *Node { return nn.Linear(c.In("fc"), x, 50) }, [][]float64{{1, 2, 3, 4}})
			return tensors.MustCopyFlatData[float64](s.Scope(nn.ModelScope).GetVariable("fc.weight").MustValue())
		}
		a := draw(1)
		if !slices.Equal(a, draw(1)) {
			t.Error("the same seed gives other weights")
		}
		if slices.Equal(a, draw(2)) {
			t.Error("another seed gives the same weights")
		}
		for _, w := range a {
			if math.Abs(w) > 0.5 {
				t.Fatalf("weight %v outside ±1/sqrt(4)", w)
			}
		}
	})
}
