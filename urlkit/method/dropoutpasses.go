package method

import (
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/backbone"
	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
	"urlbench/urlkit/uncertainty"
)

const (
	// attentionDrop is the rate on attention weights of the ViT with dropout, which
	// --drop does not change.
	attentionDrop = 0.1
	// hetxlBlockDrop is the rate that the original's ResNet with a HET-XL head has
	// by a slip: it is built of MC dropout's blocks, at their default.
	hetxlBlockDrop = 0.1
	// passImages bounds the images in one go through a backbone when several passes
	// are averaged: passes are put into one batch as long as it stays that small.
	passImages = 256
)

// setDropout says where the backbone drops, and how much.
//
// MC dropout on a ResNet is always on. The original's ViT with dropout means to be
// as well, but the wrapper around it never calls the method that would keep it on,
// so that it is deterministic at evaluation; Corrected keeps it on.
func (o Options) setDropout(c *nn.Context, bo *backbone.Options) {
	name, variant, _ := backbone.ParseModel(o.Model)
	switch {
	case variant == "dropout" && name == vit:
		if c.Training || o.Semantics == semantics.Corrected {
			bo.TokenDrop, bo.AttentionDrop = o.Drop, attentionDrop
		}
	case variant == "dropout":
		bo.StemDrop, bo.BlockDrop = o.Drop, o.Drop
	case variant == "hetxl" && name == "resnet50" && o.Semantics == semantics.Original:
		bo.BlockDrop = hetxlBlockDrop
	case name == vit && c.Training:
		bo.TokenDrop = o.Drop
	}
}

// passes returns over how many passes the model's prediction is averaged: those of
// MC dropout at evaluation, where the uncertainty is of the class probabilities, as
// in the original; 0 elsewhere. Where all passes would be equal, one will do.
func (o Options) passes(c *nn.Context) int {
	name, variant, _ := backbone.ParseModel(o.Model)
	ofClasses := o.UncModule == "jsd" || o.UncModule == "class-entropy"
	if variant != "dropout" || c.Training || o.NumHeads > 1 || !ofClasses {
		return 0
	}
	if name == vit && o.Semantics == semantics.Original || name != vit && o.Drop == 0 {
		return 1
	}
	return o.DropoutSamples
}

// averagePasses runs the network several times and averages its predictions in
// probability space. The embedding is the last pass's, as in the original. Passes
// share a batch where it stays small, so that the graph holds the network once:
// with running statistics in batch norm, images don't see each other.
func averagePasses(c *nn.Context, images *Node, passes int, o Options) Outputs {
	batch := images.Shape().Dim(0)
	together := min(passes, max(1, passImages/batch))
	var samples []*Node
	var last Outputs
	for done := 0; done < passes; done += together {
		n := min(together, passes-done)
		tiled := make([]*Node, n)
		for i := range tiled {
			tiled[i] = images
		}
		x := embed(c, Concatenate(tiled, 0), o)
		last = onEmbedding(c, x, o)
		samples = append(samples, Reshape(last.Logits, n, batch, o.Classes))
		last.Embedding = Slice(x, AxisRange((n-1)*batch, n*batch))
	}
	last.Samples = Concatenate(samples, 0)
	last.Logits = uncertainty.MeanLogits(last.Samples)
	return last
}
