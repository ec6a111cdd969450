// Package train is the training loop: batches in, a run folder out.
//
//	cfg, err := config.Parse([]string{"--preset=elk", "--data=mini", "--epochs=3"})
//	result, err := train.Run(ctx, cfg, train.Options{})
//	fmt.Println(result.Run.Dir, result.Best)
//
// A step is one graph on the device: uint8 pixels are normalised, the model and
// the loss run forward and backward, gradients are added to the group's, metrics
// to the epoch's sums. The host sends pixels, labels and the learning rate, and
// reads a number only where it prints one. After each epoch the upstream set and
// the downstream validation sets are evaluated, after a best one the test sets too.
//
// Everything that the next step depends on is a variable of one GoMLX Store or in
// progress.json, so a run continues bit for bit from its last checkpoint.
package train
