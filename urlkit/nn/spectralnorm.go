package nn

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/semantics"
)

// Spectral bounds a convolution's Lipschitz constant by spectral normalisation
// (Miyato et al., ICLR 2018; for SNGP, Liu et al., NeurIPS 2020, section 3.1): with
// s the largest singular value of the convolution as a linear map of images, its
// weight W acts as W min(1, Bound/s). s is estimated by power iteration on an image
// v and its response u, one step per training pass.
//
// Corrected is that: the map is the convolution as it is used, padding included, s
// is |A v| and the gradients are those of W min(1, Bound/s(W)), u and v held fixed.
//
// Original differs in these ways:
//   - The map's padding is TensorFlow's "SAME" for an image of u's size, not v's, so
//     that a 3x3 convolution of stride 2 with even u is measured on an image that is
//     two pixels larger, and u and v grow by one and two at their first iteration.
//   - s = <A v, u> of the raw Gaussian start values, if a model is evaluated that was
//     never trained, is a random number; a negative one flips the weight's sign.
//   - W is exchanged for the scaled weight in the forward pass only: the gradient of
//     the scaled weight is applied to W as it is, and the gradient of the input is
//     that of the unscaled W.
type Spectral struct {
	Bound      float64 // --spec-norm-bound
	Iterations int     // per training pass; 0 means 1
	Semantics  semantics.Semantics
	// Observe, if set, is shown the factor on the weight, a scalar, of every layer.
	Observe func(layer string, factor *Node)
}

// SpectralConv2D is Conv2D with its weight bounded: x [N, H, W, Cin] ->
// [N, H', W', Out]. The weight is the entry "layer.weight"; the power iteration's
// state is "u" [1, Out, h, w] and "v" [1, Cin, h', w'], made for x's size on first
// use and of that size from then on, whatever images come later. Only a training
// pass iterates.
func SpectralConv2D(c *Context, x *Node, conv Conv, s Spectral) *Node {
	if !(s.Bound > 0) {
		panic(fmt.Errorf("nn.SpectralConv2D: --spec-norm-bound=%g, want a number > 0", s.Bound))
	}
	s.Iterations = max(1, s.Iterations)
	g, in := x.Graph(), x.Shape().Dim(-1)
	layer := c.In("layer")
	w := layer.Param(g, "weight", conv.init(), conv.Out, in, conv.Kernel, conv.Kernel)
	power := *c
	power.Compute = c.DType // the estimate must not depend on --amp
	sides := [2]int{x.Shape().Dim(1), x.Shape().Dim(2)}

	var factor *Node
	if s.Semantics == semantics.Corrected {
		factor = s.factor(powerOfLayer(&power, w, conv, sides, s.Iterations))
	} else {
		factor = StopGradient(s.factor(powerOfOriginal(&power, StopGradient(w), conv, sides, s.Iterations)))
		x, w = undoFactor(x, factor), undoFactor(w, factor)
	}
	if s.Observe != nil {
		s.Observe(c.Name("layer"), factor)
	}
	pad := [2]int{conv.Pad, conv.Pad}
	y := Convolve2D(c, x, Mul(w, factor), conv.Stride, [2][2]int{pad, pad})
	if conv.Bias {
		bound := 1 / math.Sqrt(float64(in*conv.Kernel*conv.Kernel))
		b := layer.Param(g, "bias", UniformInit(bound), conv.Out)
		y = Add(y, ExpandLeftToRank(ConvertDType(b, y.DType()), y.Rank()))
	}
	return y
}

// factor is min(1, Bound/s), and 1 where s is 0 or NaN; a negative s gives a
// negative factor, as in the original.
func (s Spectral) factor(sigma *Node) *Node {
	one := OnesLike(sigma)
	known := NotEqual(sigma, ZerosLike(sigma))
	ratio := Div(MulScalar(one, s.Bound), Where(known, sigma, one))
	return Where(LogicalAnd(known, LessThan(ratio, one)), ratio, one)
}

// undoFactor is x, but its gradient is divided by the factor that the weight will
// be multiplied by: the gradients of x*(factor W) then come out as those of x*W for
// x, and as the scaled weight's own for W.
func undoFactor(x, factor *Node) *Node {
	return IdentityWithCustomGradient(x, func(_, v *Node) *Node { return Div(v, ConvertDType(factor, v.DType())) })
}

