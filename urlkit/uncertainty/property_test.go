package uncertainty

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/nn"
)

// TestEntropies checks the class modules on predictions with known answers, among
// them logits of -inf and of a size at which probabilities underflow.
func TestEntropies(t *testing.T) {
	inf := math.Inf(-1)
	logits := devicetest.Array{Dims: []int{4, 1, 3}, Values: []float64{0, 0, 0, 1000, 0, 0, 0, 0, inf, inf, 5, 5}}
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		got := devicetest.Run(t, d, dtypes.Float32, []devicetest.Array{logits}, func(in []*Node) []*Node {
			h := ClassEntropy(in[0])
			return []*Node{h, Gradient(ReduceAllSum(h), in[0])[0], JSD(in[0]), ReduceAllSum(Exp(MeanLogits(in[0])))}
		})
		for i, want := range []float64{math.Log(3), 0, math.Ln2, math.Ln2} {
			if math.Abs(got[0][i]-want) > 1e-6 {
				t.Errorf("entropy of prediction %d: %g, want %g", i, got[0][i], want)
			}
		}
		for i, g := range got[1] {
			if math.IsNaN(g) || math.Abs(g) > 1e-6 { // all four are extremes of the entropy
				t.Errorf("gradient of logit %d is %g, want 0", i, g)
			}
		}
		// The mean prediction: (1/3+1+1/2+0, 1/3+1/2+1/2, 1/3+1/2) / 4.
		ofMean := 0.0
		for _, p := range []float64{11. / 24, 8. / 24, 5. / 24} {
			ofMean -= p * math.Log(p)
		}
		if want := ofMean - (math.Log(3)+2*math.Ln2)/4; math.Abs(got[2][0]-want) > 1e-6 {
			t.Errorf("JSD %g, want %g", got[2][0], want)
		}
		if math.Abs(got[3][0]-1) > 1e-6 {
			t.Errorf("the mean prediction sums to %g", got[3][0])
		}
	})
}

// TestGradients checks every module by finite differences.
func TestGradients(t *testing.T) {
	d, err := device.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	x := devicetest.Array{Dims: []int{3, 2, 4}}
	for i := range 24 {
		x.Values = append(x.Values, 2*math.Sin(2.3*float64(i)+1))
	}
	for name, f := range map[string]func(x *Node) *Node{
		"ClassEntropy": ClassEntropy,
		"Entropy":      func(x *Node) *Node { return Entropy(Softmax(x)) },
		"JSD":          JSD,
		"MeanLogits":   func(x *Node) *Node { return Mul(MeanLogits(x), MeanLogits(x)) },
		"EmbedNorm":    func(x *Node) *Node { return EmbedNorm(Reshape(x, 6, 4)) },
	} {
		t.Run(name, func(t *testing.T) {
			devicetest.CheckGradient(t, d, []devicetest.Array{x}, 1e-6, func(in []*Node) *Node { return ReduceAllSum(f(in[0])) })
		})
	}
}

// TestScaler: the scaler starts at 1, multiplies once it is set, in a graph that is
// already compiled too, and is neither trainable nor part of the model.
func TestScaler(t *testing.T) {
	d, err := device.Open()
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	defer store.Finalize()
	if s, err := Scaler(store); err != nil || s != 1 {
		t.Errorf("scaler of an empty store: %g, %v; want 1", s, err)
	}
	exec, err := model.NewExec(d.Backend, store, func(scope *model.Scope, in []*Node) []*Node {
		return []*Node{Scaled(nn.NewContext(scope, dtypes.Float32, false), Constant(in[0]))}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	in := []devicetest.Array{{Dims: []int{2, 3}, Values: make([]float64, 6)}}
	for _, want := range []float64{1, .25, 3} {
		if want != 1 {
			if err := SetScaler(store, want); err != nil {
				t.Fatal(err)
			}
		}
		got := devicetest.Call(t, exec, dtypes.Float32, in)[0]
		if s, err := Scaler(store); err != nil || s != want || len(got) != 2 || got[0] != want || got[1] != want {
			t.Errorf("Scaler %g (%v), Scaled(1) %v, want %g", s, err, got, want)
		}
	}
	for v := range store.IterVariables() {
		if v.Path() == ScalerPath && v.Trainable || len(v.Path()) >= 6 && v.Path()[:6] == nn.ModelScope {
			t.Errorf("%s is trainable or in the model", v.Path())
		}
	}
}

func TestStartScaler(t *testing.T) {
	eleven := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1000}
	if s, err := StartScaler(.11, eleven); err != nil || math.Abs(s-.02) > 1e-15 {
		t.Errorf("%g, %v, want 0.02: the mean of the first ten is 5.5", s, err)
	}
	for name, means := range map[string][]float64{
		"nine batches": eleven[:9], "zeros": make([]float64, 10), "NaN": append([]float64{math.NaN()}, eleven...),
		"infinite": append([]float64{math.Inf(1)}, eleven...), "none": nil,
	} {
		if s, err := StartScaler(.1, means); err == nil {
			t.Errorf("%s: scaler %g without an error", name, s)
		}
	}
}
