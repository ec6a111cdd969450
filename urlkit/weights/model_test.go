package weights

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/safetensors"
	"urlbench/urlkit/device"
	"urlbench/urlkit/method"
	"urlbench/urlkit/nn"
)

// TestModelsTakeTheReferencesWeights loads the reference's state_dict, under its
// own names, strictly into our models, and writes it back bit for bit.
func TestModelsTakeTheReferencesWeights(t *testing.T) {
	d, err := device.Open()
	if err != nil {
		t.Fatal(err)
	}
	for manifest, c := range map[string]struct {
		options method.Options
		size    int
	}{
		"resnet50_prednet1024": {method.Options{Model: "resnet50", Classes: 1000, UncModule: "pred-net"}, 32},
		"vit_medium":           {method.Options{Model: "vit_medium_patch16_gap_256", Classes: 1000, UncModule: "class-entropy"}, 256},
	} {
		t.Run(manifest, func(t *testing.T) {
			wanted, err := Wanted(d.Backend, func(scope *model.Scope, images *graph.Node) {
				method.Forward(nn.NewContext(scope, dtypes.Float32, false), images, c.options)
			}, 1, c.size, c.size, 3)
			if err != nil {
				t.Fatal(err)
			}
			was := map[string]*safetensors.Tensor{}
			var list []*safetensors.Tensor
			for _, x := range formulaWeights(t, "models/"+manifest+".manifest.json") {
				was[x.Name] = x
				if !strings.HasPrefix(x.Name, "unc_module.") {
					x = &safetensors.Tensor{Name: "model." + x.Name, DType: x.DType, Shape: x.Shape, Data: x.Data}
				}
				list = append(list, x)
			}
			var buf bytes.Buffer
			if err := safetensors.Write(&buf, list, nil); err != nil {
				t.Fatal(err)
			}
			s, err := Parse(manifest, buf.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			store := model.NewStore()
			if said, err := Load(store, s, wanted, Options{}); err != nil || len(said) > 0 {
				t.Fatal(said, err)
			}
			back, err := FromStore(store)
			if err != nil {
				t.Fatal(err)
			}
			if len(back) != len(was) {
				t.Errorf("%d tensors, want %d", len(back), len(was))
			}
			for _, x := range back {
				if w := was[x.Name]; w == nil || !bytes.Equal(x.Data, w.Data) {
					t.Errorf("%s comes back changed", x.Name)
				}
			}
		})
	}
}
