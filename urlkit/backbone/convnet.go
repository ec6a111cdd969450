package backbone

import (
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
)

// convnet is the network for the mini data: small enough to train on two cores
// while one watches, with the parts that the methods need (a stem, blocks of
// convolution, batch norm and ReLU, global pooling).
//
//	images [B, 32, 32, 3] -> conv1 [B, 16, 16, 32] -> block1 [B, 8, 8, 64]
//	-> block2 [B, 8, 8, 64] -> block3 [B, 4, 4, 128] -> [B, 128]
//
// Any image size of at least 8 works.
func convnet(c *nn.Context, images *Node, o Options) *Node {
	x := nn.Conv2D(c.In("conv1"), images, nn.Conv{Out: 32, Kernel: 3, Stride: 2, Pad: 1})
	o.Tap("conv1", x)
	x = nn.ReLU(nn.BatchNorm(c.In("bn1"), x))
	x = nn.Dropout(c, x, o.StemDrop)
	for _, b := range []struct {
		name        string
		out, stride int
	}{{"block1", 64, 2}, {"block2", 64, 1}, {"block3", 128, 2}} {
		x = o.block(x, func(x *Node) *Node {
			c := c.In(b.name)
			x = o.Conv(c.In("conv"), x, nn.Conv{Out: b.out, Kernel: 3, Stride: b.stride, Pad: 1})
			x = nn.ReLU(nn.BatchNorm(c.In("bn"), x))
			return nn.Dropout(c, x, o.BlockDrop)
		})
		o.Tap(b.name, x)
	}
	return nn.GlobalMean(c, x)
}
