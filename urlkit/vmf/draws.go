package vmf

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
)

// Draws hands the sampler its random numbers, for n draws from each of B
// distributions in dim dimensions.
type Draws interface {
	// Proposals returns R rounds of proposals ε ~ Beta((D-1)/2, (D-1)/2) and of
	// logarithms of uniform numbers, both [R, n, B].
	Proposals(g *Graph, dtype dtypes.DType, dim, n, batch int) (e, logU *Node)
	// Uniform returns numbers of [0, 1), [n, B]: all that dimension 3 needs.
	Uniform(g *Graph, dtype dtypes.DType, n, batch int) *Node
	// Normal returns numbers of N(0, 1), [n, B, D-1].
	Normal(g *Graph, dtype dtypes.DType, dim, n, batch int) *Node
}

// rounds is the number of proposals per draw. All are made at once: they are few
// numbers beside the D-1 normal ones, need no loop on the device, and leave
// gradients plain. A round accepts with probability 0.65 or more at every D and κ
// (TestAcceptance), so that one entry in 1e14 runs out and keeps its last proposal.
const rounds = 32

// RandomDraws draws from a graph's random numbers.
type RandomDraws struct{ nn.Random }

// Proposals implements Draws. The symmetric Beta distribution has a closed form:
// 2ε-1 is one coordinate of a uniform point on the sphere of D dimensions, hence
// √(1 - U^{2/(D-2)}) cos 2πV (Ulrich 1984).
func (r RandomDraws) Proposals(g *Graph, dtype dtypes.DType, dim, n, batch int) (e, logU *Node) {
	shape := shapes.Make(dtype, rounds, n, batch)
	cos := Cos(MulScalar(r.Random.Uniform(g, shape), 2*math.Pi))
	if dim > 2 {
		// 1 - U^{2/(D-2)}, by expm1 since it is small in high dimensions.
		square := Neg(Expm1(MulScalar(r.logUniform(g, shape), 2/float64(dim-2))))
		cos = Mul(Sqrt(square), cos)
	}
	return StopGradient(AddScalar(MulScalar(cos, 0.5), 0.5)), StopGradient(r.logUniform(g, shape))
}

func (r RandomDraws) logUniform(g *Graph, shape shapes.Shape) *Node {
	return Log(MaxScalar(r.Random.Uniform(g, shape), 0x1p-33))
}

// Uniform implements Draws.
func (r RandomDraws) Uniform(g *Graph, dtype dtypes.DType, n, batch int) *Node {
	return StopGradient(r.Random.Uniform(g, shapes.Make(dtype, n, batch)))
}

// Normal implements Draws.
func (r RandomDraws) Normal(g *Graph, dtype dtypes.DType, dim, n, batch int) *Node {
	return StopGradient(r.Random.Normal(g, shapes.Make(dtype, n, batch, dim-1)))
}

// RecordedDraws are random numbers that someone else drew, such as the original's
// in the fixtures. Fields that are not needed may be nil.
type RecordedDraws struct {
	E    *Node // [R, n, B], proposals; the last round is accepted without a look at U
	U    *Node // [R, n, B], uniform; or [n, B] in dimension 3
	Full *Node // [n, B, D], normal: the original draws D and drops the first
}

// Proposals implements Draws.
func (r RecordedDraws) Proposals(*Graph, dtypes.DType, int, int, int) (e, logU *Node) {
	if r.U == nil {
		return r.E, ZerosLike(r.E)
	}
	return r.E, Log(r.U)
}

// Uniform implements Draws.
func (r RecordedDraws) Uniform(*Graph, dtypes.DType, int, int) *Node { return r.U }

// Normal implements Draws.
func (r RecordedDraws) Normal(*Graph, dtypes.DType, int, int, int) *Node {
	return SliceAxis(r.Full, -1, AxisRangeToEnd(1))
}
