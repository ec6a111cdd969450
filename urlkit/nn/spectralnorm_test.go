package nn_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/mat"

	"urlbench/internal/fixture"
	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
)

// spectralMeta is what the fixture says of a case.
type spectralMeta struct {
	In         int `json:"in_ch"`
	Out        int `json:"out_ch"`
	Kernel     int
	Stride     int
	Padding    int
	Size       int
	Bound      float64
	Iterations int
	Factors    []float64 `json:"scale_factors"`
}

func (m spectralMeta) conv() nn.Conv {
	return nn.Conv{Out: m.Out, Kernel: m.Kernel, Stride: m.Stride, Pad: m.Padding}
}

func TestSpectralNormFixture(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		for _, rel := range fixture.Glob(t, "math/spectral_norm*.safetensors") {
			for _, c := range fixture.Open(t, rel).Cases() {
				t.Run(c.Name, func(t *testing.T) {
					if f := c.Family(); f != "sn" {
						t.Fatalf("%s: unknown family %q", rel, f)
					}
					spectralCase(t, d, c, dtypes.Float64, fixture.RelMax(1e-9))
					spectralCase(t, d, c, dtypes.Float32, fixture.RelMax(1e-4))
				})
			}
		}
	})
}

// nhwc and nchw are the orders of axes of images here and in PyTorch.
func nhwc(x *Node) *Node { return TransposeAllAxes(x, 0, 2, 3, 1) }
func nchw(x *Node) *Node { return TransposeAllAxes(x, 0, 3, 1, 2) }

func setVariable(t *testing.T, s *model.Store, name string, a devicetest.Array, dtype dtypes.DType) {
	t.Helper()
	var value *tensors.Tensor
	if dtype == dtypes.Float64 {
		value = tensors.FromFlatDataAndDimensions(a.Values, a.Dims...)
	} else {
		small := make([]float32, len(a.Values))
		for i, v := range a.Values {
			small[i] = float32(v)
		}
		value = tensors.FromFlatDataAndDimensions(small, a.Dims...)
	}
	if _, err := s.Scope(nn.ModelScope).CreateVariable(name, value); err != nil {
		t.Fatal(err)
	}
}

// variableValues returns a variable's values in float64, and its dimensions.
func variableValues(t *testing.T, s *model.Store, name string) ([]float64, []int) {
	t.Helper()
	v := s.GetVariable(nn.ModelScope + "/" + name)
	if v == nil {
		t.Fatalf("no variable %s", name)
	}
	value := v.MustValue()
	if value.DType() == dtypes.Float64 {
		return tensors.MustCopyFlatData[float64](value), v.Shape().Dimensions
	}
	var out []float64
	for _, x := range tensors.MustCopyFlatData[float32](value) {
		out = append(out, float64(x))
	}
	return out, v.Shape().Dimensions
}

func spectralCase(t *testing.T, d *device.Device, c fixture.Case, dtype dtypes.DType, tol fixture.Tolerance) {
	var m spectralMeta
	c.Meta(t, &m)
	label := fmt.Sprintf("%s %s", d.Kind, dtype)
	input := func(name string) devicetest.Array { return devicetest.FromTensor(c.Tensor(t, name)) }
	s := model.NewStore()
	for name, tensor := range map[string]string{"layer.weight": "in.weight", "u": "in.u0", "v": "in.v0"} {
		setVariable(t, s, "conv."+name, input(tensor), dtype)
	}
	graph := func(training bool) *model.Exec {
		exec := model.MustNewExec(d.Backend, s, func(scope *model.Scope, x, cotangent *Node) []*Node {
			ctx := nn.NewContext(scope, dtype, training)
			ctx.Lowering = d.Lowering()
			var factor *Node
			y := nchw(nn.SpectralConv2D(ctx.In("conv"), nhwc(x), m.conv(), nn.Spectral{
				Bound: m.Bound, Iterations: m.Iterations, Observe: func(_ string, f *Node) { factor = f }}))
			w := s.GetVariable(nn.ModelScope + "/conv.layer.weight").NodeValue(x)
			if !training {
				return []*Node{y, factor}
			}
			return append([]*Node{y, factor}, Gradient(ReduceAllSum(Mul(y, cotangent)), x, w)...)
		})
		t.Cleanup(exec.Finalize)
		return exec
	}
	train := graph(true)
	in := []devicetest.Array{input("in.x"), input("in.cotangent")}
	weight := c.Tensor(t, "in.weight").Float64s()
	used, ys := c.Tensor(t, "out.weight_used").Float64s(), c.Tensor(t, "out.y")
	passes := ys.Shape[0]
	size := ys.Len() / passes
	checkFactor := func(name string, factor float64, pass int) {
		c.CompareTo(t, name, label, []float64{factor}, m.Factors[pass:pass+1], tol)
		got := make([]float64, len(weight))
		for i, w := range weight {
			got[i] = w * factor
		}
		c.CompareTo(t, fmt.Sprintf("out.weight_used pass %d", pass+1), label, got, used[pass*len(weight):(pass+1)*len(weight)], tol)
	}
	for pass := range passes {
		got := devicetest.Call(t, train, dtype, in)
		c.CompareTo(t, fmt.Sprintf("out.y pass %d", pass+1), label, got[0], ys.Float64s()[pass*size:(pass+1)*size], tol)
		checkFactor(fmt.Sprintf("scale_factors pass %d", pass+1), got[1][0], pass)
		for _, name := range []string{"u", "v"} {
			recorded := fmt.Sprintf("out.%s%d", name, pass+1)
			values, dims := variableValues(t, s, "conv."+name)
			if want := c.Tensor(t, recorded).Shape; fmt.Sprint(dims) != fmt.Sprint(want) {
				t.Errorf("%s has shape %v, want %v", recorded, dims, want)
			}
			c.Compare(t, recorded, label, values, tol)
		}
		if pass == passes-1 {
			c.Compare(t, "grad.x", label, got[2], tol)
			c.Compare(t, "grad.weight", label, got[3], tol)
		}
	}
	got := devicetest.Call(t, graph(false), dtype, in)
	c.Compare(t, "out.y_eval", label, got[0], tol)
	checkFactor("scale_factors eval", got[1][0], passes)
}

