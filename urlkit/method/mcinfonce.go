package method

import "urlbench/urlkit/loss"

// MCInfoNCE is InfoNCE in expectation over embeddings that are distributions: each
// image's is von Mises-Fisher with mean f(x)/‖f(x)‖ and concentration 1/u(x), from
// which S = 16 directions z are drawn,
//
//	L = -log 1/S Σ_s exp(t z_s·z₊s) / Σ_x' exp(t z_s·z'_s).
//
// The gradient reaches u(x) through the draws. t is --inv_temp; --ssl=True makes the
// pairs.
var MCInfoNCE = builtIn(Method{
	Name:      "mcinfonce",
	Title:     "MCInfoNCE",
	Paper:     "Kirchhof et al., Probabilistic Contrastive Learning Recovers the Correct Aleatoric Uncertainty of Ambiguous Inputs, ICML 2023, eq. 4",
	Order:     3,
	LossName:  "mcinfonce",
	Loss:      loss.MCInfoNCE,
	UncModule: "pred-net",
	Head:      "linear; --ssl=True does not train it",
	Flags:     []string{"--ssl", "--inv_temp", "--unc_width", "--unc_start_value"},
	Published: Commands{
		ResNet50:  "--accumulation_steps=21 --batch-size=96 --inv_temp=52.43117045513681 --loss=mcinfonce --lr-base=2.384205225724591e-05 --model=resnet50 --ssl=True --unc-module=pred-net --unc_start_value=0.001 --warmup-lr=3.487706876306753e-05",
		ViTMedium: "--accumulation_steps=21 --batch-size=96 --img-size=256 --inv_temp=50.27568453131382 --loss=mcinfonce --lr-base=0.0031866603949435874 --model=vit_medium_patch16_gap_256 --ssl=True --unc-module=pred-net --unc_start_value=0.001",
	},
})
