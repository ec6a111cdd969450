package loss

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// pairs says which examples of a batch are alike: two [B, B] masks of 0 and 1. The
// diagonal is in neither.
type pairs struct{ positive, negative *Node }

// pairsOf makes the masks for the rows of x [..., B, D] from the labels, or under
// cfg.SSL from the order of the rows: (0,1), (2,3), ... are the crops of one image.
func pairsOf(x, labels *Node, cfg Config) pairs {
	g, dtype, batch := x.Graph(), x.DType(), x.Shape().Dim(-2)
	if cfg.SSL {
		if batch%2 != 0 {
			panic(fmt.Errorf("loss: --ssl pairs rows (0,1), (2,3), ..., which needs an even batch, got %d", batch))
		}
		labels = DivScalar(Iota(g, shapes.Make(dtypes.Int32, batch), 0), 2)
	}
	square := shapes.Make(labels.DType(), batch, batch)
	same := ConvertDType(Equal(BroadcastToShape(InsertAxes(labels, -1), square), BroadcastToShape(InsertAxes(labels, 0), square)), dtype)
	self := ConvertDType(Equal(Iota(g, square, 0), Iota(g, square, 1)), dtype)
	return pairs{positive: Sub(same, self), negative: OneMinus(same)}
}
