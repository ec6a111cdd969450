// Package head holds what turns embeddings into class logits: a linear classifier,
// an ensemble of them, HET-XL's low-rank covariance and SNGP's Gaussian process.
//
//	logits, classifier := head.Linear(c, "fc", embedding, 1000) // [batch, 1000], [1000, features]
//
// B is the batch, D the embedding's features, C the classes, S the samples or heads.
package head

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
)

// Linear is the classifier of a plain model: x [B, D] -> logits [B, C], and the
// weight [C, D] that some losses compare embeddings with. Its entries are
// "<name>.weight" and "<name>.bias"; name is "fc" for a ResNet, "head" for a ViT.
func Linear(c *nn.Context, name string, x *Node, classes int) (logits, classifier *Node) {
	at := c.In(name)
	logits = nn.Linear(at, x, classes)
	return logits, Classifier(c, name, x.Graph(), classes, x.Shape().Dim(-1))
}

// Classifier returns the weight [C, D] of a linear classifier, which is made if it
// is not there.
func Classifier(c *nn.Context, name string, g *Graph, classes, features int) *Node {
	return c.In(name).Param(g, "weight", nn.UniformInit(1/math.Sqrt(float64(features))), classes, features)
}
