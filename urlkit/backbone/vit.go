package backbone

import (
	"fmt"
	"math"
	"strconv"

	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
)

// The shape of vit_medium_patch16_gap_256.
const (
	vitPatch   = 16
	vitWidth   = 512
	vitDepth   = 12
	vitHeads   = 8
	vitMLP     = 4 * vitWidth
	vitEpsilon = 1e-6
)

// vitMedium is timm's vit_medium_patch16_gap_256: Dosovitskiy et al. 2021 without
// a class token, with LayerScale (Touvron et al. 2021), biases everywhere but on
// qkv, and the embedding averaged over the tokens after the last norm.
//
//	images [B, H, W, 3] -> tokens [B, T = H/16·W/16, 512] -> 12 blocks -> mean [B, 512]
//
// pos_embed is of the image's size; package weights brings weights of another
// size to it, as timm does.
func vitMedium(c *nn.Context, images *Node, o Options) *Node {
	g, d := images.Graph(), images.Shape().Dimensions
	if d[1]%vitPatch != 0 || d[2]%vitPatch != 0 {
		panic(fmt.Errorf("--img-size: %dx%d images, a ViT of patch %d takes multiples of %[3]d", d[1], d[2], vitPatch))
	}
	tokens := d[1] / vitPatch * (d[2] / vitPatch)
	bound := 1 / math.Sqrt(3*vitPatch*vitPatch)
	x := nn.Conv2D(c.In("patch_embed").In("proj"), images,
		nn.Conv{Out: vitWidth, Kernel: vitPatch, Stride: vitPatch, Bias: true, Init: nn.UniformInit(bound)})
	x = ConvertDType(Reshape(x, d[0], tokens, vitWidth), c.DType)
	o.Tap("patch_embed", x)
	x = Add(x, c.Param(g, "pos_embed", nn.NormalInit(0.02), 1, tokens, vitWidth))
	x = nn.Dropout(c, x, o.TokenDrop)
	for i := range vitDepth {
		name := "blocks." + strconv.Itoa(i)
		at := c.In(name)
		dropPath := o.DropPath * float64(i) / (vitDepth - 1)
		x = o.block(x, func(x *Node) *Node {
			y := attention(at.In("attn"), nn.LayerNorm(at.In("norm1"), x, vitEpsilon), o)
			o.Tap(name+".attn", y)
			x = Add(x, nn.DropPath(c, layerScale(at.In("ls1"), y), dropPath))
			y = mlp(at.In("mlp"), nn.LayerNorm(at.In("norm2"), x, vitEpsilon), o)
			return Add(x, nn.DropPath(c, layerScale(at.In("ls2"), y), dropPath))
		})
		o.Tap(name, x)
	}
	x = nn.LayerNorm(c.In("norm"), x, vitEpsilon)
	o.Tap("norm", x)
	return ReduceMean(x, 1)
}

// attention is multi-head self-attention: x [B, T, 512] -> the same.
func attention(c *nn.Context, x *Node, o Options) *Node {
	batch, tokens := x.Shape().Dim(0), x.Shape().Dim(1)
	const width = vitWidth / vitHeads
	qkv := linear(c.In("qkv"), x, 3*vitWidth, false)
	parts := Split(ConvertDType(Reshape(qkv, batch, tokens, 3, vitHeads, width), c.Compute), 2, 3)
	for i := range parts { // [B, heads, T, width]
		parts[i] = TransposeAllAxes(Squeeze(parts[i], 2), 0, 2, 1, 3)
	}
	q, k, v := MulScalar(parts[0], 1/math.Sqrt(width)), parts[1], parts[2]
	scores := DotGeneral(q, []int{3}, []int{0, 1}, k, []int{3}, []int{0, 1}) // [B, heads, T, T]
	weights := nn.Dropout(c, Softmax(ConvertDType(scores, c.DType)), o.AttentionDrop)
	y := DotGeneral(ConvertDType(weights, c.Compute), []int{3}, []int{0, 1}, v, []int{2}, []int{0, 1})
	y = Reshape(TransposeAllAxes(y, 0, 2, 1, 3), batch, tokens, vitWidth)
	return nn.Dropout(c, linear(c.In("proj"), y, vitWidth, true), o.TokenDrop)
}

// mlp is Linear(2048), GELU, Linear(512) on each token: x [B, T, 512] -> the same.
func mlp(c *nn.Context, x *Node, o Options) *Node {
	x = nn.Dropout(c, nn.GELU(linear(c.In("fc1"), x, vitMLP, true)), o.TokenDrop)
	return nn.Dropout(c, linear(c.In("fc2"), x, vitWidth, true), o.TokenDrop)
}

// linear is nn.Linear with timm's initial values for a ViT: N(0, 0.02²), bias 0.
func linear(c *nn.Context, x *Node, out int, bias bool) *Node {
	y := nn.LinearInit(c, x, out, false, nn.NormalInit(0.02))
	if bias {
		y = Add(y, ExpandLeftToRank(c.Param(x.Graph(), "bias", nn.ConstInit(0), out), y.Rank()))
	}
	return y
}

// layerScale multiplies each feature by a learned factor that starts at 1e-6.
func layerScale(c *nn.Context, x *Node) *Node {
	return Mul(x, ExpandLeftToRank(c.Param(x.Graph(), "gamma", nn.ConstInit(1e-6), vitWidth), x.Rank()))
}
