package method

import "urlbench/urlkit/loss"

// ELK takes an image and a class for von Mises-Fisher distributions, of mean
// direction f(x)/‖f(x)‖ and concentration 1/u(x), and of w_c/‖w_c‖ and t max(‖w_c‖, 1), and
// compares them by their expected likelihood,
//
//	sim(x, c) = l(κ_x) + l(κ_c) - l(‖κ_x μ_x + κ_c μ_c‖),   l = log C_D,   L = -log softmax_c(sim(x, c))_y.
//
// The pred-net's u(x) is learned by the way: where images are ambiguous, a flat
// distribution is the better bet. t is --inv_temp.
var ELK = builtIn(Method{
	Name:      "elk",
	Title:     "ELK",
	Paper:     "Kirchhof et al., A Non-isotropic Probabilistic Take on Proxy-based Deep Metric Learning, ECCV 2022, eq. 7",
	Order:     4,
	LossName:  "elk",
	Loss:      loss.ELK,
	UncModule: "pred-net",
	Head:      "linear, its weights the classes' directions",
	Flags:     []string{"--inv_temp", "--unc_width", "--unc_start_value"},
	Published: Commands{
		ResNet50:  "--inv_temp=27.685357549319253 --loss=elk --lr-base=0.008324452068209802 --model=resnet50 --unc-module=pred-net --unc_start_value=0",
		ViTMedium: "--img-size=256 --inv_temp=56.77356863558765 --loss=elk --lr-base=0.009041687325778511 --model=vit_medium_patch16_gap_256 --unc-module=pred-net --unc_start_value=0",
	},
})
