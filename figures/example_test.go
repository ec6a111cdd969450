package figures_test

import (
	"fmt"
	"os"
	"path/filepath"

	"urlbench/data/paper"
	"urlbench/figures"
	"urlbench/urlkit/results"
)

// The paper's main figure with a run of one's own beside the paper's.
func ExampleBenchmark() {
	mine := results.Table{{Method: "ELK", Backbone: "convnet", Data: "mini", Name: "elk-mini-1", Source: results.Own,
		Metrics: map[string]float64{"best_test_avg_downstream_auroc_correct": 0.61}}}
	fig, err := figures.Benchmark(paper.Results().With(mine), figures.Clean)
	if err != nil {
		fmt.Println(err)
		return
	}
	path := filepath.Join(os.TempDir(), "urlbench-example.svg")
	defer os.Remove(path)
	fmt.Println(fig.Title)
	fmt.Println(fig.Save(path))
	// Output:
	// Downstream R-AUROC by method and backbone: mean, lowest and highest of the runs
	// <nil>
}

// What a figure draws can be read as a table.
func ExampleFigure_Tables() {
	fig, err := figures.Benchmark(paper.Results())
	if err != nil {
		fmt.Println(err)
		return
	}
	rows := fig.Tables()["benchmark"]
	fmt.Println(rows[0][1], rows[0][5])
	fmt.Println(rows[1][1], rows[1][5])
	// Output:
	// label mean
	// MCInfoNCE ResNet 50 0.5694111111111111
}

// Three densities, from the uniform to a narrow one.
func ExampleVMFSphere() {
	fig, err := figures.VMFSphere(0, 8, 64)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(fig.Title)
	// Output: Von Mises-Fisher densities on the sphere
}
