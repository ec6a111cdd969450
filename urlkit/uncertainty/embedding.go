package uncertainty

import (
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/vmf"
)

// EmbedNorm takes the embedding's length as certainty: embedding [B, D] -> 1/‖x‖,
// [B]. It is +inf for an embedding of zeros.
func EmbedNorm(embedding *Node) *Node { return Reciprocal(vmf.Norm(embedding)) }

// Constant is the uncertainty of methods that state none: 1 for every row of
// embedding [B, D], [B].
func Constant(embedding *Node) *Node {
	return ReduceMax(OnesLike(embedding), -1)
}
