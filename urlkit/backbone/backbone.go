// Package backbone builds the networks that turn images into embeddings.
//
//	c := nn.NewContext(scope, dtypes.Float32, false)
//	embedding := backbone.Features(c, "resnet50", images, backbone.Options{}) // [batch, 2048]
//
// Weights are named and laid out as timm's state_dict has them; images are
// channels last and normalised.
package backbone

import (
	"fmt"
	"sort"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
)

// Options are the changes that the benchmark's methods make to a backbone. The
// zero value is the plain one. Dropout rates act whenever they are above 0, in
// training or not: who calls decides.
type Options struct {
	// Conv writes the convolutions of the blocks (not the stem's), nil for
	// nn.Conv2D; SNGP normalises their spectrum here.
	Conv func(c *nn.Context, x *Node, conv nn.Conv) *Node
	// StemDrop and BlockDrop are the dropout rates after the ReLU of the stem and
	// after every ReLU of the blocks, of the convolutional backbones.
	StemDrop, BlockDrop float64
	// TokenDrop is the ViT's rate after the position embedding, after each
	// attention and within each MLP; AttentionDrop is the rate on attention weights.
	TokenDrop, AttentionDrop float64
	// DropPath is the rate of the last block at which a residual branch is left
	// out for an image; earlier blocks have less, linearly. In training only.
	DropPath float64
	// Checkpoint keeps only the blocks' inputs for the backward pass and computes
	// the rest again (--grad-checkpointing).
	Checkpoint bool
	// Tap, where set, is shown the outputs of the modules in the order of execution,
	// under the names that PyTorch's modules have.
	Tap func(module string, output *Node)
}

// network is one backbone.
type network struct {
	features  int    // width of the embedding
	imageSize int    // side of the images that it was made for
	head      string // state_dict name of its linear classifier
	build     func(c *nn.Context, images *Node, o Options) *Node
}

var networks = map[string]network{
	"convnet":                    {128, 32, "fc", convnet},
	"resnet50":                   {2048, 224, "fc", resnet50},
	"vit_medium_patch16_gap_256": {512, 256, "head", vitMedium},
}

// Names lists the backbones.
func Names() []string {
	var names []string
	for name := range networks {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// ParseModel takes a model's name, such as resnet50hetxl, apart: the backbone and the
// variant that follows it, which may be empty.
func ParseModel(model string) (name, variant string, err error) {
	for n := range networks {
		if rest, ok := strings.CutPrefix(model, n); ok && len(n) > len(name) {
			name, variant = n, rest
		}
	}
	if name == "" {
		return "", "", fmt.Errorf("--model=%s: want one of %s", model, strings.Join(Names(), ", "))
	}
	return name, variant, nil
}

// Size returns the width D of the backbone's embeddings and the side of the
// images that it was made for.
func Size(name string) (features, imageSize int) {
	n := mustFind(name)
	return n.features, n.imageSize
}

// HeadName returns the state_dict name of the backbone's classifier: "fc" or "head".
func HeadName(name string) string { return mustFind(name).head }

// Features returns the pooled embeddings [B, D], in c.DType, of images
// [B, H, W, 3], normalised. D is Size's.
func Features(c *nn.Context, name string, images *Node, o Options) *Node {
	if images.Rank() != 4 || images.Shape().Dim(3) != 3 {
		panic(fmt.Errorf("backbone.Features: images %s, want [batch, height, width, 3]", images.Shape()))
	}
	if o.Conv == nil {
		o.Conv = nn.Conv2D
	}
	if o.Tap == nil {
		o.Tap = func(string, *Node) {}
	}
	x := mustFind(name).build(c, images, o)
	x.AssertDims(images.Shape().Dim(0), mustFind(name).features)
	return x
}

func mustFind(name string) network {
	n, ok := networks[name]
	if !ok {
		panic(fmt.Errorf("backbone %q: want one of %s", name, strings.Join(Names(), ", ")))
	}
	return n
}

// block runs one block of a network, under gradient checkpointing if that is on.
func (o Options) block(x *Node, f func(x *Node) *Node) *Node {
	if !o.Checkpoint {
		return f(x)
	}
	// The barrier shields x: GoMLX v0.28.4 clones Checkpoint's barrier as its input, and
	// overwrites that node's custom gradient (a max pooling's, say) with none.
	return f(OptimizationBarrier(x).Checkpoint()).StopCheckpoint()
}
