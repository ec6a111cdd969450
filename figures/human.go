package figures

import "urlbench/urlkit/results"

// Human asks whether R-AUROC measures what it should: over all runs, on the five
// further data sets, against the agreement with human uncertainty and against the
// share of images whose cropped version gets the higher uncertainty.
func Human(t results.Table, style ...Style) (*Figure, error) {
	return human(t, styleOf(style), "human", 5.5, 2.4)
}

// HumanPoster is Human in the poster's size.
func HumanPoster(t results.Table, style ...Style) (*Figure, error) {
	return human(t, styleOf(style), "human_poster", 7, 1.9)
}

func human(t results.Table, style Style, name string, w, h float64) (*Figure, error) {
	return twins(t, style, twinSpec{name: name, numbers: "human", w: w, h: h,
		title: "Downstream R-AUROC against alignment with human uncertainty and against the share of crops with higher uncertainty",
		x:     [2]string{furtherAUROC, furtherAUROC}, y: [2]string{furtherHuman, furtherCrop},
		labels: [2][2]string{{"Downstream R-AUROC", "Alignment with Human Uncertainties"},
			{"Downstream R-AUROC", "Pct. Cropped Image has Higher Uncertainty"}}})
}
