package method

import "urlbench/urlkit/loss"

// InfoNCE learns without labels that two crops of an image belong together and
// crops of other images do not: with e = f(x)/‖f(x)‖ and the batch's other crops x',
//
//	L = -log exp(t e·e₊) / Σ_x' exp(t e·e').
//
// Its uncertainty is 1/‖f(x)‖, the embedding's length being what is left over by the
// cosine. t is --inv_temp; --ssl=True makes the pairs.
var InfoNCE = builtIn(Method{
	Name:      "infonce",
	Title:     "InfoNCE",
	Paper:     "van den Oord et al., 2018; the uncertainty: Kirchhof et al., ECCV 2022",
	Order:     2,
	LossName:  "infonce",
	Loss:      loss.InfoNCE,
	UncModule: "embed-norm",
	Head:      "linear; --ssl=True does not train it",
	Flags:     []string{"--ssl", "--inv_temp"},
	Published: Commands{
		ResNet50:  "--accumulation_steps=21 --batch-size=96 --inv_temp=15.182859908025058 --loss=infonce --lr-base=0.0004452562693472003 --model=resnet50 --ssl=True --unc-module=embed-norm --unc_start_value=0",
		ViTMedium: "--accumulation_steps=21 --batch-size=96 --img-size=256 --inv_temp=20.82011649785067 --loss=infonce --lr-base=0.006246538808281836 --model=vit_medium_patch16_gap_256 --ssl=True --unc-module=embed-norm --unc_start_value=0",
	},
})
