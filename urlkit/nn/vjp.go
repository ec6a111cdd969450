package nn

import . "github.com/gomlx/gomlx/core/graph"

// withVJP computes forward(x, params) with a hand-written gradient in place of
// the one that GoMLX would derive from forward's operations.
//
// backward receives x (recomputed, where gradient checkpointing dropped it) and
// the gradient v of the output, and returns the gradients of x and of each param.
//
// GoMLX has custom gradients for identities only. So the output is wrapped in one
// that notes v, and x and the params in ones that put backward's results in the
// place of the derived gradients, which nothing uses then and backends drop. It
// relies on the order of reverse mode: nodes are visited from the last created to
// the first, hence the output, then x, then the params.
func withVJP(x *Node, params []*Node, forward func(x *Node, params []*Node) *Node,
	backward func(x, v *Node) (dx *Node, dparams []*Node)) *Node {
	var v *Node
	grads := make([]*Node, len(params))
	wrapped := make([]*Node, len(params))
	for i, p := range params {
		wrapped[i] = IdentityWithCustomGradient(p, func(_, _ *Node) *Node { return grads[i] })
	}
	x = IdentityWithCustomGradient(x, func(x, _ *Node) *Node {
		dx, dparams := backward(x, v)
		copy(grads, dparams)
		return dx
	})
	return IdentityWithCustomGradient(forward(x, wrapped), func(_, incoming *Node) *Node {
		v = incoming
		return incoming
	})
}
