package figures

import "urlbench/urlkit/results"

// Upstream asks whether what is measured on ImageNet foretells R-AUROC on unseen
// data: the R-AUROC there, and the share of crops with higher uncertainty there.
func Upstream(t results.Table, style ...Style) (*Figure, error) {
	return upstream(t, styleOf(style), "upstream_vs_downstream", 5.5, 2.4)
}

// UpstreamPoster is Upstream in the poster's size.
func UpstreamPoster(t results.Table, style ...Style) (*Figure, error) {
	return upstream(t, styleOf(style), "upstream_vs_downstream_poster", 7, 1.9)
}

func upstream(t results.Table, style Style, name string, w, h float64) (*Figure, error) {
	return twins(t, style, twinSpec{name: name, numbers: "upstream_vs_downstream", w: w, h: h,
		title: "Downstream R-AUROC against upstream R-AUROC and against the upstream share of crops with higher uncertainty",
		x:     [2]string{upstreamAUROC, upstreamCrop}, y: [2]string{testRAUROC, testRAUROC},
		labels: [2][2]string{{"Upstream R-AUROC", "Downstream R-AUROC"},
			{"Upstream Pct. Cropped Image has Higher Uncertainty", "Downstream R-AUROC"}}})
}
