package head_test

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/device"
	"urlbench/urlkit/head"
	"urlbench/urlkit/nn"
	"urlbench/urlkit/uncertainty"
)

// An ensemble of ten heads on one embedding, and how much they disagree.
func ExampleEnsemble() {
	d, err := device.OpenConfig("go")
	if err != nil {
		panic(err)
	}
	store := model.NewStore()
	out, err := model.CallOnceN(d.Backend, store, func(scope *model.Scope, embedding *Node) []*Node {
		c := nn.NewContext(scope, dtypes.Float32, false)
		samples := head.Ensemble(c, embedding, 5, 10)
		return []*Node{samples, uncertainty.MeanLogits(samples), uncertainty.JSD(samples)}
	}, [][]float32{{1, 2, 3}, {4, 5, 6}})
	if err != nil {
		panic(err)
	}
	for _, x := range out {
		fmt.Println(x.Shape())
	}
	// Output:
	// (Float32)[10, 2, 5]
	// (Float32)[2, 5]
	// (Float32)[2]
}
