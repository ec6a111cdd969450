package method

import "urlbench/urlkit/loss"

// NivMF gives each class a non-isotropic von Mises-Fisher distribution, with its own
// concentration K_c along every feature, and scores directions z drawn from the image's
// own distribution vMF(f(x)/‖f(x)‖, 1/u(x)) under it,
//
//	sim(x, c) = log E_z nivMF(z; w_c, K_c),   L = -log softmax_c(sim(x, c))_y.
//
// K starts at t, --inv_temp.
var NivMF = builtIn(Method{
	Name:      "nivmf",
	Title:     "nivMF",
	Paper:     "Kirchhof et al., A Non-isotropic Probabilistic Take on Proxy-based Deep Metric Learning, ECCV 2022, eqs. 8 and 9",
	Order:     5,
	LossName:  "nivmf",
	Loss:      loss.NivMF,
	UncModule: "pred-net",
	Head:      "linear, its weights the classes' directions",
	Flags:     []string{"--inv_temp", "--unc_width", "--unc_start_value"},
	Published: Commands{
		ResNet50:  "--inv_temp=10.896111351193488 --loss=nivmf --lr-base=0.00014942909398367403 --model=resnet50 --unc-module=pred-net --unc_start_value=0.001",
		ViTMedium: "--img-size=256 --inv_temp=31.353232263344143 --loss=nivmf --lr-base=0.0027583475549166764 --model=vit_medium_patch16_gap_256 --unc-module=pred-net --unc_start_value=0.001",
	},
})
