package nn

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Conv describes a 2-dimensional convolution as torch.nn.Conv2d does: square
// kernel, the same stride and zero padding along both axes.
type Conv struct {
	Out, Kernel, Stride, Pad int
	Bias                     bool
	// Init draws the weight; nil is He's normal initialisation by fan-out,
	// N(0, 2/(Out·Kernel²)), as timm's ResNets have it.
	Init model.VariableInitializer
}

// Conv2D convolves x [N, H, W, Cin] -> [N, H', W', Out] with the entries "weight"
// [Out, Cin, Kernel, Kernel] and, where Bias is set, "bias" [Out];
// H' = (H + 2·Pad - Kernel)/Stride + 1. The result is of c.Compute.
func Conv2D(c *Context, x *Node, conv Conv) *Node {
	g, in := x.Graph(), x.Shape().Dim(-1)
	w := c.Param(g, "weight", conv.init(), conv.Out, in, conv.Kernel, conv.Kernel)
	y := Convolve2D(c, x, w, conv.Stride, [2][2]int{{conv.Pad, conv.Pad}, {conv.Pad, conv.Pad}})
	if conv.Bias {
		y = c.addBias(y, conv, in)
	}
	return y
}

// addBias adds the entry "bias" [Out] to a convolution's output, initialised as
// PyTorch's: uniform in ±1/sqrt(fan-in).
func (c *Context) addBias(y *Node, conv Conv, in int) *Node {
	bound := 1 / math.Sqrt(float64(in*conv.Kernel*conv.Kernel))
	b := ConvertDType(c.Param(y.Graph(), "bias", UniformInit(bound), conv.Out), y.DType())
	return Add(y, ExpandLeftToRank(b, 4))
}

func (conv Conv) init() model.VariableInitializer {
	if conv.Init != nil {
		return conv.Init
	}
	return NormalInit(math.Sqrt(2 / float64(conv.Out*conv.Kernel*conv.Kernel)))
}

// Convolve2D is the convolution without a layer around it: x [N, H, W, Cin] and
// w [Cout, Cin, kh, kw] (PyTorch's order) -> [N, H', W', Cout], with zeros padded
// around x: pad[0] = (top, bottom), pad[1] = (left, right). It is computed and
// returned in c.Compute, written as c.Lowering has it, and differentiable in x
// and w. As in PyTorch, the kernel is not flipped (a cross-correlation).
func Convolve2D(c *Context, x, w *Node, stride int, pad [2][2]int) *Node {
	if x.Rank() != 4 || w.Rank() != 4 || x.Shape().Dim(3) != w.Shape().Dim(1) {
		panic(fmt.Errorf("nn.Convolve2D: x %s and w %s, want [N, H, W, Cin] and [Cout, Cin, kh, kw]", x.Shape(), w.Shape()))
	}
	x, w = ConvertDType(x, c.Compute), ConvertDType(w, c.Compute)
	return chooseConvolution(c.Lowering, x, w, stride, pad)(x, w, stride, pad)
}

// OutputSide returns the length of a convolution's or pooling's output along one
// axis.
func OutputSide(side, kernel, stride int, pad [2]int) int {
	return (side+pad[0]+pad[1]-kernel)/stride + 1
}