// powerOfLayer advances the power iteration on the convolution itself, in training,
// and returns its estimate of the largest singular value, |A v|, differentiable in
// w.
func powerOfLayer(c *Context, w *Node, conv Conv, sides [2]int, iterations int) *Node {
	g, in := w.Graph(), w.Shape().Dim(1)
	pad := [2][2]int{{conv.Pad, conv.Pad}, {conv.Pad, conv.Pad}}
	if old := c.Scope.GetVariable(c.Name("v")); old != nil {
		sides = [2]int{old.Shape().Dim(2), old.Shape().Dim(3)}
	}
	var out [2]int
	for i, side := range sides {
		out[i] = OutputSide(side, conv.Kernel, conv.Stride, pad[i])
	}
	uState := c.Buffer("u", NormalInit(1), c.DType, 1, conv.Out, out[0], out[1])
	vState := c.Buffer("v", NormalInit(1), c.DType, 1, in, sides[0], sides[1])
	u, v, fixed := channelsLast(uState.NodeValue(g)), unit(channelsLast(vState.NodeValue(g))), StopGradient(w)
	response := func(w, v *Node) *Node { return Convolve2D(c, v, w, conv.Stride, pad) }
	if c.Training {
		for range iterations {
			v = unit(adjoint(c, u, fixed, conv.Stride, [2]int{conv.Pad, conv.Pad}, sides))
			u = unit(response(fixed, v))
		}
		uState.SetNodeValue(channelsFirst(u))
		vState.SetNodeValue(channelsFirst(v))
	} else {
		u = unit(response(fixed, v))
	}
	return ReduceAllSum(Mul(response(w, StopGradient(v)), StopGradient(u)))
}

// unit divides x by its Euclidean norm, taken as one vector.
func unit(x *Node) *Node {
	return Div(x, MaxScalar(Sqrt(ReduceAllSum(Square(x))), 1e-12))
}

// adjoint is the transposed convolution of y [1, h, w, Out] with w [Out, Cin, k, k],
// to an image with the given sides, [1, sides, Cin]: y's pixels are spread stride
// apart and the kernel is laid down at each, where the convolution read them with
// pad rows (columns) of zeros before the image.
func adjoint(c *Context, y, w *Node, stride int, pad, sides [2]int) *Node {
	kernel := [2]int{w.Shape().Dim(2), w.Shape().Dim(3)}
	var around [2][2]int
	for i := range 2 {
		y = spread(y, 1+i, stride)
		around[i][0] = kernel[i] - 1 - pad[i]
		around[i][1] = sides[i] + kernel[i] - 1 - around[i][0] - y.Shape().Dim(1+i)
		if around[i][0] < 0 || around[i][1] < 0 {
			panic(fmt.Errorf("nn: no transposed convolution from %s to sides %v with kernel %v, stride %d and padding %v", y.Shape(), sides, kernel, stride, pad))
		}
	}
	flipped := Reverse(TransposeAllAxes(w, 1, 0, 2, 3), 2, 3)
	return Convolve2D(c, y, flipped, 1, around)
}

// spread puts stride-1 zeros between neighbours along an axis.
func spread(x *Node, axis, stride int) *Node {
	if stride == 1 {
		return x
	}
	dims := x.Shape().Dimensions
	n := dims[axis]
	apart := padAxis(InsertAxes(x, axis+1), axis+1, [2]int{0, stride - 1})
	joined := append(append(append([]int{}, dims[:axis]...), n*stride), dims[axis+1:]...)
	return first(Reshape(apart, joined...), axis, (n-1)*stride+1)
}

// first keeps the first n entries along an axis.
func first(x *Node, axis, n int) *Node {
	if x.Shape().Dim(axis) == n {
		return x
	}
	ranges := make([]SliceAxisSpec, x.Rank())
	for i := range ranges {
		ranges[i] = AxisRange()
	}
	ranges[axis] = AxisRange(0, n)
	return Slice(x, ranges...)
}

func channelsLast(x *Node) *Node  { return TransposeAllAxes(x, 0, 2, 3, 1) }
func channelsFirst(x *Node) *Node { return TransposeAllAxes(x, 0, 3, 1, 2) }
