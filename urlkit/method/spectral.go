package method

import (
	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/nn"
)

// spectral returns SNGP's convolution: with a bounded spectral norm.
func (o Options) spectral() func(c *nn.Context, x *Node, conv nn.Conv) *Node {
	s := nn.Spectral{Bound: o.SpecNormBound, Semantics: o.Semantics, Observe: o.observeSpectral}
	return func(c *nn.Context, x *Node, conv nn.Conv) *Node { return nn.SpectralConv2D(c, x, conv, s) }
}
