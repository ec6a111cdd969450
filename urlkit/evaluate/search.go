package evaluate

import (
	"context"

	"urlbench/urlkit/device"
	"urlbench/urlkit/metric"
	"urlbench/urlkit/retrieve"
	"urlbench/urlkit/retrieve/ondevice"
)

// search is where the metrics find neighbours: on the GPU if the model is there,
// nil (on slices) elsewhere. The answer is the same.
func search(ctx context.Context, d *device.Device) func(embeddings []float32, dim, k int) (*retrieve.Hits, error) {
	if d.Kind != device.XLACUDA {
		return nil
	}
	return func(embeddings []float32, dim, k int) (*retrieve.Hits, error) {
		return ondevice.Cosine(ctx, d.Backend, embeddings, dim, k)
	}
}

func (a *Answers) rules() metric.Options { return metric.Options{Search: a.search} }
