package method

import (
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
)

func hetxlHead(c *nn.Context, at string, x *Node, o Options) Outputs { panic("tmp") }
func gpLogits(c *nn.Context, at string, x *Node, o Options) *Node    { panic("tmp") }
func ensembleTmp(c *nn.Context, x *Node, n, classes int) *Node {
	l := nn.Linear(c.In("classifier").In("shallow_classifiers"), x, n*classes)
	return TransposeAllAxes(Reshape(l, x.Shape().Dim(0), n, classes), 1, 0, 2)
}
