package nn

import (
	"fmt"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// powerOfOriginal advances the original's power iteration, in training, and returns
// its estimate of the largest singular value, <A v, u>.
//
// The state starts at the image's size and may change its size at the first
// iteration. Variables can't, so they are made in the final size, with the start
// values in their first rows and columns and zeros in the last: a u whose last row
// and column are zero has not been iterated yet.
func powerOfOriginal(c *Context, w *Node, conv Conv, sides [2]int, iterations int) *Node {
	g, in := w.Graph(), w.Shape().Dim(1)
	geometry := sameGeometry{conv.Kernel, conv.Stride, iterations}
	fresh := [2]int{sides[0] / conv.Stride, sides[1] / conv.Stride}
	uVar, vVar := c.Scope.GetVariable(c.Name("u")), c.Scope.GetVariable(c.Name("v"))
	if uVar != nil {
		fresh = [2]int{uVar.Shape().Dim(2), uVar.Shape().Dim(3)}
	}
	final, image := geometry.next(fresh)
	if again, _ := geometry.next(final); again != final {
		panic(fmt.Errorf("nn.SpectralConv2D: layer %s: the original's u grows with every pass (%v, %v, %v, …) at kernel %d, stride %d and %d iterations: use 1 iteration, or --semantics=corrected",
			c.Name("layer"), fresh, final, again, conv.Kernel, conv.Stride, iterations))
	}
	if uVar != nil && vVar != nil {
		grow(uVar, final)
		grow(vVar, image)
	}
	uState := c.Buffer("u", startIn(fresh), c.DType, 1, conv.Out, final[0], final[1])
	vState := c.Buffer("v", startIn(sides), c.DType, 1, in, image[0], image[1])
	u, v := channelsLast(uState.NodeValue(g)), channelsLast(vState.NodeValue(g))

	started := func(size [2]int, u, v *Node) (nextU, nextV, sigma *Node) {
		pad := geometry.pad(size)
		if c.Training {
			u, v = geometry.iterate(c, w, u, pad)
		}
		return u, v, ReduceAllSum(Mul(geometry.respond(c, w, v, pad, u), u))
	}
	nextU, nextV, sigma := started(final, u, v)
	smaller := [2]int{final[0] - 1, final[1] - 1}
	if smaller[0] > 0 && smaller[1] > 0 {
		if size, _ := geometry.next(smaller); size == final {
			rim := Add(ReduceAllSum(Abs(lastOf(u, 1))), ReduceAllSum(Abs(lastOf(u, 2))))
			unstarted := Equal(rim, ZerosLike(rim))
			u0, v0, sigma0 := started(smaller, first(first(u, 1, smaller[0]), 2, smaller[1]), v)
			if c.Training {
				nextU, nextV = Where(unstarted, u0, nextU), Where(unstarted, v0, nextV)
			}
			sigma = Where(unstarted, sigma0, sigma)
		}
	}
	if c.Training {
		uState.SetNodeValue(channelsFirst(nextU))
		vState.SetNodeValue(channelsFirst(nextV))
	}
	return sigma
}

// sameGeometry is the original's map from v to u: a convolution with the padding
// that TensorFlow's SAME would have for an image of u's size.
type sameGeometry struct{ kernel, stride, iterations int }

// pad returns the padding (before, after) of both axes for a u of the given size.
func (s sameGeometry) pad(size [2]int) (pad [2][2]int) {
	for i, n := range size {
		last := n % s.stride
		if last == 0 {
			last = s.stride
		}
		total := max(s.kernel-last, 0)
		pad[i] = [2]int{total / 2, total - total/2}
	}
	return pad
}

// transposed returns the padding and the result's size of the transposed
// convolution of a u of the given size. The original hands the width's padding to
// the height and the other way round, which shows for oblong images only.
func (s sameGeometry) transposed(size [2]int, pad [2][2]int) (cut, image [2]int) {
	cut = [2]int{(pad[1][0] + pad[1][1]) / 2, (pad[0][0] + pad[0][1]) / 2}
	for i, n := range size {
		image[i] = (n-1)*s.stride - 2*cut[i] + s.kernel
		if s.stride == 2 {
			image[i]++
		}
	}
	return cut, image
}

// next returns the sizes of u and v after a training pass that starts from a u of
// the given size.
func (s sameGeometry) next(size [2]int) (u, v [2]int) {
	u = size
	pad := s.pad(size) // computed once per pass, even if u changes in it
	for range s.iterations {
		_, v = s.transposed(u, pad)
		for i := range u {
			u[i] = OutputSide(v[i], s.kernel, s.stride, pad[i])
		}
	}
	return u, v
}

// iterate returns u and v after the iterations of a pass, channels last.
func (s sameGeometry) iterate(c *Context, w, u *Node, pad [2][2]int) (nextU, nextV *Node) {
	for range s.iterations {
		cut, image := s.transposed([2]int{u.Shape().Dim(1), u.Shape().Dim(2)}, pad)
		nextV = unit(adjoint(c, u, w, s.stride, cut, image))
		u = unit(Convolve2D(c, nextV, w, s.stride, pad))
	}
	return u, nextV
}

// respond is A v cut to u's size. v may hold zeros after its last row and column,
// instead of the padding: they are as good.
func (s sameGeometry) respond(c *Context, w, v *Node, pad [2][2]int, u *Node) *Node {
	for i := range 2 {
		need := (u.Shape().Dim(1+i)-1)*s.stride + s.kernel - pad[i][0]
		v = first(v, 1+i, min(need, v.Shape().Dim(1+i)))
		pad[i][1] = need - v.Shape().Dim(1+i)
	}
	return Convolve2D(c, v, w, s.stride, pad)
}

func lastOf(x *Node, axis int) *Node {
	return SliceAxis(x, axis, AxisElem(x.Shape().Dim(axis)-1))
}

// startIn draws N(0, 1) for the first rows and columns of a [1, C, H, W], as many
// as size says and there are, and leaves the others zero.
func startIn(size [2]int) model.VariableInitializer {
	return func(g *Graph, shape shapes.Shape) *Node {
		drawn := shape.Clone()
		for i := range 2 {
			drawn.Dimensions[2+i] = min(size[i], shape.Dim(2+i))
		}
		x := model.GetStore(g).RandomNormal(g, drawn)
		for i := range 2 {
			x = padAxis(x, 2+i, [2]int{0, shape.Dim(2+i) - drawn.Dim(2+i)})
		}
		return x
	}
}

// grow gives a variable [1, C, h, w] that a checkpoint of the original, or a test,
// has put into the Store in its starting size the size that it will have: its
// values in the first rows and columns, zeros in the others.
func grow(v *model.Variable, size [2]int) {
	d := v.Shape().Dimensions
	if d[2] == size[0] && d[3] == size[1] {
		return
	}
	old, err := v.Value()
	if err != nil {
		panic(err)
	}
	grown := tensors.FromShape(shapes.Make(v.DType(), d[0], d[1], size[0], size[1]))
	switch v.DType().Size() {
	case 8:
		placeIn[float64](grown, old)
	default:
		placeIn[float32](grown, old)
	}
	if err := v.SetValue(grown); err != nil {
		panic(err)
	}
}

func placeIn[T float32 | float64](to, from *tensors.Tensor) {
	source := tensors.MustCopyFlatData[T](from)
	a, b := from.Shape().Dimensions, to.Shape().Dimensions
	tensors.MustMutableFlatData(to, func(flat []T) {
		for c := range a[0] * a[1] {
			for y := range min(a[2], b[2]) {
				for x := range min(a[3], b[3]) {
					flat[(c*b[2]+y)*b[3]+x] = source[(c*a[2]+y)*a[3]+x]
				}
			}
		}
	})
}
