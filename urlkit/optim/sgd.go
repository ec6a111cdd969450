package optim

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// SGD is stochastic gradient descent with momentum, as torch.optim.SGD: with
// d = g + WeightDecay p, the buffer is b = Momentum b + d, and p moves by lr b, or
// under Nesterov by lr (d + Momentum b). timm's "sgd" is Nesterov's, "momentum" is
// not.
type SGD struct {
	WeightDecay float64
	Momentum    float64
	Nesterov    bool
}

// Update implements Optimizer.
func (o SGD) Update(g *Graph, state *model.Scope, params []Param, lr *Node) {
	for _, p := range params {
		w, d := p.Var.NodeValue(g), p.Grad
		if o.WeightDecay != 0 && Decayed(p.Var) {
			d = Add(d, MulScalar(w, o.WeightDecay))
		}
		if o.Momentum != 0 {
			v := slot(state, p.Var, "momentum_buffer")
			b := Add(MulScalar(v.NodeValue(g), o.Momentum), d)
			v.SetNodeValue(b)
			if o.Nesterov {
				d = Add(d, MulScalar(b, o.Momentum))
			} else {
				d = b
			}
		}
		p.Var.SetNodeValue(Sub(w, times(d, lr)))
	}
}
