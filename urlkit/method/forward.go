package method

import (
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/backbone"
	"urlbench/urlkit/head"
	"urlbench/urlkit/nn"
	"urlbench/urlkit/uncertainty"
)

// Outputs is what a model says of B images.
type Outputs struct {
	Logits      *Node // [B, C]; of several heads or passes, the log of their mean probability
	Uncertainty *Node // [B]
	Embedding   *Node // [B, D], not normalised
	Classifier  *Node // [C, D], the weight of the last linear layer; nil where there is none
}

// Heads is what an uncertainty may be read from.
type Heads struct {
	Outputs         // but for Uncertainty
	Samples   *Node // [S, B, C], logits of each head or dropout pass; nil where there is one
	CovLogDet *Node // [B], of HET-XL's covariance; nil elsewhere
}

// Forward builds the model of images [B, H, W, 3], normalised. Options that
// Validate refuses make it panic.
func Forward(c *nn.Context, images *Node, o Options) Outputs {
	if err := o.Validate(); err != nil {
		panic(err)
	}
	o = o.withDefaults()
	h := heads(c, images, o)
	out := h.Outputs
	out.Uncertainty = uncertainty.Scaled(c, modules[o.UncModule](c, h, o))
	if o.FreezeBackbone {
		freeze(c)
	}
	return out
}

// heads builds the backbone and what sits on it.
func heads(c *nn.Context, images *Node, o Options) Heads {
	name, _, _ := backbone.ParseModel(o.Model)
	bo := backbone.Options{DropPath: o.DropPath, Checkpoint: o.GradCheckpointing, Tap: o.Tap}
	at := backbone.HeadName(name)
	x := backbone.Features(c, name, images, bo)
	logits, classifier := head.Linear(c, at, x, o.Classes)
	return Heads{Outputs: Outputs{Logits: logits, Embedding: x, Classifier: classifier}}
}

// freeze takes all weights of the model but the pred-net's from the optimiser. As
// in the original, batch norm goes on to follow the batches.
func freeze(c *nn.Context) {
	for v := range c.Scope.IterVariables() {
		if !strings.HasPrefix(v.Name(), "unc_module.") {
			v.SetTrainable(false)
		}
	}
}

// modules are the functions behind --unc-module.
var modules = map[string]UncertaintyFunc{
	"pred-net": func(c *nn.Context, h Heads, o Options) *Node {
		return uncertainty.PredNet(c, h.Embedding, o.UncWidth)
	},
	"class-entropy": func(_ *nn.Context, h Heads, _ Options) *Node { return uncertainty.ClassEntropy(h.Logits) },
	"embed-norm":    func(_ *nn.Context, h Heads, _ Options) *Node { return uncertainty.EmbedNorm(h.Embedding) },
	"none":          func(_ *nn.Context, h Heads, _ Options) *Node { return uncertainty.Constant(h.Embedding) },
	"hetxl-det":     func(_ *nn.Context, h Heads, _ Options) *Node { return h.CovLogDet },
	"jsd": func(_ *nn.Context, h Heads, _ Options) *Node {
		if h.Samples == nil { // a dropout model in training makes one pass
			return uncertainty.ClassEntropy(h.Logits)
		}
		return uncertainty.JSD(h.Samples)
	},
}

// UncModules lists the values of --unc-module.
func UncModules() []string {
	var names []string
	for name := range modules {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
