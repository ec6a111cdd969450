package nn

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// PyTorch's defaults.
const (
	batchNormEpsilon  = 1e-5
	batchNormMomentum = 0.1
)

// BatchNorm normalises each channel as torch.nn.BatchNorm2d does: x [..., C] -> the
// same. In training with the batch's mean and biased variance; the running
// estimates then move by a tenth towards the mean and the unbiased variance.
// Otherwise with the running estimates. Entries: "weight" and "bias" [C], the
// buffers "running_mean" and "running_var" [C] and "num_batches_tracked" [].
//
// Statistics are computed in c.DType; the result has x's dtype.
func BatchNorm(c *Context, x *Node) *Node { return BatchNormInit(c, x, 1) }

// BatchNormInit is BatchNorm with a choice of the value that "weight" starts at.
func BatchNormInit(c *Context, x *Node, weight float64) *Node {
	g, channels := x.Graph(), x.Shape().Dim(-1)
	w := c.Param(g, "weight", ConstInit(weight), channels)
	b := c.Param(g, "bias", ConstInit(0), channels)
	runningMean := c.Buffer("running_mean", ConstInit(0), c.DType, channels)
	runningVar := c.Buffer("running_var", ConstInit(1), c.DType, channels)
	tracked := c.Buffer("num_batches_tracked", ConstInit(0), dtypes.Int64)
	if !c.Training {
		tracked.NodeValue(g) // part of the state_dict even where nothing reads it
		scale := Div(w, Sqrt(AddScalar(runningVar.NodeValue(g), batchNormEpsilon)))
		shift := Sub(b, Mul(runningMean.NodeValue(g), scale))
		y := Add(Mul(ConvertDType(x, c.DType), perChannel(scale, x)), perChannel(shift, x))
		return ConvertDType(y, x.DType())
	}

	count := x.Shape().Size() / channels
	mean, variance := channelMoments(StopGradient(ConvertDType(x, c.DType)))
	move := func(running, batch *Node) *Node {
		return Add(MulScalar(running, 1-batchNormMomentum), MulScalar(batch, batchNormMomentum))
	}
	unbiased := variance
	if count > 1 {
		unbiased = MulScalar(variance, float64(count)/float64(count-1))
	}
	runningMean.SetNodeValue(move(runningMean.NodeValue(g), mean))
	runningVar.SetNodeValue(move(runningVar.NodeValue(g), unbiased))
	tracked.SetNodeValue(AddScalar(tracked.NodeValue(g), 1))
	return normalizeBatch(c, x, w, b, mean, variance)
}

// normalizeBatch applies batch statistics. The gradient is written by hand (Ioffe
// and Szegedy 2015, section 3, simplified): with x̂ = (x-m)/s and n values per channel,
//
//	db = Σ v,  dw = Σ v x̂,  dx = w/s (v - db/n - x̂ dw/n),
//
// which reads x and v twice, where the derived one goes over them many times.
func normalizeBatch(c *Context, x, w, b, mean, variance *Node) *Node {
	inverse := Reciprocal(Sqrt(AddScalar(variance, batchNormEpsilon)))
	channels := x.Shape().Dim(-1)
	n := float64(x.Shape().Size() / channels)
	normalized := func(x *Node) *Node {
		return Mul(Sub(ConvertDType(x, c.DType), perChannel(mean, x)), perChannel(inverse, x))
	}
	forward := func(x *Node, params []*Node) *Node {
		y := Add(Mul(normalized(x), perChannel(params[0], x)), perChannel(params[1], x))
		return ConvertDType(y, x.DType())
	}
	backward := func(x, v *Node) (*Node, []*Node) {
		v = ConvertDType(v, c.DType)
		xhat := normalized(x)
		db := ReduceSum(v, leadingAxes(v)...)
		dw := ReduceSum(Mul(v, xhat), leadingAxes(v)...)
		dx := Sub(v, Add(perChannel(DivScalar(db, n), x), Mul(xhat, perChannel(DivScalar(dw, n), x))))
		dx = Mul(dx, perChannel(Mul(w, inverse), x))
		return ConvertDType(dx, x.DType()), []*Node{dw, db}
	}
	return withVJP(x, []*Node{w, b}, forward, backward)
}

// channelMoments returns the mean and the biased variance [C] over all axes of x
// but the last. Two passes: E[x²]-E[x]² would lose float32's digits.
func channelMoments(x *Node) (mean, variance *Node) {
	mean = ReduceMean(x, leadingAxes(x)...)
	return mean, ReduceMean(Square(Sub(x, perChannel(mean, x))), leadingAxes(x)...)
}

func leadingAxes(x *Node) []int {
	axes := make([]int, x.Rank()-1)
	for i := range axes {
		axes[i] = i
	}
	return axes
}

// perChannel shapes a vector [C] to be combined with x [..., C].
func perChannel(vector, x *Node) *Node { return ExpandLeftToRank(vector, x.Rank()) }
