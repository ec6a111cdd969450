package method

import "urlbench/urlkit/loss"

// Ensemble puts S linear heads, which differ by how they started, on one backbone and
// averages what they say:
//
//	p = 1/S Σ_s softmax(W_s f(x) + b_s),   L = CE(log p, y),   u(x) = H(p).
//
// S is --num-heads.
var Ensemble = builtIn(Method{
	Name:      "ensemble",
	Title:     "Ensemble",
	Paper:     "Lakshminarayanan et al., Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles, NeurIPS 2017, shallow as in Lee et al. 2015",
	Order:     10,
	LossName:  "cross-entropy",
	Loss:      loss.CrossEntropy,
	UncModule: "class-entropy",
	Head:      "10 linear heads on one backbone",
	Flags:     []string{"--num-heads", "--smoothing"},
	Published: Commands{
		ResNet50:  "--inv_temp=29.89825063351814 --loss=cross-entropy --lr-base=0.004405890102835956 --model=resnet50 --num-heads=10 --unc-module=class-entropy --unc_start_value=0",
		ViTMedium: "--img-size=256 --inv_temp=54.435826404570726 --loss=cross-entropy --lr-base=0.004944771531139904 --model=vit_medium_patch16_gap_256 --num-heads=10 --unc-module=class-entropy --unc_start_value=0",
	},
})
