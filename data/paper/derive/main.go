// Command derive makes data/paper/results.csv from the reference repository's export
// and the two lists that belong to it:
//
//	go run ./data/paper/derive wandb_export.csv final_runs.csv hyperparameters.csv > data/paper/results.csv
package main

import (
	"fmt"
	"io"
	"os"

	"urlbench/data/paper"
)

func main() {
	if err := derive(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "derive: %v\n", err)
		os.Exit(1)
	}
}

func derive(paths []string, w io.Writer) error {
	if len(paths) != 3 {
		return fmt.Errorf("got %d files; want the export, the chosen runs and the hyper-parameters", len(paths))
	}
	var files [3]io.Reader
	for i, p := range paths {
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		files[i] = f
	}
	t, err := paper.Derive(files[0], files[1], files[2])
	if err != nil {
		return err
	}
	return t.Write(w)
}
