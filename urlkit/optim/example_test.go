package optim_test

import (
	"fmt"

	"urlbench/urlkit/optim"
)

// The learning rates of the paper's cross-entropy run on ResNet-50.
func ExampleSchedule() {
	base, err := optim.ScaleLR(0.0027583475549166764, 128, 16, 256, "", "lamb")
	if err != nil {
		panic(err)
	}
	s := optim.Schedule{Kind: "cosine", Base: base, Epochs: 32, WarmupLR: 1e-4, WarmupEpochs: 5}
	for _, epoch := range []int{0, 4, 5, 16, 31} {
		fmt.Printf("%d %.6f\n", epoch, s.LR(epoch))
	}
	// Output:
	// 0 0.000100
	// 4 0.006261
	// 5 0.007341
	// 16 0.003901
	// 31 0.000019
}
