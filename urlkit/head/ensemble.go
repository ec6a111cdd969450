package head

import (
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
)

// Ensemble is S linear heads on one embedding that differ by where they started
// (Lee et al., 2015; Lakshminarayanan et al., NeurIPS 2017): x [B, D] -> [S, B, C].
// They are one linear layer whose rows sC to sC+C-1 are head s, with the entries
// "classifier.shallow_classifiers.weight" [SC, D] and ".bias" [SC].
//
// Their prediction is uncertainty.MeanLogits of the result, in training too, and
// their disagreement uncertainty.JSD.
func Ensemble(c *nn.Context, x *Node, classes, heads int) *Node {
	logits := nn.Linear(c.In("classifier").In("shallow_classifiers"), x, heads*classes)
	return TransposeAllAxes(Reshape(logits, x.Shape().Dim(0), heads, classes), 1, 0, 2)
}

// Passes runs a model S times, such as for Monte-Carlo dropout (Gal and Ghahramani,
// ICML 2016), and returns its logits [S, B, C] and the embedding [B, D] of the last
// pass, which is the one that the original reports. run builds one pass and returns
// its logits [B, C] and embedding [B, D].
func Passes(passes int, run func(pass int) (logits, embedding *Node)) (headLogits, embedding *Node) {
	all := make([]*Node, passes)
	for i := range all {
		all[i], embedding = run(i)
	}
	return Stack(all, 0), embedding
}
