package method

import "urlbench/urlkit/loss"

// HETXL adds noise to the embedding whose covariance depends on the image, of rank R
// plus a diagonal, and averages the classifier's predictions over draws of it:
//
//	(V(x), d(x)) = C f(x),   z ~ N(f(x), V Vᵀ + softplus(d)),   p = E_z softmax((W z + b)/τ),
//
// trained by cross-entropy over log p. R is --rank_V; C starts at N(0, c²), c =
// --c-mult. The uncertainty is the entropy of p, or the log-determinant of the
// covariance (--unc-module=hetxl-det), which the ViT's command has.
var HETXL = builtIn(Method{
	Name:      "hetxl",
	Title:     "HET-XL",
	Paper:     "Collier et al., Massively Scaling Heteroscedastic Classifiers, ICLR 2023, section 4",
	Order:     7,
	LossName:  "cross-entropy",
	Loss:      loss.CrossEntropy,
	UncModule: "class-entropy",
	Head:      "HET-XL: noise on the embedding",
	Variant:   "hetxl",
	Flags:     []string{"--rank_V", "--c-mult", "--smoothing"},
	Published: Commands{
		ResNet50:  "--c-mult=0.011311824684149863 --inv_temp=28.764754827923134 --loss=cross-entropy --lr-base=0.00030257136041070065 --model=resnet50hetxl --rank_V=1 --unc-module=class-entropy --unc_start_value=0",
		ViTMedium: "--c-mult=0.011586882497402008 --img-size=256 --inv_temp=21.601079237861356 --loss=cross-entropy --lr-base=0.00012722151293115814 --model=vit_medium_patch16_gap_256hetxl --rank_V=1 --unc-module=hetxl-det --unc_start_value=0",
	},
})
