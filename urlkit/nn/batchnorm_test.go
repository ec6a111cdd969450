package nn_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/nn"
)

// naiveBatchNorm normalises rows x channels with the batch's statistics.
func naiveBatchNorm(x, w, b []float64) (y, mean, variance []float64) {
	channels := len(w)
	n := float64(len(x) / channels)
	mean, variance, y = make([]float64, channels), make([]float64, channels), make([]float64, len(x))
	for i, v := range x {
		mean[i%channels] += v / n
	}
	for i, v := range x {
		variance[i%channels] += (v - mean[i%channels]) * (v - mean[i%channels]) / n
	}
	for i, v := range x {
		c := i % channels
		y[i] = (v-mean[c])/math.Sqrt(variance[c]+1e-5)*w[c] + b[c]
	}
	return y, mean, variance
}

func TestBatchNorm(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		const channels = 3
		x, v := wave(1, 2, 3, 2, channels), wave(2, 2, 3, 2, channels)
		xs, vs := tensors.MustCopyFlatData[float64](x), tensors.MustCopyFlatData[float64](v)
		w, b := []float64{1.5, 0.5, -0.7}, []float64{0.1, -0.2, 0.3}
		store := model.NewStore()
		for name, value := range map[string][]float64{"weight": w, "bias": b, "running_mean": {1, 2, 3}, "running_var": {4, 5, 6}} {
			store.VariableWithValue(nn.ModelScope+"/bn."+name, value)
		}
		bn := func(training bool) func(s *model.Scope, in []*Node) []*Node {
			return func(s *model.Scope, in []*Node) []*Node {
				c := context(s, nn.LowerNative, training).In("bn")
				y := nn.BatchNorm(c, in[0])
				loss := ReduceAllSum(Mul(y, in[1]))
				g := loss.Graph()
				of := func(entry string) *Node { return c.Param(g, entry, nn.ConstInit(0), channels) }
				return append([]*Node{y}, Gradient(loss, in[0], of("weight"), of("bias"))...)
			}
		}
		got := run(t, d, store, bn(true), x, v)
		want, mean, variance := naiveBatchNorm(xs, w, b)
		near(t, "y", got[0], want, 1e-12)

		loss := func() float64 {
			y, _, _ := naiveBatchNorm(xs, w, b)
			sum := 0.0
			for i := range y {
				sum += y[i] * vs[i]
			}
			return sum
		}
		for i, p := range [][]float64{xs, w, b} {
			slope := make([]float64, len(p))
			for j := range p {
				const h = 1e-6
				at := p[j]
				p[j] = at + h
				up := loss()
				p[j] = at - h
				slope[j] = (up - loss()) / (2 * h)
				p[j] = at
			}
			near(t, "gradient of "+[]string{"x", "weight", "bias"}[i], got[i+1], slope, 1e-7)
		}

		var moved [2][]float64
		for c := range channels {
			moved[0] = append(moved[0], 0.9*float64(c+1)+0.1*mean[c])
			moved[1] = append(moved[1], 0.9*float64(c+4)+0.1*variance[c]*12/11)
		}
		buffer := func(name string) *tensors.Tensor {
			return store.GetVariable(nn.ModelScope + "/bn." + name).MustValue()
		}
		near(t, "running_mean", tensors.MustCopyFlatData[float64](buffer("running_mean")), moved[0], 1e-12)
		near(t, "running_var", tensors.MustCopyFlatData[float64](buffer("running_var")), moved[1], 1e-12)
		if n := buffer("num_batches_tracked").Value().(int64); n != 1 {
			t.Errorf("num_batches_tracked = %d, want 1", n)
		}

		got = run(t, d, store, bn(false), x, v)
		for i, value := range xs {
			c := i % channels
			want[i] = (value-moved[0][c])/math.Sqrt(moved[1][c]+1e-5)*w[c] + b[c]
		}
		near(t, "y with running statistics", got[0], want, 1e-12)
	})
}

func near(t testing.TB, what string, got, want []float64, tol float64) {
	t.Helper()
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tol*(1+math.Abs(want[i]))) {
			t.Errorf("%s: element %d is %.12g, want %.12g", what, i, got[i], want[i])
			return
		}
	}
}
