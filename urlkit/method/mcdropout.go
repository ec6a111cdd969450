package method

import "urlbench/urlkit/loss"

// MCDropout leaves dropout on when it predicts and takes S = 10 passes for draws from a
// posterior over networks:
//
//	p = 1/S Σ_s p_s,   u(x) = H(p) - 1/S Σ_s H(p_s)   (Jensen-Shannon divergence),
//
// or u(x) = H(p), the ViT's choice (--unc-module=class-entropy). Trained by
// cross-entropy, one pass each. The rate is --drop. A mask falls on every ReLU of a
// ResNet; on the position embedding, the attention weights (at 0.1), the projection
// and the MLP of a ViT, where the original's evaluation turns it off by a slip.
var MCDropout = builtIn(Method{
	Name:      "mcdropout",
	Title:     "MCDropout",
	Paper:     "Gal and Ghahramani, Dropout as a Bayesian Approximation, ICML 2016",
	Order:     9,
	LossName:  "cross-entropy",
	Loss:      loss.CrossEntropy,
	UncModule: "jsd",
	Head:      "linear, averaged over 10 passes at evaluation",
	Variant:   "dropout",
	Flags:     []string{"--drop", "--smoothing"},
	Published: Commands{
		ResNet50:  "--drop=0.08702220252645132 --inv_temp=29.31590841184109 --loss=cross-entropy --lr-base=0.00016199535513680024 --model=resnet50dropout --unc-module=jsd --unc_start_value=0",
		ViTMedium: "--drop=0.1334044009405148 --img-size=256 --inv_temp=57.13603169495254 --loss=cross-entropy --lr-base=0.0027583475549166764 --model=vit_medium_patch16_gap_256dropout --unc-module=class-entropy --unc_start_value=0",
	},
})
