package figures

import (
	"fmt"

	"gonum.org/v1/plot/vg"

	"urlbench/urlkit/results"
)

// Overview draws every run: do good embeddings (R@1) come with good uncertainties
// (R-AUROC)?
func Overview(t results.Table, style ...Style) (*Figure, error) {
	return overview(t, styleOf(style), "overview", "every run")
}

func overview(t results.Table, style Style, name, what string) (*Figure, error) {
	s, err := pick(t, style, name, testR1, testRAUROC)
	if err != nil {
		return nil, err
	}
	p := scatterPanel(s, testR1, testRAUROC)
	f := &Figure{Name: name, w: paperWidth, h: 2.4 * inch, panels: []*panel{p}, legend: methodLegend(s.runs, s.looks),
		Title: fmt.Sprintf("R-AUROC against R@1 on unseen data, %s", what)}
	if name == "overview" {
		f.legend.centred = true
		p.above = vg.Length(0.038) * inch // the paper's legend pushes its axes down
	}
	num := numbers{name: name, head: scatterHead}
	num.scatterRows(s, testR1, testRAUROC)
	f.tables = []numbers{num}
	return f.finish(s), nil
}