// onGo runs a check of the theory on one backend, the one that compiles in no time:
// the fixtures show that the other one agrees.
func onGo(t *testing.T, test func(d *device.Device)) {
	t.Helper()
	d, err := device.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	test(d)
}

// convolveNaively is torch.conv2d of one image v [in, h, w] by the definition, with
// zeros before and after both axes.
func convolveNaively(v []float64, in, h, w int, weight []float64, out, k, stride, before, after int) (y []float64, ho, wo int) {
	ho, wo = (h+before+after-k)/stride+1, (w+before+after-k)/stride+1
	y = make([]float64, out*ho*wo)
	for o := range out {
		for i := range ho {
			for j := range wo {
				for c := range in {
					for a := range k {
						for b := range k {
							r, s := i*stride+a-before, j*stride+b-before
							if r >= 0 && r < h && s >= 0 && s < w {
								y[(o*ho+i)*wo+j] += weight[((o*in+c)*k+a)*k+b] * v[(c*h+r)*w+s]
							}
						}
					}
				}
			}
		}
	}
	return y, ho, wo
}

func normals(seed uint64, n int) []float64 {
	r := rand.New(rand.NewPCG(seed, 0))
	out := make([]float64, n)
	for i := range out {
		out[i] = r.NormFloat64()
	}
	return out
}

func dot(a, b []float64) (sum float64) {
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}

// A model that was never trained is evaluated with the raw start values: of a
// stride-2 layer, whose u and v will grow, as well as of others. The sign of the
// factor is that of <A v, u>.
func TestSpectralOriginalBeforeTraining(t *testing.T) {
	const in, out, bound = 2, 3, 0.25
	for _, shape := range []struct{ k, stride, pad, side, before, after int }{
		{3, 2, 1, 8, 0, 1}, // u 4x4 will become 5x5: SAME pads after only
		{3, 1, 1, 5, 1, 1},
		{1, 2, 0, 6, 0, 0},
		{5, 2, 2, 8, 1, 2},
	} {
		conv := nn.Conv{Out: out, Kernel: shape.k, Stride: shape.stride, Pad: shape.pad}
		side := shape.side / shape.stride
		w, u, v := normals(1, out*in*shape.k*shape.k), normals(2, out*side*side), normals(3, in*shape.side*shape.side)
		av, h, _ := convolveNaively(v, in, shape.side, shape.side, w, out, shape.k, shape.stride, shape.before, shape.after)
		if h != side {
			t.Fatalf("oracle: A v has side %d, u %d", h, side)
		}
		for _, sign := range []float64{1, -1} {
			for i := range u {
				u[i] *= sign
			}
			sigma := dot(av, u)
			want := math.Min(1, bound/sigma)
			onGo(t, func(d *device.Device) {
				s := model.NewStore()
				setVariable(t, s, "layer.weight", devicetest.Array{Dims: []int{out, in, shape.k, shape.k}, Values: w}, dtypes.Float64)
				setVariable(t, s, "u", devicetest.Array{Dims: []int{1, out, side, side}, Values: u}, dtypes.Float64)
				setVariable(t, s, "v", devicetest.Array{Dims: []int{1, in, shape.side, shape.side}, Values: v}, dtypes.Float64)
				got := spectralFactor(t, d, s, conv, nn.Spectral{Bound: bound}, false, shape.side, in)()
				if math.Abs(got-want) > 1e-9*math.Abs(want) {
					t.Errorf("kernel %d stride %d side %d: factor %g, want %g", shape.k, shape.stride, shape.side, got, want)
				}
			})
		}
	}
}

