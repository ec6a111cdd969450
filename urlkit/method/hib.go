package method

import "urlbench/urlkit/loss"

// HIB hedges its bets: the probability that two images match is that of two directions
// z₁, z₂ drawn from their distributions vMF(f(x)/‖f(x)‖, 1/u(x)),
//
//	p(match) = E sigmoid(t z₁·z₂ + b),
//
// trained as a yes-or-no question over the pairs of a batch: do their classes agree? t is --inv_temp, b
// --hib_add_const.
var HIB = builtIn(Method{
	Name:      "hib",
	Title:     "HIB",
	Paper:     "Oh et al., Modeling Uncertainty with Hedged Instance Embeddings, ICLR 2019, eq. 2-4",
	Order:     6,
	LossName:  "hib",
	Loss:      loss.HIB,
	UncModule: "pred-net",
	Head:      "linear, not trained",
	Flags:     []string{"--inv_temp", "--hib_add_const", "--unc_width", "--unc_start_value"},
	Published: Commands{
		ResNet50:  "--accumulation_steps=21 --batch-size=96 --hib_add_const=2.043464396656407 --inv_temp=26.850376086478832 --loss=hib --lr-base=5.606607236666466e-05 --model=resnet50 --unc-module=pred-net --unc_start_value=0 --warmup-lr=2.2864937540918197e-06",
		ViTMedium: "--accumulation_steps=43 --batch-size=48 --hib_add_const=-5.360730528719454 --img-size=256 --inv_temp=13.955844954616405 --loss=hib --lr-base=0.0005920448270870512 --model=vit_medium_patch16_gap_256 --unc-module=pred-net --unc_start_value=0",
	},
})
