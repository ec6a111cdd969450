package urlkit_test

import (
	"context"
	"fmt"

	"github.com/janpfeifer/must"

	"urlbench/data/paper"
	"urlbench/figures"
	"urlbench/urlkit"
)

// The whole job, as a notebook's cell writes it.
func Example() {
	run := must.M1(urlkit.Train(context.Background(), urlkit.Preset("elk").On("mini").Epochs(3).Seed(1)))
	fmt.Println(must.M1(urlkit.Validate(context.Background(), run)))
	mine := must.M1(urlkit.Results(run))
	must.M(must.M1(figures.Benchmark(paper.Results().With(mine))).Save("benchmark.png"))
}
