package evaluate

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// CropSides returns the side in pixels of each image's centre crop: the shorter
// side times the fraction, rounded half to even as Python's round.
func CropSides(height, width int, fractions []float64) []int32 {
	out := make([]int32, len(fractions))
	for i, f := range fractions {
		out[i] = int32(math.RoundToEven(float64(min(height, width)) * f))
	}
	return out
}

// Cropped cuts a square of its own size out of the centre of each image and
// stretches it over the whole image: images [B, H, W, C] float and sides [B] int32,
// at least 1 -> [B, H, W, C]. It is what the original does image by image with
// torchvision's center_crop and resize: bilinear between half-pixel centres, the
// crop's edge repeated, no antialiasing. The square begins at half the rest,
// rounded half to even.
func Cropped(images, sides *Node) *Node {
	h, w := images.Shape().Dim(1), images.Shape().Dim(2)
	rows := stretch(images, sides, h)
	columns := stretch(TransposeAllAxes(rows, 0, 2, 1, 3), sides, w)
	return TransposeAllAxes(columns, 0, 2, 1, 3)
}

// stretch interpolates along axis 1 of x [B, n, m, C] between the rows of each
// image's centred window of sides rows.
func stretch(x, sides *Node, n int) *Node {
	g, batch := x.Graph(), x.Shape().Dim(0)
	at := shapes.Make(dtypes.Float32, batch, n)
	i := Iota(g, at, 1)
	side := BroadcastToDims(Reshape(ConvertDType(sides, dtypes.Float32), batch, 1), batch, n)

	// The scale is rounded to float32 before it is multiplied, as in PyTorch.
	source := MaxScalar(AddScalar(Mul(AddScalar(i, 0.5), DivScalar(side, float64(n))), -0.5), 0)
	last := AddScalar(side, -1)
	low := Min(Floor(source), last)
	high := Min(AddScalar(low, 1), last)
	weight := ConvertDType(Sub(source, low), x.DType())
	first := halfRounded(Sub(ConstAs(side, float32(n)), side))

	take := func(row *Node) *Node {
		row = ConvertDType(Add(row, first), dtypes.Int32)
		image := Iota(g, shapes.Make(dtypes.Int32, batch, n), 0)
		return Gather(x, Stack([]*Node{image, row}, -1), true)
	}
	weight = Reshape(weight, batch, n, 1, 1)
	return Add(Mul(take(low), OneMinus(weight)), Mul(take(high), weight))
}

// halfRounded is x/2 rounded half to even, for whole numbers x >= 0.
func halfRounded(x *Node) *Node {
	down := Floor(MulScalar(x, 0.5))
	odd := Sub(x, MulScalar(down, 2))                               // a half is left over
	downOdd := Sub(down, MulScalar(Floor(MulScalar(down, 0.5)), 2)) // the even neighbour is above
	return Add(down, Mul(odd, downOdd))
}
