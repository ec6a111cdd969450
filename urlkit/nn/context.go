// Package nn holds the layers that the backbones and heads are made of, with
// PyTorch's semantics where numbers depend on them, as GoMLX graph functions.
//
//	func head(c *nn.Context, x *Node) *Node {      // x: [batch, features]
//		return nn.Linear(c.In("fc"), x, 1000)      // [batch, 1000]
//	}
//
// A layer finds its weights by name: the name is the key of timm's state_dict and
// the layout is PyTorch's ([out, in], [out, in, h, w]), so weights go in and out
// of the Python world without renaming or transposing. Activations are channels
// last: [batch, height, width, channels].
//
// Graph-building functions panic on misuse, as GoMLX's do; urlkit turns that into
// errors at its border.
package nn

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// ModelScope is the scope of a Store that holds the model: every variable in it,
// and nothing else, is an entry of the state_dict, named by its key.
const ModelScope = "/model"

// Context is what a layer needs to add its part to a graph. In makes the context
// of a submodule; the rest is shared.
type Context struct {
	Scope    *model.Scope // at ModelScope
	Training bool         // batch statistics, dropout
	// DType is the dtype of weights, statistics, softmax and losses: Float32, or
	// Float64 where the fixtures are compared.
	DType dtypes.DType
	// Compute is the dtype of convolutions and matrix products: BFloat16 under
	// --amp, else DType.
	Compute dtypes.DType
	// Lowering says how convolutions are written for the backend at hand.
	Lowering Lowering
	// Random draws dropout masks and noise.
	Random Random

	prefix string
}

// Random draws the random numbers of a graph. Store-backed draws continue a
// stream that checkpoints keep; tests put the recorded draws in their place.
type Random interface {
	// Uniform draws from [0, 1).
	Uniform(g *Graph, shape shapes.Shape) *Node
	// Normal draws from N(0, 1).
	Normal(g *Graph, shape shapes.Shape) *Node
}

// ScopeRandom draws from the stream of the scope's Store.
type ScopeRandom struct{ Scope *model.Scope }

// Uniform implements Random.
func (r ScopeRandom) Uniform(g *Graph, shape shapes.Shape) *Node {
	return r.Scope.RandomUniform(g, shape)
}

// Normal implements Random.
func (r ScopeRandom) Normal(g *Graph, shape shapes.Shape) *Node {
	return r.Scope.RandomNormal(g, shape)
}

// NewContext returns the context of a whole model whose variables live in the
// scope's Store under ModelScope, in dtype, drawing from the Store's stream.
func NewContext(scope *model.Scope, dtype dtypes.DType, training bool) *Context {
	at := scope.Store().Scope(ModelScope)
	return &Context{Scope: at, Training: training, DType: dtype, Compute: dtype, Random: ScopeRandom{at}}
}

// In returns the context of the named submodule: In("layer1").In("0") sees the
// weights "layer1.0.…".
func (c *Context) In(name string) *Context {
	sub := *c
	sub.prefix = c.prefix + name + "."
	return &sub
}

// Name returns the state_dict key of an entry of this module.
func (c *Context) Name(entry string) string { return c.prefix + entry }

// Param returns the named trainable weight as a node in c.DType, created by init
// if the Store has none.
func (c *Context) Param(g *Graph, entry string, init model.VariableInitializer, dims ...int) *Node {
	return c.variable(entry, init, true, c.DType, dims).NodeValue(g)
}

// Frozen returns the named weight that no optimiser touches but the state_dict
// holds.
func (c *Context) Frozen(g *Graph, entry string, init model.VariableInitializer, dims ...int) *Node {
	return c.variable(entry, init, false, c.DType, dims).NodeValue(g)
}

// Buffer returns the named state (running statistics and the like) as a variable,
// to be read with NodeValue and written with SetNodeValue. Most are of c.DType;
// the counters of the state_dict are Int64.
func (c *Context) Buffer(entry string, init model.VariableInitializer, dtype dtypes.DType, dims ...int) *model.Variable {
	return c.variable(entry, init, false, dtype, dims)
}

func (c *Context) variable(entry string, init model.VariableInitializer, trainable bool, dtype dtypes.DType, dims []int) *model.Variable {
	v := c.Scope.WithInitializer(init).VariableWithShape(c.Name(entry), shapes.Make(dtype, dims...))
	v.SetTrainable(trainable)
	return v
}
