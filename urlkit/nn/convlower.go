package nn

import . "github.com/gomlx/gomlx/core/graph"

// convolution is one way to write Convolve2D: x [N, H, W, Cin], w [Cout, Cin, kh, kw].
type convolution func(x, w *Node, stride int, pad [2][2]int) *Node

// im2colMaxSide is the largest output side at which XLA on the CPU gets patches
// and a matrix product in place of its own convolution. BenchmarkConvLowering
// measures other values, and is why this is a variable (docs/performance.md,
// Backbones: on resnet50 7 was faster; the convnet has not been measured with it).
var im2colMaxSide = 14

// chooseConvolution is the one place that decides how a convolution is written.
func chooseConvolution(l Lowering, x, w *Node, stride int, pad [2][2]int) convolution {
	kh, kw := w.Shape().Dim(2), w.Shape().Dim(3)
	pointwise := kh == 1 && kw == 1 && pad == [2][2]int{}
	side := OutputSide(x.Shape().Dim(1), kh, stride, pad[0])
	switch {
	case kh == stride && kw == stride && stride > 1 && pad == [2][2]int{}:
		return convTiles
	case kh%2 == 0 || kw%2 == 0:
		return convPatches // GoMLX v0.28.4 derives a wrong gradient for even kernels
	case l == LowerNative:
		return convNative
	case pointwise:
		return convPointwise
	case l == LowerMatMul, side <= im2colMaxSide:
		return convPatches
	}
	return convNative
}

// convNative is the backend's own convolution. GoMLX derives no gradient for it
// where the padding is as wide as the kernel, so there it is made part of x.
func convNative(x, w *Node, stride int, pad [2][2]int) *Node {
	for i, axis := range []int{1, 2} {
		if max(pad[i][0], pad[i][1]) >= w.Shape().Dim(2+i) {
			x = padAxis(x, axis, pad[i])
			pad[i] = [2]int{}
		}
	}
	hwio := TransposeAllAxes(w, 2, 3, 1, 0)
	return Convolve(x, hwio).Strides(stride).PaddingPerDim(pad[:]).Done()
}

// convPointwise writes a 1x1 convolution without padding as a matrix product.
func convPointwise(x, w *Node, stride int, _ [2][2]int) *Node {
	if stride > 1 {
		x = Slice(x, AxisRange(), AxisRange().Stride(stride), AxisRange().Stride(stride), AxisRange())
	}
	w = Reshape(w, w.Shape().Dim(0), w.Shape().Dim(1))
	return matMulRows(x, TransposeAllAxes(w, 1, 0))
}

// convTiles writes a convolution whose windows tile x, such as a ViT's patch
// embedding, as a transposition and a matrix product.
func convTiles(x, w *Node, stride int, _ [2][2]int) *Node {
	d := x.Shape().Dimensions
	n, ho, wo, in, out := d[0], d[1]/stride, d[2]/stride, d[3], w.Shape().Dim(0)
	x = Slice(x, AxisRange(), AxisRange(0, ho*stride), AxisRange(0, wo*stride), AxisRange())
	x = TransposeAllAxes(Reshape(x, n, ho, stride, wo, stride, in), 0, 1, 3, 2, 4, 5)
	x = Reshape(x, n, ho, wo, stride*stride*in)
	return matMulRows(x, Reshape(TransposeAllAxes(w, 2, 3, 1, 0), stride*stride*in, out))
}

// convPatches gathers the kernel's window around every output position (im2col)
// and multiplies the rows with the kernel.
func convPatches(x, w *Node, stride int, pad [2][2]int) *Node {
	out, in, kh, kw := w.Shape().Dim(0), w.Shape().Dim(1), w.Shape().Dim(2), w.Shape().Dim(3)
	rows := TransposeAllAxes(w, 2, 3, 1, 0)
	return matMulRows(patches(x, kh, kw, stride, pad), Reshape(rows, kh*kw*in, out))
}

// patches returns [N, H', W', kh·kw·C], window positions row by row, channels last.
func patches(x *Node, kh, kw, stride int, pad [2][2]int) *Node {
	ho := OutputSide(x.Shape().Dim(1), kh, stride, pad[0])
	wo := OutputSide(x.Shape().Dim(2), kw, stride, pad[1])
	x = padAxis(padAxis(x, 1, pad[0]), 2, pad[1])
	var parts []*Node
	for i := range kh {
		for j := range kw {
			parts = append(parts, Slice(x, AxisRange(),
				AxisRange(i, i+(ho-1)*stride+1).Stride(stride),
				AxisRange(j, j+(wo-1)*stride+1).Stride(stride), AxisRange()))
		}
	}
	return Concatenate(parts, -1)
}

// padAxis puts zeros before and after x along an axis; by concatenation, for Pad
// has no gradient in GoMLX.
func padAxis(x *Node, axis int, pad [2]int) *Node {
	zeros := func(n int) *Node {
		shape := x.Shape().Clone()
		shape.Dimensions[axis] = n
		return Zeros(x.Graph(), shape)
	}
	parts := []*Node{x}
	if pad[0] > 0 {
		parts = append([]*Node{zeros(pad[0])}, parts...)
	}
	if pad[1] > 0 {
		parts = append(parts, zeros(pad[1]))
	}
	if len(parts) == 1 {
		return x
	}
	return Concatenate(parts, axis)
}

// matMulRows multiplies the last axis of x [N, H, W, in] with w [in, out].
func matMulRows(x, w *Node) *Node {
	d := x.Shape().Dimensions
	flat := Reshape(x, d[0]*d[1]*d[2], d[3])
	return Reshape(MatMul(flat, w), d[0], d[1], d[2], w.Shape().Dim(1))
}
