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
	Samples     *Node // [S, B, C], logits of each head or dropout pass; nil where there is only one
	CovLogDet   *Node // [B], of HET-XL's covariance; nil elsewhere
}

// Forward builds the model of images [B, H, W, 3], normalised. Options that
// Validate refuses make it panic.
func Forward(c *nn.Context, images *Node, o Options) Outputs {
	if err := o.Validate(); err != nil {
		panic(err)
	}
	o = o.withDefaults()
	out := predict(c, images, o)
	out.Uncertainty = uncertainty.Scaled(c, modules[o.UncModule](c, out, o))
	if o.FreezeBackbone {
		freeze(c)
	}
	return out
}

// predict builds the backbone and what sits on it: all but the uncertainty.
func predict(c *nn.Context, images *Node, o Options) Outputs {
	if passes := o.passes(c); passes > 0 {
		return averagePasses(c, images, passes, o)
	}
	return onEmbedding(c, embed(c, images, o), o)
}

// embed builds the backbone as the model's variant changes it: images [B, H, W, 3]
// -> [B, D].
func embed(c *nn.Context, images *Node, o Options) *Node {
	name, variant, _ := backbone.ParseModel(o.Model)
	bo := backbone.Options{DropPath: o.DropPath, Checkpoint: o.GradCheckpointing, Tap: o.Tap}
	if o.UseSpecNorm && variant == "sngp" {
		bo.Conv = o.spectral()
	}
	o.setDropout(c, &bo)
	x := backbone.Features(c, name, images, bo)
	if variant != "dropout" && name != vit && c.Training {
		x = nn.Dropout(c, x, o.Drop)
	}
	return x
}

// onEmbedding builds the head on x [B, D].
func onEmbedding(c *nn.Context, x *Node, o Options) Outputs {
	name, variant, _ := backbone.ParseModel(o.Model)
	at := backbone.HeadName(name)
	switch variant {
	case "hetxl":
		h := head.HETXL(c, at, x, o.Classes, o.hetxl())
		return Outputs{Logits: h.Logits, Embedding: x, Classifier: h.Classifier, CovLogDet: h.CovLogDet}
	case "sngp":
		return Outputs{Logits: head.GP(c, at, x, o.Classes, o.gp()), Embedding: x}
	}
	logits, classifier := head.Linear(c, at, x, o.Classes)
	if o.NumHeads > 1 {
		// The plain head stays in the state_dict, unused, as in the original.
		samples := head.Ensemble(c, x, o.Classes, o.NumHeads)
		return Outputs{Logits: uncertainty.MeanLogits(samples), Embedding: x, Classifier: classifier, Samples: samples}
	}
	return Outputs{Logits: logits, Embedding: x, Classifier: classifier}
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
	"pred-net": func(c *nn.Context, out Outputs, o Options) *Node {
		return uncertainty.PredNet(c, out.Embedding, o.UncWidth)
	},
	"class-entropy": func(_ *nn.Context, out Outputs, _ Options) *Node { return uncertainty.ClassEntropy(out.Logits) },
	"embed-norm":    func(_ *nn.Context, out Outputs, _ Options) *Node { return uncertainty.EmbedNorm(out.Embedding) },
	"none":          func(_ *nn.Context, out Outputs, _ Options) *Node { return uncertainty.Constant(out.Embedding) },
	"hetxl-det":     func(_ *nn.Context, out Outputs, _ Options) *Node { return out.CovLogDet },
	"jsd": func(_ *nn.Context, out Outputs, _ Options) *Node {
		if out.Samples == nil { // a dropout model in training makes one pass
			return uncertainty.ClassEntropy(out.Logits)
		}
		return uncertainty.JSD(out.Samples)
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
