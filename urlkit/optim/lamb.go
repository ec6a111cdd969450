package optim

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// LAMB is Adam with a learning rate per layer (You et al., ICLR 2020), in timm's
// variant. With g the gradients divided by max(|g|/MaxGradNorm, 1), the norm taken
// over all weights together, and m, v the bias-corrected averages of g and g²:
//
//	u = m / (sqrt(v) + Eps)
//	u = (u + WeightDecay p) |p| / |u + WeightDecay p|     decayed weights only
//	p = p - lr u
//
// Weights that are not decayed get no trust ratio |p|/|u|, and neither does any if
// WeightDecay is 0; the ratio is 1 where one of the norms is 0.
type LAMB struct {
	WeightDecay  float64
	Beta1, Beta2 float64
	Eps          float64
	MaxGradNorm  float64
	TrustClip    bool // the ratio is at most 1: timm's "lambc"
}

// Update implements Optimizer.
func (o LAMB) Update(g *Graph, state *model.Scope, params []Param, lr *Node) {
	if len(params) == 0 {
		return
	}
	t := tick(g, state)
	c1, c2 := biasCorrection(o.Beta1, t), Sqrt(biasCorrection(o.Beta2, t))
	total := norm(grads(params)...)
	shrink := MaxScalar(DivScalar(total, o.MaxGradNorm), 1)
	for _, p := range params {
		grad := Div(p.Grad, ConvertDType(shrink, p.Grad.DType()))
		w := p.Var.NodeValue(g)
		m := average(slot(state, p.Var, "exp_avg"), o.Beta1, grad)
		v := average(slot(state, p.Var, "exp_avg_sq"), o.Beta2, Square(grad))
		u := Div(times(m, Reciprocal(c1)), AddScalar(times(Sqrt(v), Reciprocal(c2)), o.Eps))
		if o.WeightDecay != 0 && Decayed(p.Var) {
			u = Add(u, MulScalar(w, o.WeightDecay))
			u = Mul(u, o.trust(norm(w), norm(u)))
		}
		p.Var.SetNodeValue(Sub(w, times(u, lr)))
	}
}

// trust returns |p|/|u|, or 1 where either is 0.
func (o LAMB) trust(w, u *Node) *Node {
	one := OnesLike(w)
	known := LogicalAnd(GreaterThan(w, ZerosLike(w)), GreaterThan(u, ZerosLike(u)))
	ratio := Where(known, Div(w, Where(known, u, one)), one)
	if o.TrustClip {
		ratio = MinScalar(ratio, 1)
	}
	return ratio
}
