package backbone_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/backbone"
	"urlbench/urlkit/device"
	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/nn"
)

func ExampleParseModel() {
	name, variant, err := backbone.ParseModel("vit_medium_patch16_gap_256hetxl")
	fmt.Println(name, variant, err)
	features, side := backbone.Size(name)
	fmt.Println(features, side, backbone.HeadName(name))
	// Output:
	// vit_medium_patch16_gap_256 hetxl <nil>
	// 512 256 head
}

func TestParseModelUnknown(t *testing.T) {
	if _, _, err := backbone.ParseModel("resnet18"); err == nil || !strings.Contains(err.Error(), "--model=resnet18") {
		t.Errorf("got %v", err)
	}
}

// images returns n images whose numbers have no symmetry.
func images(n, side int) *tensors.Tensor {
	flat := make([]float32, n*side*side*3)
	for i := range flat {
		flat[i] = float32(math.Sin(0.7*float64(i) + math.Sqrt(float64(i))))
	}
	return tensors.FromFlatDataAndDimensions(flat, n, side, side, 3)
}

// gradients returns the embeddings, the loss's gradients by state_dict key and the
// running statistics after one training pass of a network that starts at seed 1.
func gradients(t *testing.T, d *device.Device, name string, side int, compute dtypes.DType, o backbone.Options) (embedding []float32, grads map[string][]float32) {
	t.Helper()
	store := model.NewStore()
	defer store.Finalize()
	if err := store.SetRNGStateFromSeed(1); err != nil {
		t.Fatal(err)
	}
	var keys []string
	exec, err := model.NewExec(d.Backend, store, func(s *model.Scope, x *Node) []*Node {
		c := nn.NewContext(s, dtypes.Float32, true)
		c.Compute, c.Lowering = compute, d.Lowering()
		y := backbone.Features(c, name, x, o)
		loss := ReduceAllMean(Square(AddScalar(y, 1)))
		keys = nil
		var nodes []*Node
		for v := range c.Scope.IterVariables() {
			if v.Trainable && v.InUseByGraph(x.Graph()) {
				keys = append(keys, v.Name())
				nodes = append(nodes, v.NodeValue(x.Graph()))
			}
		}
		return append([]*Node{y}, Gradient(loss, nodes...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	outs, err := exec.Exec(images(4, side))
	if err != nil {
		t.Fatal(err)
	}
	grads = map[string][]float32{}
	for i, key := range keys {
		grads[key] = tensors.MustCopyFlatData[float32](outs[i+1])
		if dtype := outs[i+1].DType(); dtype != dtypes.Float32 {
			t.Errorf("gradient of %s is %s, want float32 for the master weights", key, dtype)
		}
	}
	return tensors.MustCopyFlatData[float32](outs[0]), grads
}

// distance is |a-b|/|b|.
func distance(a, b []float32) float64 {
	var diff, norm float64
	for i := range b {
		diff += float64(a[i]-b[i]) * float64(a[i]-b[i])
		norm += float64(b[i]) * float64(b[i])
	}
	if norm == 0 {
		return math.Sqrt(diff)
	}
	return math.Sqrt(diff / norm)
}

// TestCheckpointing recomputes blocks in the backward pass: the same numbers.
func TestCheckpointing(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d *device.Device) {
		for _, tc := range []struct {
			name string
			side int
		}{{"convnet", 16}, {"resnet50", 64}, {"vit_medium_patch16_gap_256", 32}} {
			if d.Kind == device.PureGo && tc.name != "convnet" {
				continue // the same graph, slowly
			}
			want, wantGrads := gradients(t, d, tc.name, tc.side, dtypes.Float32, backbone.Options{})
			got, gotGrads := gradients(t, d, tc.name, tc.side, dtypes.Float32, backbone.Options{Checkpoint: true})
			if e := distance(got, want); e > 1e-5 {
				t.Errorf("%s: embeddings differ by %.2g", tc.name, e)
			}
			if len(gotGrads) != len(wantGrads) {
				t.Fatalf("%s: %d gradients, want %d", tc.name, len(gotGrads), len(wantGrads))
			}
			for key, want := range wantGrads {
				if e := distance(gotGrads[key], want); e > 1e-2 {
					t.Errorf("%s: gradients of %s differ by %.2g", tc.name, key, e)
				}
			}
		}
	})
}

// TestMixedPrecision computes in bfloat16: near float32, with float32 gradients.
func TestMixedPrecision(t *testing.T) {
	d := devicetest.XLA(t)
	for _, tc := range []struct {
		name string
		side int
	}{{"convnet", 16}, {"vit_medium_patch16_gap_256", 32}} {
		want, wantGrads := gradients(t, d, tc.name, tc.side, dtypes.Float32, backbone.Options{})
		got, gotGrads := gradients(t, d, tc.name, tc.side, dtypes.BFloat16, backbone.Options{})
		e := distance(got, want)
		if e > 0.05 {
			t.Errorf("%s: embeddings differ by %.2g", tc.name, e)
		}
		if e == 0 {
			t.Errorf("%s: bfloat16 gives float32's numbers: it was not computed in bfloat16", tc.name)
		}
		for key, want := range wantGrads {
			// 8 bits of mantissa, and batch norm over 4 small images, which amplifies.
			if e := distance(gotGrads[key], want); e > 0.5 {
				t.Errorf("%s: gradients of %s differ by %.2g", tc.name, key, e)
			}
		}
	}
}

// TestImageSizes holds the backbones to sizes that they were not made for.
func TestImageSizes(t *testing.T) {
	d := devicetest.XLA(t)
	for _, tc := range []struct {
		name string
		side int
	}{{"convnet", 28}, {"resnet50", 96}, {"vit_medium_patch16_gap_256", 48}} {
		got, grads := gradients(t, d, tc.name, tc.side, dtypes.Float32, backbone.Options{})
		if features, _ := backbone.Size(tc.name); len(got) != 4*features || len(grads) == 0 {
			t.Errorf("%s at %d: %d numbers, want 4 x %d", tc.name, tc.side, len(got), features)
		}
	}
}
