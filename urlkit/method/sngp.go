package method

import "urlbench/urlkit/loss"

// SNGP replaces the linear head by a Gaussian process, in random features, and bounds
// the convolutions' spectral norms by c, so that far images stay far in the embedding:
//
//	φ(x) = cos(A f(x) + a),   logits = β φ(x) / sqrt(1 + φᵀ Σ φ),   W <- W min(1, c/σ(W)),
//
// with A, a random and fixed, β learned by cross-entropy. The uncertainty is the
// entropy. c is --spec-norm-bound; --use-spec-norm=False is GP, the ViT's variant.
var SNGP = builtIn(Method{
	Name:      "sngp",
	Title:     "SNGP",
	Paper:     "Liu et al., Simple and Principled Uncertainty Estimation with Deterministic Deep Learning via Distance Awareness, NeurIPS 2020",
	Order:     11,
	LossName:  "cross-entropy",
	Loss:      loss.CrossEntropy,
	UncModule: "class-entropy",
	Head:      "Gaussian process on 1024 random features",
	Variant:   "sngp",
	Flags:     []string{"--gp-input-normalization", "--gp-cov-discount-factor", "--use-spec-norm", "--spec-norm-bound", "--smoothing"},
	Published: Commands{
		ResNet50:  "--gp-cov-discount-factor=-1 --gp-input-normalization=True --loss=cross-entropy --lr-base=0.003935036929170965 --model=resnet50sngp --spec-norm-bound=3.0034958778109893 --unc-module=class-entropy --unc_start_value=0 --use-spec-norm=True",
		ViTMedium: "--gp-cov-discount-factor=0.999 --gp-input-normalization=True --img-size=256 --loss=cross-entropy --lr-base=0.0002973866135608272 --model=vit_medium_patch16_gap_256sngp --spec-norm-bound=2.0072013733952883 --unc-module=class-entropy --unc_start_value=0 --use-spec-norm=False",
	},
})
