// Package bench measures urlbench beside its peers. The Python scripts in its
// folder are the peers; they are embedded, so that the command needs no checkout.
//
//	report, err := bench.Input(ctx, bench.InputOptions{})
//	err = report.Write(os.Stdout)
package bench
