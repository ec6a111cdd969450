package nn_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/nn"
)

// wave fills an array with numbers that have no symmetry a wrong index could hide behind.
func wave(seed float64, dims ...int) *tensors.Tensor {
	n := 1
	for _, d := range dims {
		n *= d
	}
	flat := make([]float64, n)
	for i := range flat {
		flat[i] = math.Sin(1.7*float64(i)+seed) + 0.1*math.Cos(0.3*float64(i*i)+seed)
	}
	return tensors.FromFlatDataAndDimensions(flat, dims...)
}

func context(s *model.Scope, l nn.Lowering, training bool) *nn.Context {
	c := nn.NewContext(s, dtypes.Float64, training)
	c.Lowering = l
	return c
}

func run(t testing.TB, d *device.Device, store *model.Store, f func(s *model.Scope, in []*Node) []*Node, in ...any) [][]float64 {
	t.Helper()
	exec, err := model.NewExec(d.Backend, store, f)
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	outs, err := exec.Exec(in...)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]float64
	for _, o := range outs {
		all = append(all, tensors.MustCopyFlatData[float64](o))
	}
	return all
}

// naiveConvolve is the definition: x [N, H, W, Cin], w [Cout, Cin, kh, kw].
func naiveConvolve(x, w []float64, n, h, wd, in, out, kh, kw, stride int, pad [2][2]int) []float64 {
	ho, wo := nn.OutputSide(h, kh, stride, pad[0]), nn.OutputSide(wd, kw, stride, pad[1])
	y := make([]float64, n*ho*wo*out)
	for b := range n {
		for i := range ho {
			for j := range wo {
				for o := range out {
					sum := 0.0
					for ki := range kh {
						for kj := range kw {
							r, s := i*stride+ki-pad[0][0], j*stride+kj-pad[1][0]
							if r < 0 || r >= h || s < 0 || s >= wd {
								continue
							}
							for c := range in {
								sum += x[((b*h+r)*wd+s)*in+c] * w[((o*in+c)*kh+ki)*kw+kj]
							}
						}
					}
					y[((b*ho+i)*wo+j)*out+o] = sum
				}
			}
		}
	}
	return y
}

var convCases = []struct {
	side, in, out, kernel, stride int
	pad                           [2][2]int
}{
	{5, 3, 4, 1, 1, [2][2]int{}},
	{5, 3, 4, 1, 2, [2][2]int{}},
	{6, 2, 3, 3, 1, [2][2]int{{1, 1}, {1, 1}}},
	{7, 2, 3, 3, 2, [2][2]int{{1, 1}, {1, 1}}},
	{6, 2, 3, 3, 2, [2][2]int{{0, 1}, {1, 0}}},
	{16, 2, 3, 3, 1, [2][2]int{{1, 1}, {1, 1}}},
	{16, 3, 2, 7, 2, [2][2]int{{3, 3}, {3, 3}}},
	{8, 3, 2, 4, 4, [2][2]int{}},
	{8, 3, 2, 4, 2, [2][2]int{{1, 2}, {2, 1}}},
	{4, 2, 2, 1, 1, [2][2]int{{1, 1}, {1, 1}}},
}

// TestConvolve2D holds every lowering to the definition, and its gradients to the
// definition's: the loss is linear in x and in w, so that one evaluation along
// another input or weight is the exact directional derivative.
func TestConvolve2D(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		for _, lowering := range []nn.Lowering{nn.LowerNative, nn.LowerXLACPU, nn.LowerMatMul} {
			if d.Kind == device.PureGo && lowering == nn.LowerXLACPU {
				continue
			}
			for _, tc := range convCases {
				t.Run(fmt.Sprintf("lowering%d/%dx%d_s%d_%d", lowering, tc.kernel, tc.kernel, tc.stride, tc.side), func(t *testing.T) {
					const n = 2
					x, w := wave(1, n, tc.side, tc.side+1, tc.in), wave(2, tc.out, tc.in, tc.kernel, tc.kernel)
					dx, dw := wave(3, x.Shape().Dimensions...), wave(4, w.Shape().Dimensions...)
					naive := func(x, w *tensors.Tensor) []float64 {
						return naiveConvolve(tensors.MustCopyFlatData[float64](x), tensors.MustCopyFlatData[float64](w),
							n, tc.side, tc.side+1, tc.in, tc.out, tc.kernel, tc.kernel, tc.stride, tc.pad)
					}
					want := naive(x, w)
					weights := wave(5, len(want))
					got := run(t, d, model.NewStore(), func(s *model.Scope, in []*Node) []*Node {
						y := nn.Convolve2D(context(s, lowering, true), in[0], in[1], tc.stride, tc.pad)
						loss := ReduceAllSum(Mul(Reshape(y, -1), in[2]))
						g := Gradient(loss, in[0], in[1])
						return []*Node{y, ReduceAllSum(Mul(g[0], in[3])), ReduceAllSum(Mul(g[1], in[4]))}
					}, x, w, weights, dx, dw)
					for i := range want {
						if math.Abs(got[0][i]-want[i]) > 1e-12*(1+math.Abs(want[i])) {
							t.Fatalf("element %d: got %g, want %g", i, got[0][i], want[i])
						}
					}
					v := tensors.MustCopyFlatData[float64](weights)
					for i, along := range [][]float64{naive(dx, w), naive(x, dw)} {
						sum := 0.0
						for j := range along {
							sum += v[j] * along[j]
						}
						if math.Abs(got[i+1][0]-sum) > 1e-10*(1+math.Abs(sum)) {
							t.Errorf("gradient of %s: got %g, want %g", []string{"x", "w"}[i], got[i+1][0], sum)
						}
					}
				})
			}
		}
	})
}