// spectralFactor returns a function that passes an image of ones through the layer
// and returns the factor on its weight.
func spectralFactor(t *testing.T, d *device.Device, s *model.Store, conv nn.Conv, spectral nn.Spectral, training bool, side, in int) func() float64 {
	exec := model.MustNewExec(d.Backend, s, func(scope *model.Scope, x *Node) *Node {
		ctx := nn.NewContext(scope, dtypes.Float64, training)
		ctx.Lowering = d.Lowering()
		var factor *Node
		spectral.Observe = func(_ string, f *Node) { factor = f }
		nn.SpectralConv2D(ctx, x, conv, spectral)
		return factor
	})
	t.Cleanup(exec.Finalize)
	ones := make([]float64, side*side*in)
	for i := range ones {
		ones[i] = 1
	}
	x := devicetest.Array{Dims: []int{1, side, side, in}, Values: ones}
	return func() float64 { return devicetest.Call(t, exec, dtypes.Float64, []devicetest.Array{x})[0][0] }
}

// The state that a layer makes for itself: start values of the original's size in
// variables of the size that the first iteration gives them.
func TestSpectralOriginalMakesItsState(t *testing.T) {
	onGo(t, func(d *device.Device) {
		s := model.NewStore()
		conv := nn.Conv{Out: 3, Kernel: 3, Stride: 2, Pad: 1}
		before := spectralFactor(t, d, s, conv, nn.Spectral{Bound: 1e-3}, false, 8, 2)()
		for name, size := range map[string][3]int{"u": {3, 5, 4}, "v": {2, 10, 8}} {
			values, dims := variableValues(t, s, name)
			if dims[1] != size[0] || dims[2] != size[1] || dims[3] != size[1] {
				t.Fatalf("%s is %v, want [1 %d %d %d]", name, dims, size[0], size[1], size[1])
			}
			for i, x := range values {
				row, column := i/size[1]%size[1], i%size[1]
				if (x != 0) != (row < size[2] && column < size[2]) {
					t.Errorf("%s at row %d, column %d is %g", name, row, column, x)
				}
			}
		}
		if before == 1 {
			t.Errorf("factor %g before training, want the raw start values'", before)
		}
		spectralFactor(t, d, s, conv, nn.Spectral{Bound: 1e-3}, true, 8, 2)()
		values, _ := variableValues(t, s, "u")
		if n := dot(values, values); math.Abs(n-1) > 1e-12 {
			t.Errorf("after a training pass |u|² = %g, want 1", n)
		}
		if values[len(values)-1] == 0 {
			t.Error("after a training pass u's last corner is still zero")
		}
	})
}

// Corrected: the estimate converges to the largest singular value of the layer as a
// matrix, found by gonum's SVD of its responses to single pixels.
func TestSpectralCorrectedFindsTheNorm(t *testing.T) {
	const in, out, bound = 2, 3, 0.5
	for _, shape := range []struct{ k, stride, pad, side int }{{3, 1, 1, 4}, {3, 2, 1, 6}, {3, 2, 1, 7}, {1, 1, 0, 3}} {
		conv := nn.Conv{Out: out, Kernel: shape.k, Stride: shape.stride, Pad: shape.pad}
		w := normals(4, out*in*shape.k*shape.k)
		n := in * shape.side * shape.side
		var matrix *mat.Dense
		for p := range n {
			pixel := make([]float64, n)
			pixel[p] = 1
			y, _, _ := convolveNaively(pixel, in, shape.side, shape.side, w, out, shape.k, shape.stride, shape.pad, shape.pad)
			if matrix == nil {
				matrix = mat.NewDense(len(y), n, nil)
			}
			matrix.SetCol(p, y)
		}
		var svd mat.SVD
		if !svd.Factorize(matrix, mat.SVDNone) {
			t.Fatal("no SVD")
		}
		largest := svd.Values(nil)[0]
		onGo(t, func(d *device.Device) {
			s := model.NewStore()
			setVariable(t, s, "layer.weight", devicetest.Array{Dims: []int{out, in, shape.k, shape.k}, Values: w}, dtypes.Float64)
			spectral := nn.Spectral{Bound: bound, Iterations: 10, Semantics: semantics.Corrected}
			step := spectralFactor(t, d, s, conv, spectral, true, shape.side, in)
			var sigma float64
			for range 60 {
				now := bound / step()
				if now < sigma*(1-1e-12) {
					t.Errorf("the estimate fell from %g to %g", sigma, now)
				}
				sigma = now
			}
			if math.Abs(sigma-largest) > 1e-6*largest {
				t.Errorf("kernel %d stride %d: estimate %g, largest singular value %g", shape.k, shape.stride, sigma, largest)
			}
			eval := bound / spectralFactor(t, d, s, conv, spectral, false, shape.side, in)()
			if math.Abs(eval-sigma) > 1e-6*sigma {
				t.Errorf("estimate %g in evaluation, %g in training", eval, sigma)
			}
			loose := nn.Spectral{Bound: 2 * largest, Semantics: semantics.Corrected}
			if f := spectralFactor(t, d, s, conv, loose, false, shape.side, in)(); f != 1 {
				t.Errorf("factor %g of a layer within its bound", f)
			}
		})
	}
}

