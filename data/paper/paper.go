// Package paper holds the results of the URL benchmark's paper (Kirchhof et al.,
// 2023): 333 training runs of eleven methods on two backbones, embedded in the
// program as a tidy table.
//
//	fig, err := figures.Benchmark(paper.Results())
//
// results.csv is derived from plots/wandb_export.csv of the reference repository
// (mkirchhof/url, Apache-2.0, commit 28cc630) by Derive; README.md beside it says how
// and gives the sums of both files.
package paper

import (
	"bytes"
	_ "embed"
	"fmt"
	"sync"

	"urlbench/urlkit/results"
)

//go:embed results.csv
var table []byte

// Results returns the paper's 333 runs in the order of the export, which is the order
// of drawing. The table is the caller's own, its runs' maps are shared.
func Results() results.Table {
	return parsed().With()
}

var parsed = sync.OnceValue(func() results.Table {
	t, err := results.Read(bytes.NewReader(table))
	if err != nil {
		panic(fmt.Sprintf("data/paper/results.csv: %v", err)) // the file is part of the program
	}
	return t
})
