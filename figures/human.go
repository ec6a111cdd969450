package figures

import (
	"errors"
	"fmt"
	"strings"

	"gonum.org/v1/plot/vg"

	"urlbench/urlkit/results"
)

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

type twinSpec struct {
	name, numbers, title string
	w, h                 float64 // inches
	x, y                 [2]string
	labels               [2][2]string
}

// twins draws two scatter plots side by side with their rank correlations.
func twins(t results.Table, style Style, spec twinSpec) (*Figure, error) {
	f := &Figure{Name: spec.name, Title: spec.title, w: vg.Length(spec.w) * inch, h: vg.Length(spec.h) * inch, rows: 1, cols: 2}
	num := numbers{name: spec.numbers, head: append([]string{"panel", "x_column", "y_column"}, scatterHead...)}
	ranks := numbers{name: "rank_correlations", head: rankHead}
	all := selection{}
	var errs [2]error
	for i := range 2 {
		xm, ym := spec.x[i], spec.y[i]
		s, err := pick(t, style, spec.name, xm, ym)
		all.missing = append(all.missing, s.missing...)
		if errs[i] = err; err != nil {
			p := &panel{col: i}
			p.x = axis{label: spec.labels[i][0], max: 1, fixed: true}
			p.y = axis{label: spec.labels[i][1], max: 1, fixed: true}
			p.say(text{s: "not measured", size: labelSize, at: align{0.5, 0.5}, colour: grey}, 0.5, 0.5, inAxes)
			all.missing = append(all.missing, fmt.Sprintf("panel %d: no run has %s and %s", i+1, xm, ym))
			f.panels = append(f.panels, p)
			continue
		}
		if len(s.runs) > len(all.runs) {
			all.runs = s.runs
		}
		p := scatterPanel(s, xm, ym)
		p.col = i
		p.x.label, p.y.label = spec.labels[i][0], spec.labels[i][1]
		rho, n := correlation(s.values(xm), s.values(ym))
		caption := "Rank Correlation = " + twoDigits(rho)
		if style == Clean {
			p.captionAbove(fmt.Sprintf("%s, %d runs", caption, n), 8)
			p.y.label = balance(p.y.label, labelSize, vg.Length(spec.h)*inch-44)
			p.x.label = balance(p.x.label, labelSize, vg.Length(spec.w)*inch/2-40)
		} else {
			p.say(text{s: caption, size: labelSize, at: align{0, 1}}, 0.02, 0.98, inAxes)
		}
		f.panels = append(f.panels, p)
		num.scatterRows(s, xm, ym, i, xm, ym)
		ranks.add(spec.numbers, i, "all runs", xm, ym, n, rho, caption)
	}
	if errs[0] != nil && errs[1] != nil {
		return nil, errors.New(strings.ReplaceAll(errs[0].Error()+"; "+errs[1].Error(), "\n", " "))
	}
	f.tables = []numbers{num, ranks}
	return f.finish(all), nil
}
