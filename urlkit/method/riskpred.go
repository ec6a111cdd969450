package method

import "urlbench/urlkit/loss"

// Riskpred trains the classifier by cross-entropy and the pred-net to foretell that
// loss, as a regression on the side,
//
//	L = CE(x, y) + λ (u(x) - CE(x, y))²,   no gradient through the second CE.
//
// λ is --lambda-value.
var Riskpred = builtIn(Method{
	Name:      "riskpred",
	Title:     "Riskpred",
	Paper:     "Yoo and Kweon, Learning Loss for Active Learning, CVPR 2019, in the form of Kirchhof et al. 2023, appendix A",
	Order:     8,
	LossName:  "riskpred",
	Loss:      loss.Riskpred,
	UncModule: "pred-net",
	Head:      "linear",
	Flags:     []string{"--lambda-value", "--unc_width", "--unc_start_value"},
	Published: Commands{
		ResNet50:  "--inv_temp=27.538650119804444 --lambda-value=0.04137484664752506 --loss=riskpred --lr-base=0.00907673293373138 --model=resnet50 --unc-module=pred-net --unc_start_value=0",
		ViTMedium: "--img-size=256 --inv_temp=29.83516046330469 --lambda-value=0.011424752423322174 --loss=riskpred --lr-base=0.0026590263551453507 --model=vit_medium_patch16_gap_256 --unc-module=pred-net --unc_start_value=0.001",
	},
})
