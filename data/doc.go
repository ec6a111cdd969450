// Package data gives images and labels: a registry of the benchmark's data sets,
// readers that list each of them as the original does, and a loader that decodes
// and transforms in parallel straight into a batch's bytes.
//
//	set, err := data.Open("repr/cub", "test", data.Options{Root: "./data"})
//	if err != nil {
//		return err
//	}
//	loader, err := data.NewLoader(set, data.LoaderOptions{
//		BatchSize: 128, Size: 224, Transform: transform.Eval(transform.EvalConfig{Size: 224}),
//	})
//	if err != nil {
//		return err
//	}
//	for batch, err := range loader.Epoch(ctx, 0) {
//		if err != nil {
//			return err
//		}
//		use(batch.Pixels, batch.Labels) // valid until the next turn of the loop
//	}
//
// The sets under mini/, repr/mini- and soft/mini- lie inside the program, see
// package mini. Pixels stay bytes: normalisation happens on the device.
package data
