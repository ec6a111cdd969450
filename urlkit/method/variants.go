package method

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/backbone"
	"urlbench/urlkit/head"
	"urlbench/urlkit/nn"
)

// hetxl are the settings of the head that --model=...hetxl has.
func (o Options) hetxl() head.HETXLConfig {
	return head.HETXLConfig{Rank: o.RankV, Samples: o.HETXLSamples, CMult: o.CMult, Semantics: o.Semantics}
}

// gp are the settings of the head that --model=...sngp has.
func (o Options) gp() head.GPConfig {
	return head.GPConfig{NormalizeInput: o.GPInputNormalization, Discount: o.GPCovDiscountFactor, Semantics: o.Semantics}
}

// spectral returns SNGP's convolution: with a bounded spectral norm.
func (o Options) spectral() func(c *nn.Context, x *Node, conv nn.Conv) *Node {
	s := nn.Spectral{Bound: o.SpecNormBound, Semantics: o.Semantics, Observe: o.observeSpectral}
	return func(c *nn.Context, x *Node, conv nn.Conv) *Node { return nn.SpectralConv2D(c, x, conv, s) }
}

// BeginEpoch does what a method does outside of its graphs before an epoch of
// training: SNGP under Corrected starts to collect its precision anew. It does
// nothing for the others.
func BeginEpoch(store *model.Store, o Options) error {
	name, variant, err := backbone.ParseModel(o.Model)
	if err != nil || variant != "sngp" || o.withDefaults().gp().Discount > 0 {
		return err
	}
	return head.ResetPrecision(store, backbone.HeadName(name))
}

// BeforeEvaluation does what a method does outside of its graphs between training
// and evaluation: SNGP under Corrected inverts its precision into the covariance. It
// does nothing for the others.
func BeforeEvaluation(store *model.Store, o Options) error {
	name, variant, err := backbone.ParseModel(o.Model)
	if err != nil || variant != "sngp" {
		return err
	}
	return head.UpdateCovariance(store, backbone.HeadName(name), o.withDefaults().gp())
}
