// Package optim holds the optimisers, learning-rate schedules and gradient
// accumulation of the benchmark, with timm's details: what is decayed, where
// epsilon sits, when the learning rate moves.
//
//	opt, err := optim.New("lamb", optim.Config{WeightDecay: 2e-5})
//	...
//	params := optim.Gradients(c.Scope, loss) // in the graph of a training step
//	opt.Update(g, store.Scope(optim.StateScope), params, lr)
//
// Everything an optimiser remembers is a variable of the Store, under StateScope,
// so a checkpoint of the Store resumes it.
package optim

import (
	"fmt"
	"sort"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Scopes of a Store that belong to training. The moments of the variable
// /model/fc.weight are /optim/model/fc.weight/exp_avg and …/exp_avg_sq; its
// gradient's running sum is /accumulate/model/fc.weight.
const (
	StateScope      = "/optim"
	AccumulateScope = "/accumulate"
)

// Param is a weight and the gradient, of its shape and dtype, to step against.
type Param struct {
	Var  *model.Variable
	Grad *Node
}

// Optimizer moves weights against their gradients.
type Optimizer interface {
	// Update sets the variables' nodes in g to their values after one step with
	// the learning rate lr, a float scalar of any dtype. The optimiser's memory is
	// read from and written to variables of state, by convention at StateScope.
	Update(g *Graph, state *model.Scope, params []Param, lr *Node)
}

// Config holds the choices of every optimiser; each reads those it has.
type Config struct {
	// WeightDecay is --weight-decay. Weights that Decayed declines are spared.
	WeightDecay float64
	// Momentum is --momentum, for sgd and momentum; it is taken as given.
	Momentum float64
	// Eps is --opt-eps; 0 is the optimiser's default: 1e-6 for LAMB, 1e-8 for Adam.
	Eps float64
	// Betas is --opt-betas; zeros are the default 0.9, 0.999.
	Betas [2]float64
}

// Names lists the optimisers that New knows.
func Names() []string {
	return []string{"lamb", "lambc", "adamw", "adam", "sgd", "nesterov", "momentum"}
}

// New returns the optimiser that timm makes of --opt=name. As there, "sgd" is
// stochastic gradient descent with Nesterov momentum, "momentum" has heavy-ball
// momentum, and "lambc" is LAMB with its trust ratio clipped at 1.
func New(name string, c Config) (Optimizer, error) {
	if c.WeightDecay < 0 {
		return nil, fmt.Errorf("--weight-decay=%g: want a number >= 0", c.WeightDecay)
	}
	eps := func(standard float64) float64 {
		if c.Eps != 0 {
			return c.Eps
		}
		return standard
	}
	betas := c.Betas
	if betas == [2]float64{} {
		betas = [2]float64{0.9, 0.999}
	}
	for _, b := range betas {
		if b < 0 || b >= 1 {
			return nil, fmt.Errorf("--opt-betas=%g %g: want two numbers in [0, 1)", betas[0], betas[1])
		}
	}
	switch name := strings.ToLower(name); name {
	case "lamb", "lambc":
		return LAMB{WeightDecay: c.WeightDecay, Beta1: betas[0], Beta2: betas[1], Eps: eps(1e-6), MaxGradNorm: 1, TrustClip: name == "lambc"}, nil
	case "adamw":
		return AdamW{WeightDecay: c.WeightDecay, Beta1: betas[0], Beta2: betas[1], Eps: eps(1e-8)}, nil
	case "adam":
		return Adam{WeightDecay: c.WeightDecay, Beta1: betas[0], Beta2: betas[1], Eps: eps(1e-8)}, nil
	case "sgd", "nesterov":
		if c.Momentum <= 0 {
			return nil, fmt.Errorf("--opt=%s --momentum=%g: Nesterov momentum must be > 0; for plain gradient descent use --opt=momentum --momentum=0", name, c.Momentum)
		}
		return SGD{WeightDecay: c.WeightDecay, Momentum: c.Momentum, Nesterov: true}, nil
	case "momentum":
		return SGD{WeightDecay: c.WeightDecay, Momentum: c.Momentum}, nil
	}
	return nil, fmt.Errorf("--opt=%s: choose one of %s", name, strings.Join(Names(), ", "))
}

// Decayed reports whether weight decay applies to a variable: to all but vectors,
// scalars and what is named a bias. A ViT's pos_embed is decayed: timm would spare
// it, but the original's uncertainty wrapper hides timm's list of exceptions.
func Decayed(v *model.Variable) bool {
	return v.Shape().Rank() > 1 && !strings.HasSuffix(v.Name(), ".bias")
}

// Gradients returns the trainable variables of scope that the scalar loss depends
// on, sorted by path, with their gradients. Variables without a way to the loss
// are left out, as in PyTorch, where they have no gradient at all: given a zero
// gradient instead, LAMB would decay a weight away in a few steps.
func Gradients(scope *model.Scope, loss *Node) []Param {
	g := loss.Graph()
	reached := ancestors(loss)
	var params []Param
	var nodes []*Node
	for v := range scope.IterVariables() {
		if v.Trainable && v.InUseByGraph(g) && reached[v.NodeValue(g)] {
			params = append(params, Param{Var: v})
		}
	}
	byPath(params)
	for _, p := range params {
		nodes = append(nodes, p.Var.NodeValue(g))
	}
	for i, grad := range Gradient(loss, nodes...) {
		params[i].Grad = grad
	}
	return params
}

// byPath sorts parameters: sums over them must not depend on the order in which the
// variables were made, which differs after a resume.
func byPath(params []Param) {
	sort.Slice(params, func(i, j int) bool { return params[i].Var.Path() < params[j].Var.Path() })
}

// ancestors returns the nodes that a gradient of y reaches: its inputs and theirs,
// up to StopGradient and to integers.
func ancestors(y *Node) map[*Node]bool {
	seen := map[*Node]bool{y: true}
	for queue := []*Node{y}; len(queue) > 0; {
		n := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if n.StopGradient() {
			continue
		}
		for _, in := range n.Inputs() {
			if in == nil || seen[in] || in.NumOutputs() == 1 && !in.DType().IsFloat() {
				continue
			}
			seen[in] = true
			queue = append(queue, in)
		}
	}
	return seen
}

// slot returns an optimiser's memory of a variable, zero at first.
func slot(state *model.Scope, of *model.Variable, name string) *model.Variable {
	v := state.Store().VariableWithShape(state.Scope()+of.Path()+"/"+name, of.Shape(), Zeros)
	return v.SetTrainable(false)
}

// tick adds one to the optimiser's count of steps and returns it as a float64
// scalar: 1 - beta^t loses half of its digits in float32.
func tick(g *Graph, state *model.Scope) *Node {
	v := state.Store().VariableWithShape(state.Scope()+"/step", shapes.Make(dtypes.Int64), Zeros).SetTrainable(false)
	t := AddScalar(v.NodeValue(g), 1)
	v.SetNodeValue(t)
	return ConvertDType(t, dtypes.Float64)
}

// biasCorrection returns 1 - beta^t, float64.
func biasCorrection(beta float64, t *Node) *Node {
	return OneMinus(Pow(Scalar(t.Graph(), dtypes.Float64, beta), t))
}

// times multiplies x by a scalar of any dtype.
func times(x, scalar *Node) *Node { return Mul(x, ConvertDType(scalar, x.DType())) }

// average moves the exponential moving average in v towards x, and returns it.
func average(v *model.Variable, beta float64, x *Node) *Node {
	y := Add(MulScalar(v.NodeValue(x.Graph()), beta), MulScalar(x, 1-beta))
	v.SetNodeValue(y)
	return y
}

// norm is the Euclidean norm of all elements of xs together, a scalar.
func norm(xs ...*Node) *Node {
	var sum *Node
	for _, x := range xs {
		s := ReduceAllSum(Square(x))
		if sum == nil {
			sum = s
		} else {
			sum = Add(sum, ConvertDType(s, sum.DType()))
		}
	}
	return Sqrt(sum)
}

func grads(params []Param) []*Node {
	out := make([]*Node, len(params))
	for i, p := range params {
		out[i] = p.Grad
	}
	return out
}
