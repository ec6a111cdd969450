package optim

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Accumulation steps once per group of Steps batches, with the mean of their
// gradients, as the original's --accumulation_steps does:
//
//	group := optim.Accumulation{Steps: 16}
//	// epoch:                                     optim.Drop(sums)
//	// graph of a batch:                          group.Add(sums, optim.Gradients(scope, loss))
//	// graph of a step, run if group.Due(batch):  group.Step(g, sums, state, opt, lr)
//
// where sums is the Store's AccumulateScope and state its StateScope. An incomplete
// group at an epoch's end makes no step: the next epoch drops its gradients. Clip
// bounds the running sum after every batch, which is not the same as bounding the
// group's gradient once: the original does so when it runs without a loss scaler.
type Accumulation struct {
	Steps int
	Clip  Clipping
}

// Due reports whether the batch, counted from 0 in its epoch, completes a group.
func (a Accumulation) Due(batch int) bool { return (batch+1)%max(a.Steps, 1) == 0 }

// Add adds a batch's gradients, divided by Steps, to the running sums: variables of
// sums that are made on first use.
func (a Accumulation) Add(sums *model.Scope, params []Param) {
	added := make([]Param, len(params))
	for i, p := range params {
		grad := DivScalar(p.Grad, float64(max(a.Steps, 1)))
		added[i] = Param{p.Var, Add(sum(sums, p.Var).NodeValue(p.Grad), grad)}
	}
	for _, p := range ClipGrad(a.Clip, added) {
		sum(sums, p.Var).SetNodeValue(p.Grad)
	}
}

// Step lets the optimiser step against the running sums and sets them to zero. It
// belongs in a graph of its own, built after the first batch's has run.
func (a Accumulation) Step(g *Graph, sums, state *model.Scope, opt Optimizer, lr *Node) {
	var params []Param
	for v := range sums.IterVariables() {
		path := v.Path()[len(sums.Scope()):]
		of := sums.Store().GetVariable(path)
		if of == nil {
			panic(fmt.Errorf("optim: %s accumulates the gradient of %s, which is not in the Store", v.Path(), path))
		}
		params = append(params, Param{of, v.NodeValue(g)})
	}
	if len(params) == 0 {
		panic(fmt.Errorf("optim: nothing is accumulated in %s: run a graph with Add first", sums.Scope()))
	}
	byPath(params)
	opt.Update(g, state, params, lr)
	for _, p := range params {
		sum(sums, p.Var).SetNodeValue(ZerosLike(p.Grad))
	}
}

// Drop sets the running sums to zero, outside of any graph.
func Drop(sums *model.Scope) error {
	for v := range sums.IterVariables() {
		if !v.HasValue() {
			continue
		}
		if err := v.SetValue(tensors.FromShape(v.Shape())); err != nil {
			return fmt.Errorf("optim: drop %s: %w", v.Path(), err)
		}
	}
	return nil
}

func sum(sums *model.Scope, of *model.Variable) *model.Variable {
	return sums.Store().VariableWithShape(sums.Scope()+of.Path(), of.Shape(), Zeros).SetTrainable(false)
}
