package uncertainty_test

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/device"
	"urlbench/urlkit/uncertainty"
)

// Three heads that agree on the first image and contradict each other on the second:
// both modules see it, and jsd says that it is disagreement.
func Example() {
	dev, err := device.OpenConfig("go")
	if err != nil {
		panic(err)
	}
	heads := [][][]float64{ // [S, B, C]
		{{5, 0}, {5, 0}},
		{{5, 0}, {0, 5}},
		{{5, 0}, {5, 0}},
	}
	out := MustExecOnceN(dev.Backend, func(heads *Node) []*Node {
		return []*Node{uncertainty.ClassEntropy(uncertainty.MeanLogits(heads)), uncertainty.JSD(heads)}
	}, heads)
	fmt.Printf("class-entropy %.3f\njsd           %.3f\n", out[0].Value(), out[1].Value())
	// Output:
	// class-entropy [0.040 0.638]
	// jsd           [0.000 0.598]
}