// Corrected: the gradients are those of what the layer computes, the dependence of
// the norm on the weight included. Original: they aren't, on purpose.
func TestSpectralGradients(t *testing.T) {
	const in, out, side = 2, 2, 4
	conv := nn.Conv{Out: out, Kernel: 3, Stride: 2, Pad: 1}
	w, x := normals(5, out*in*9), normals(6, in*side*side)
	onGo(t, func(d *device.Device) {
		for _, semantic := range []semantics.Semantics{semantics.Corrected, semantics.Original} {
			s := model.NewStore()
			setVariable(t, s, "layer.weight", devicetest.Array{Dims: []int{out, in, 3, 3}, Values: w}, dtypes.Float64)
			spectral := nn.Spectral{Bound: 0.5, Semantics: semantic}
			spectralFactor(t, d, s, conv, spectral, true, side, in)()
			weight := s.GetVariable(nn.ModelScope + "/layer.weight")
			exec := model.MustNewExec(d.Backend, s, func(scope *model.Scope, x *Node) []*Node {
				ctx := nn.NewContext(scope, dtypes.Float64, false)
				ctx.Lowering = d.Lowering()
				y := ReduceAllSum(Sin(nn.SpectralConv2D(ctx, x, conv, spectral)))
				return append([]*Node{y}, Gradient(y, x, weight.NodeValue(x))...)
			})
			t.Cleanup(exec.Finalize)
			at := func(x, w []float64) [][]float64 {
				if err := weight.SetValue(tensors.FromFlatDataAndDimensions(w, out, in, 3, 3)); err != nil {
					t.Fatal(err)
				}
				return devicetest.Call(t, exec, dtypes.Float64, []devicetest.Array{{Dims: []int{1, side, side, in}, Values: x}})
			}
			slopes := at(x, w)
			worst := 0.0
			for i, point := range [][]float64{x, w} {
				for j := range point {
					move := func(by float64) float64 {
						moved := [][]float64{x, w}
						moved[i] = append([]float64(nil), point...)
						moved[i][j] += by
						return at(moved[0], moved[1])[0][0]
					}
					numeric := (move(1e-5) - move(-1e-5)) / 2e-5
					worst = math.Max(worst, math.Abs(slopes[1+i][j]-numeric))
				}
			}
			if wrong := worst > 1e-7; wrong != (semantic == semantics.Original) {
				t.Errorf("%s: gradients differ from finite differences by %g", semantic, worst)
			}
		}
	})
}

// The original's state would grow with every pass here; a variable can't.
func TestSpectralRefuses(t *testing.T) {
	for name, run := range map[string]nn.Spectral{
		"no bound":       {},
		"even, twice":    {Bound: 1, Iterations: 2},
		"negative bound": {Bound: -1},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := device.OpenConfig("go")
			if err != nil {
				t.Fatal(err)
			}
			_, err = model.CallOnce(d.Backend, model.NewStore(), func(scope *model.Scope, x *Node) *Node {
				return nn.SpectralConv2D(nn.NewContext(scope, dtypes.Float64, true), x, nn.Conv{Out: 1, Kernel: 3, Stride: 2, Pad: 1}, run)
			}, tensors.FromFlatDataAndDimensions(make([]float64, 64), 1, 8, 8, 1))
			if err == nil {
				t.Errorf("%+v is taken", run)
			}
		})
	}
}
