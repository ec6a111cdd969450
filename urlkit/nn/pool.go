package nn

import (
	"fmt"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
)

// GlobalMean averages over the spatial axes, in c.DType: x [N, H, W, C] -> [N, C].
func GlobalMean(c *Context, x *Node) *Node {
	return ReduceMean(ConvertDType(x, c.DType), 1, 2)
}

// MaxPool2D is torch.nn.MaxPool2d: x [N, H, W, C] -> [N, H', W', C], the largest
// value of each window of side kernel, stride apart, with pad positions around x
// that never win; H' = (H + 2·pad - kernel)/stride + 1.
//
// Where values tie, the gradient goes to the first of the window, row by row, as
// in PyTorch. It is written by hand: the derived one scatters, which XLA does
// one element at a time on a CPU.
func MaxPool2D(x *Node, kernel, stride, pad int) *Node {
	if pad > kernel/2 {
		panic(fmt.Errorf("nn.MaxPool2D: pad %d, want at most half of the kernel's side %d", pad, kernel))
	}
	forward := func(x *Node, _ []*Node) *Node {
		return MaxPool(x).Window(kernel).Strides(stride).PaddingPerDim([][2]int{{pad, pad}, {pad, pad}}).Done()
	}
	backward := func(x, v *Node) (*Node, []*Node) {
		return maxPoolGradient(x, forward(x, nil), v, kernel, stride, pad), nil
	}
	return withVJP(x, nil, forward, backward)
}

// maxPoolGradient hands v, the gradient of y, to the x that were the largest of
// their windows.
func maxPoolGradient(x, y, v *Node, kernel, stride, pad int) *Node {
	g := x.Graph()
	h, w := x.Shape().Dim(1), x.Shape().Dim(2)
	ho, wo := y.Shape().Dim(1), y.Shape().Dim(2)
	axis := func(start, end, interior int) compute.PadAxis {
		return compute.PadAxis{Start: start, End: end, Interior: interior}
	}
	padded := Pad(x, Infinity(g, x.DType(), -1), axis(0, 0, 0), axis(pad, pad, 0), axis(pad, pad, 0))
	zero := ScalarZero(g, v.DType())
	var taken, sum *Node
	for i := range kernel {
		for j := range kernel {
			at := Slice(padded, AxisRange(),
				AxisRange(i, i+(ho-1)*stride+1).Stride(stride),
				AxisRange(j, j+(wo-1)*stride+1).Stride(stride))
			wins := Equal(at, y)
			if taken == nil {
				taken = wins
			} else {
				wins, taken = And(wins, Not(taken)), Or(wins, taken)
			}
			part := Pad(Where(wins, v, ZerosLike(v)), zero, axis(0, 0, 0),
				axis(i, h+2*pad-i-(ho-1)*stride-1, stride-1),
				axis(j, w+2*pad-j-(wo-1)*stride-1, stride-1))
			if sum == nil {
				sum = part
			} else {
				sum = Add(sum, part)
			}
		}
	}
	return Slice(sum, AxisRange(), AxisRange(pad, pad+h), AxisRange(pad, pad+w))
}
