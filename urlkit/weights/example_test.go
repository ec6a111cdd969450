package weights_test

import (
	"fmt"
	"os"
	"path/filepath"

	"urlbench/urlkit/weights"
)

// A checkpoint of the original: the averaged weights are taken, the wrapper's
// prefixes removed, the optimiser and the arguments passed over.
func ExampleOpen() {
	s, err := weights.Open("testdata/checkpoint.pth.tar")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	for _, name := range s.Names() {
		t, err := s.Tensor(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(name, t.DType, t.Shape)
	}
	// Output:
	// conv1.weight F32 [4 3 2 2]
	// bn1.weight F32 [4]
	// bn1.running_mean F32 [4]
	// fc.weight F32 [5 4]
	// fc.bias F32 [5]
	// bn1.num_batches_tracked I64 []
}

func ExampleExport() {
	s, err := weights.Open("testdata/checkpoint.pth.tar")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	left, err := weights.Export(s, filepath.Join(dir, "model.safetensors"), false)
	fmt.Println(left, err)
	// Output: [] <nil>
}
