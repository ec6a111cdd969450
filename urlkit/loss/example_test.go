package loss_test

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/device"
	"urlbench/urlkit/loss"
	"urlbench/urlkit/nn"
)

// An embedding between two classes: the less certain it says it is, the smaller its
// loss.
func ExampleELK() {
	dev, err := device.OpenConfig("go")
	if err != nil {
		panic(err)
	}
	store := model.NewStore()
	exec, err := model.NewExec(dev.Backend, store, func(scope *model.Scope, in []*Node) *Node {
		c := nn.NewContext(scope, dtypes.Float32, true)
		b := loss.Batch{Embedding: in[0], Uncertainty: in[1], Classifier: in[2], Labels: in[3]}
		return loss.ELK(c, b, loss.Config{InvTemp: 10}) // [B]
	})
	if err != nil {
		panic(err)
	}
	perExample, err := exec.Exec(
		[][]float32{{1, 1.2, 0, 0}, {1, 1.2, 0, 0}}, // the same embedding twice
		[]float32{0.05, 1},                          // certain, uncertain
		[][]float32{{1, 0, 0, 0}, {0, 1, 0, 0}},     // two classes
		[]int32{0, 0})                               // the truth is the class that is a little farther away
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.3f\n", perExample[0].Value())
	// Output: [1.216 0.748]
}
