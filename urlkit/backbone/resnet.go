package backbone

import (
	"strconv"

	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
)

// resnet50 is timm's resnet50: He et al. 2016, with the stride on the 3x3
// convolution of a bottleneck (the "v1.5" of torchvision and NVIDIA).
//
//	images [B, H, W, 3] -> stem [B, H/2, W/2, 64] -> maxpool [B, H/4, W/4, 64]
//	-> layer1..layer4 [B, H/32, W/32, 2048] -> mean [B, 2048]
func resnet50(c *nn.Context, images *Node, o Options) *Node {
	x := nn.Conv2D(c.In("conv1"), images, nn.Conv{Out: 64, Kernel: 7, Stride: 2, Pad: 3})
	o.Tap("conv1", x)
	x = nn.BatchNorm(c.In("bn1"), x)
	o.Tap("bn1", x)
	x = nn.Dropout(c, nn.ReLU(x), o.StemDrop)
	x = nn.MaxPool2D(x, 3, 2, 1)
	o.Tap("maxpool", x)
	const blocks = 3 + 4 + 6 + 3
	block := 0
	for stage, depth := range []int{3, 4, 6, 3} {
		layer := "layer" + strconv.Itoa(stage+1)
		for i := range depth {
			b := bottleneck{width: 64 << stage, stride: 1, dropPath: o.DropPath * float64(block) / (blocks - 1)}
			if i == 0 && stage > 0 {
				b.stride = 2
			}
			at := c.In(layer).In(strconv.Itoa(i))
			x = o.block(x, func(x *Node) *Node { return b.build(at, x, o) })
			block++
		}
		o.Tap(layer, x)
	}
	return nn.GlobalMean(c, x)
}

// bottleneck is a residual block of a 1x1, a 3x3 and a 1x1 convolution.
type bottleneck struct {
	width, stride int // channels within; 4·width come out
	dropPath      float64
}

// build maps x [B, H, W, C] to [B, H/stride, W/stride, 4·width].
func (b bottleneck) build(c *nn.Context, x *Node, o Options) *Node {
	out := 4 * b.width
	shortcut := x
	y := o.Conv(c.In("conv1"), x, nn.Conv{Out: b.width, Kernel: 1, Stride: 1})
	y = nn.Dropout(c, nn.ReLU(nn.BatchNorm(c.In("bn1"), y)), o.BlockDrop)
	y = o.Conv(c.In("conv2"), y, nn.Conv{Out: b.width, Kernel: 3, Stride: b.stride, Pad: 1})
	y = nn.Dropout(c, nn.ReLU(nn.BatchNorm(c.In("bn2"), y)), o.BlockDrop)
	y = o.Conv(c.In("conv3"), y, nn.Conv{Out: out, Kernel: 1, Stride: 1})
	// timm starts the last norm of a residual branch at 0: the block is the identity.
	y = nn.BatchNormInit(c.In("bn3"), y, 0)
	if x.Shape().Dim(-1) != out {
		down := c.In("downsample")
		shortcut = o.Conv(down.In("0"), x, nn.Conv{Out: out, Kernel: 1, Stride: b.stride})
		shortcut = nn.BatchNorm(down.In("1"), shortcut)
	}
	y = Add(nn.DropPath(c, y, b.dropPath), shortcut)
	return nn.Dropout(c, nn.ReLU(y), o.BlockDrop)
}
