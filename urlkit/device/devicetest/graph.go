package devicetest

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"urlbench/safetensors"
	"urlbench/urlkit/device"
)

// Array is an input of a graph under test: a float array that takes the graph's
// dtype, or an integer one.
type Array struct {
	Dims   []int
	Values []float64
	Int    bool // becomes Int32
}

// FromTensor makes an Array of a fixture's tensor.
func FromTensor(x *safetensors.Tensor) Array {
	return Array{x.Shape, x.Float64s(), x.DType == safetensors.I64}
}

// Reshape returns the array with other dimensions.
func (a Array) Reshape(dims ...int) Array { return Array{dims, a.Values, a.Int} }

func (a Array) tensor(dtype dtypes.DType) *tensors.Tensor {
	switch {
	case a.Int:
		return tensors.FromFlatDataAndDimensions(convert[int32](a.Values), a.Dims...)
	case dtype == dtypes.Float64:
		return tensors.FromFlatDataAndDimensions(convert[float64](a.Values), a.Dims...)
	}
	return tensors.FromFlatDataAndDimensions(convert[float32](a.Values), a.Dims...)
}

func convert[T int32 | float32 | float64](values []float64) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = T(v)
	}
	return out
}

// Run builds and runs a graph on d in dtype and returns its outputs.
func Run(t testing.TB, d *device.Device, dtype dtypes.DType, in []Array, fn func(in []*Node) []*Node) [][]float64 {
	t.Helper()
	return Compile(t, d, dtype, fn)(in)
}

// Compile returns a function that runs the graph, compiled once per shape.
func Compile(t testing.TB, d *device.Device, dtype dtypes.DType, fn func(in []*Node) []*Node) func(in []Array) [][]float64 {
	t.Helper()
	exec, err := NewExec(d.Backend, fn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exec.Finalize)
	return func(in []Array) [][]float64 {
		t.Helper()
		return Call(t, exec, dtype, in)
	}
}

// Executor is a compiled graph: a *graph.Exec or a *model.Exec.
type Executor interface {
	Exec(args ...any) ([]*tensors.Tensor, error)
}

// Call runs a compiled graph and returns its outputs.
func Call(t testing.TB, exec Executor, dtype dtypes.DType, in []Array) [][]float64 {
	t.Helper()
	args := make([]any, len(in))
	for i, a := range in {
		args[i] = a.tensor(dtype)
	}
	results, err := exec.Exec(args...)
	if err != nil {
		t.Fatal(err)
	}
	out := make([][]float64, len(results))
	for i, r := range results {
		out[i] = floats(r)
		r.MustFinalizeAll()
	}
	return out
}

func floats(r *tensors.Tensor) []float64 {
	var out []float64
	r.MustConstFlatData(func(flat any) {
		switch v := flat.(type) {
		case []float64:
			out = append(out, v...)
		case []float32:
			for _, x := range v {
				out = append(out, float64(x))
			}
		case []int32:
			for _, x := range v {
				out = append(out, float64(x))
			}
		case []bool:
			for _, x := range v {
				if x {
					out = append(out, 1)
				} else {
					out = append(out, 0)
				}
			}
		}
	})
	return out
}

// CheckGradient compares the gradients of a scalar function with central finite
// differences, in float64: each may differ by tol times the largest derivative of
// its input. Integer inputs are left alone.
func CheckGradient(t testing.TB, d *device.Device, in []Array, tol float64, fn func(in []*Node) *Node) {
	t.Helper()
	var moving []int
	for i, a := range in {
		if !a.Int {
			moving = append(moving, i)
		}
	}
	gradients := Run(t, d, dtypes.Float64, in, func(nodes []*Node) []*Node {
		at := make([]*Node, len(moving))
		for i, m := range moving {
			at[i] = nodes[m]
		}
		return Gradient(fn(nodes), at...)
	})
	value := Compile(t, d, dtypes.Float64, func(nodes []*Node) []*Node { return []*Node{fn(nodes)} })
	for i, m := range moving {
		a := in[m]
		numeric := make([]float64, len(a.Values))
		largest := 0.0
		for j, x := range a.Values {
			step := 1e-5 * math.Max(math.Abs(x), 1e-2)
			shifted := append([]Array(nil), in...)
			move := func(by float64) float64 {
				values := append([]float64(nil), a.Values...)
				values[j] += by
				shifted[m] = Array{Dims: a.Dims, Values: values}
				return value(shifted)[0][0]
			}
			numeric[j] = (move(step) - move(-step)) / (2 * step)
			largest = math.Max(largest, math.Abs(numeric[j]))
		}
		for j, want := range numeric {
			if got := gradients[i][j]; !(math.Abs(got-want) <= tol*(largest+1e-12)) {
				t.Errorf("gradient of input %d, element %d: %g, finite differences say %g", m, j, got, want)
			}
		}
	}
}
