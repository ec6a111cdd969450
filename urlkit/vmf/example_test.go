package vmf_test

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/device"
	"urlbench/urlkit/semantics"
	"urlbench/urlkit/vmf"
)

// The gradient of the exact log-normaliser is minus the mean resultant length.
func ExampleLogNormConst() {
	dev, err := device.OpenConfig("go")
	if err != nil {
		panic(err)
	}
	out := MustExecOnceN(dev.Backend, func(kappa *Node) []*Node {
		logC := vmf.LogNormConst(kappa, 512, semantics.Corrected)
		return []*Node{logC, Gradient(ReduceAllSum(logC), kappa)[0]}
	}, []float64{1, 100, 1000})
	fmt.Printf("log C  %.4f\nslope  %.4f\n", out[0].Value(), out[1].Value())
	fmt.Printf("A(100) %.4f\n", vmf.A(100, 512))
	// Output:
	// log C  [867.9671 858.3793 327.7092]
	// slope  [-0.0020 -0.1884 -0.7765]
	// A(100) 0.1884
}
