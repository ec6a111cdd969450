// Package evaluate asks a model for embeddings and uncertainties of a data set and
// of its cropped images, and turns them into the benchmark's metrics.
//
//	m, err := evaluate.LoadRun(dev, r, "")                  // the best checkpoint of a run
//	e, err := evaluate.New(m, evaluate.Options{Batch: 256})
//	answers, err := e.Answers(ctx, set)                     // embeddings, uncertainties, logits
//	metrics, err := answers.Metrics()                       // by published name
//
// Image and crop go through the model in one graph: uint8 pixels in, float32
// embeddings [B, D], logits [B, C] and uncertainties [B] out. The last batch is
// padded, and the padding's answers are dropped.
package evaluate
