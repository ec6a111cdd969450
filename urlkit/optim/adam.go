package optim

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// AdamW is Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019), as
// torch.optim.AdamW: p is multiplied by 1 - lr WeightDecay before Adam's step.
type AdamW struct {
	WeightDecay  float64
	Beta1, Beta2 float64
	Eps          float64
}

// Update implements Optimizer.
func (o AdamW) Update(g *Graph, state *model.Scope, params []Param, lr *Node) {
	adam(g, state, params, lr, Adam(o), true)
}

// Adam is Kingma and Ba's optimiser (ICLR 2015), as torch.optim.Adam: weight decay
// adds WeightDecay p to the gradient. With m, v the bias-corrected averages of g
// and g², p = p - lr m / (sqrt(v) + Eps).
type Adam struct {
	WeightDecay  float64
	Beta1, Beta2 float64
	Eps          float64
}

// Update implements Optimizer.
func (o Adam) Update(g *Graph, state *model.Scope, params []Param, lr *Node) {
	adam(g, state, params, lr, o, false)
}

func adam(g *Graph, state *model.Scope, params []Param, lr *Node, o Adam, decoupled bool) {
	if len(params) == 0 {
		return
	}
	t := tick(g, state)
	c1, c2 := biasCorrection(o.Beta1, t), Sqrt(biasCorrection(o.Beta2, t))
	for _, p := range params {
		grad, w := p.Grad, p.Var.NodeValue(g)
		if o.WeightDecay != 0 && Decayed(p.Var) {
			if decoupled {
				w = times(w, OneMinus(MulScalar(lr, o.WeightDecay)))
			} else {
				grad = Add(grad, MulScalar(w, o.WeightDecay))
			}
		}
		m := average(slot(state, p.Var, "exp_avg"), o.Beta1, grad)
		v := average(slot(state, p.Var, "exp_avg_sq"), o.Beta2, Square(grad))
		u := Div(times(m, Reciprocal(c1)), AddScalar(times(Sqrt(v), Reciprocal(c2)), o.Eps))
		p.Var.SetNodeValue(Sub(w, times(u, lr)))
	}
}
