// Package loss holds the benchmark's training losses as graph functions, one file
// each. All have one signature and return one value per example, which the caller
// reduces.
//
//	perExample := loss.ELK(c, loss.Batch{...}, loss.Config{InvTemp: 27.7}) // [B]
//	total := ReduceAllMean(perExample)
//
// Losses are computed in c.DType (float32 in training, also under --amp),
// whatever dtype the network's outputs have.
package loss

import (
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
	"urlbench/urlkit/vmf"
)

// Batch is what a network makes of B examples, and their labels. A loss reads
// what its formula needs; the rest may be nil.
type Batch struct {
	Logits      *Node // [B, C]
	Uncertainty *Node // [B], positive; 1/Uncertainty is the concentration κ
	Embedding   *Node // [B, D], not normalised
	Classifier  *Node // [C, D], the weight of the last linear layer
	Labels      *Node // [B], integers in [0, C)
	SoftLabels  *Node // [B, C], rows that sum to 1; where set, cross-entropy reads it in place of Labels
}

// Config holds the losses' settings under their flags' names.
type Config struct {
	InvTemp   float64 // --inv_temp: t; InfoNCE, MCInfoNCE, ELK, nivMF, HIB
	Smoothing float64 // --smoothing of CrossEntropy
	Lambda    float64 // --lambda-value of Riskpred
	AddConst  float64 // --hib_add_const: b
	Samples   int     // draws from each embedding's distribution; 0 means 16
	// SSL says that labels are ignored and rows (0,1), (2,3), ... are two crops of
	// one image each.
	SSL       bool
	Semantics semantics.Semantics
	// Sampler draws from von Mises-Fisher distributions; nil means vmf.NewSampler
	// over the context's random numbers.
	Sampler vmf.Sampler
}

// Func computes a loss per example, [B]. c is at the scope of the loss's own
// parameters, outside the model's.
type Func func(c *nn.Context, b Batch, cfg Config) *Node

// parameter is the one place where a loss's own parameter is made. The papers
// learn it; the original declares it learnable, but builds its optimiser before
// the loss exists, so that it keeps its start value.
func parameter(c *nn.Context, g *Graph, cfg Config, name string, start float64, dims ...int) *Node {
	if cfg.Semantics == semantics.Corrected {
		return c.Param(g, name, nn.ConstInit(start), dims...)
	}
	return BroadcastToDims(Scalar(g, c.DType, start), dims...)
}

func (cfg Config) samples() int {
	if cfg.Samples == 0 {
		return 16
	}
	return cfg.Samples
}

// draw samples the embeddings' distributions vMF(n(features), 1/uncertainty):
// [S, B, D].
func (cfg Config) draw(c *nn.Context, b Batch) *Node {
	sample := cfg.Sampler
	if sample == nil {
		sample = vmf.NewSampler(c.Random, cfg.Semantics)
	}
	mu := vmf.Direction(ConvertDType(b.Embedding, c.DType))
	kappa := Reciprocal(ConvertDType(b.Uncertainty, c.DType))
	return sample(mu, kappa, cfg.samples())
}
