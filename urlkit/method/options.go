package method

import (
	"fmt"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"urlbench/urlkit/backbone"
	"urlbench/urlkit/semantics"
)

// Options are the flags that shape a model. Zero values mean the original's
// defaults where 0 makes no sense.
type Options struct {
	Model     string // --model: a backbone, followed by "hetxl", "sngp", "dropout" or nothing
	Classes   int    // --num-classes
	UncModule string // --unc-module
	UncWidth  int    // --unc_width; 0 is 1024
	NumHeads  int    // --num-heads; above 1, an ensemble of that many linear heads

	Drop     float64 // --drop
	DropPath float64 // --drop-path
	// DropoutSamples is the number of passes over which MC dropout averages when it
	// is evaluated; 0 is 10.
	DropoutSamples int

	RankV int     // --rank_V of HET-XL; 0 is 50
	CMult float64 // --c-mult of HET-XL; 0 is 0.1
	// HETXLSamples is the number of draws of HET-XL's logits; 0 is the original's 10
	// for a convolutional backbone and 1000 for a ViT.
	HETXLSamples int

	GPInputNormalization bool    // --gp-input-normalization of SNGP
	GPCovDiscountFactor  float64 // --gp-cov-discount-factor of SNGP; read under Corrected only
	UseSpecNorm          bool    // --use-spec-norm
	SpecNormBound        float64 // --spec-norm-bound; 0 is 6

	FreezeBackbone    bool // --freeze_backbone: train the pred-net alone
	GradCheckpointing bool // --grad-checkpointing
	Semantics         semantics.Semantics
	// Tap is shown the outputs of the backbone's modules; see backbone.Options.
	Tap func(module string, output *Node)

	// observeSpectral is shown the factor on each normalised weight.
	observeSpectral func(layer string, factor *Node)
}

// withDefaults fills in what 0 stands for.
func (o Options) withDefaults() Options {
	fill := func(v *int, standard int) {
		if *v == 0 {
			*v = standard
		}
	}
	fill(&o.UncWidth, 1024)
	fill(&o.NumHeads, 1)
	fill(&o.DropoutSamples, 10)
	fill(&o.RankV, 50)
	if o.CMult == 0 {
		o.CMult = 0.1
	}
	if o.SpecNormBound == 0 {
		o.SpecNormBound = 6
	}
	if name, _, _ := backbone.ParseModel(o.Model); name == vit {
		fill(&o.HETXLSamples, 1000)
	}
	fill(&o.HETXLSamples, 10)
	return o
}

// vit is the backbone that differs from the convolutional ones in where it drops.
const vit = "vit_medium_patch16_gap_256"

// variants are what may follow a backbone's name.
var variants = []string{"", "dropout", "hetxl", "sngp"}

// Validate tells what is wrong with the options, naming the flag.
func (o Options) Validate() error {
	name, variant, err := backbone.ParseModel(o.Model)
	if err != nil {
		return err
	}
	o = o.withDefaults()
	isViT := name == vit
	switch {
	case !slices.Contains(variants, variant):
		return fmt.Errorf("--model=%s: after %s want one of %s or nothing", o.Model, name, strings.Join(variants[1:], ", "))
	case o.Classes < 1:
		return fmt.Errorf("--num-classes=%d: want at least 1", o.Classes)
	case modules[o.UncModule] == nil:
		return fmt.Errorf("--unc-module=%s: choose one of %s", o.UncModule, strings.Join(UncModules(), ", "))
	case o.UncModule == "jsd" && variant != "dropout" && o.NumHeads == 1:
		return fmt.Errorf("--unc-module=jsd compares several predictions: it needs --num-heads above 1 or --model=%sdropout", name)
	case o.UncModule == "hetxl-det" && variant != "hetxl":
		return fmt.Errorf("--unc-module=hetxl-det is the determinant of HET-XL's covariance: it needs --model=%shetxl", name)
	case o.NumHeads > 1 && (variant == "hetxl" || variant == "sngp"):
		return fmt.Errorf("--num-heads=%d: --model=%s has a head of its own, take --model=%s", o.NumHeads, o.Model, name)
	case o.UseSpecNorm && isViT:
		return fmt.Errorf("--use-spec-norm=True: spectral normalisation is for convolutions, %s has none in its blocks", name)
	case o.FreezeBackbone && o.UncModule != "pred-net":
		return fmt.Errorf("--freeze_backbone=True trains the pred-net alone: it needs --unc-module=pred-net")
	}
	for _, rate := range []struct {
		flag  string
		value float64
	}{{"--drop", o.Drop}, {"--drop-path", o.DropPath}} {
		if !(rate.value >= 0 && rate.value < 1) {
			return fmt.Errorf("%s=%g: want a rate in [0, 1)", rate.flag, rate.value)
		}
	}
	return nil
}
