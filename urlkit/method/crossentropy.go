package method

import "urlbench/urlkit/loss"

// CrossEntropy is the classifier as it is: a linear head, trained with label
// smoothing s = 0.1, uncertain where its prediction has a high entropy,
//
//	p = softmax(W f(x) + b),   L = -(1-s) log p_y - s/C Σ_c log p_c,   u(x) = -Σ_c p_c log p_c.
//
// It has no hyper-parameter of its own (--inv_temp is in the published command but
// not in the loss).
var CrossEntropy = builtIn(Method{
	Name:      "cross-entropy",
	Title:     "CE",
	Paper:     "Szegedy et al., CVPR 2016 (label smoothing)",
	Order:     1,
	LossName:  "cross-entropy",
	Loss:      loss.CrossEntropy,
	UncModule: "class-entropy",
	Head:      "linear",
	Flags:     []string{"--smoothing"},
	Published: Commands{
		ResNet50:  "--inv_temp=31.353232263344143 --loss=cross-entropy --lr-base=0.0027583475549166764 --model=resnet50 --unc-module=class-entropy --unc_start_value=0",
		ViTMedium: "--img-size=256 --inv_temp=60.70635770117517 --loss=cross-entropy --lr-base=0.004954014361368407 --model=vit_medium_patch16_gap_256 --unc-module=class-entropy --unc_start_value=0",
	},
})
