package figures

import (
	"fmt"
	"strings"

	"gonum.org/v1/plot/vg"

	"urlbench/urlkit/results"
)

// TradeoffResNet asks inside each method whether R@1 and R-AUROC trade off over the
// hyper-parameters: all runs with a ResNet 50, a panel a method.
func TradeoffResNet(t results.Table, style ...Style) (*Figure, error) {
	return tradeoffGrid(t, styleOf(style), "overview_tradeoff_resnet", resNet)
}

// TradeoffViT is TradeoffResNet for the ViT Medium.
func TradeoffViT(t results.Table, style ...Style) (*Figure, error) {
	return tradeoffGrid(t, styleOf(style), "overview_tradeoff_vit", vit)
}

func tradeoffGrid(t results.Table, style Style, name, group string) (*Figure, error) {
	in := t.Filter(func(r results.Run) bool { return r.Group() == group })
	s, err := pick(in, style, name, testR1, testRAUROC)
	if err != nil {
		return nil, fmt.Errorf("%w; the figure shows runs with a %s", err, group)
	}
	s.looks.strangers = strangers(t)
	const columns = 3
	f := &Figure{Name: name, w: paperWidth, cols: columns,
		Title: "R-AUROC against R@1 over the hyper-parameters of each method with a " + group}
	num := numbers{name: name, head: append(strings.Split("panel,grid_row,grid_col", ","), scatterHead...)}
	ranks := numbers{name: "rank_correlations", head: rankHead}
	for i, label := range s.runs.Labels() {
		one := selection{looks: s.looks, runs: s.runs.Filter(func(r results.Run) bool { return r.Label() == label })}
		p := scatterPanel(one, testR1, testRAUROC)
		p.row, p.col = i/columns, i%columns
		rho, n := correlation(one.values(testR1), one.values(testRAUROC))
		caption := "Rank Corr. = " + twoDigits(rho)
		if style == Clean {
			p.captionAbove(fmt.Sprintf("%s, %d runs", caption, n), tickSize)
			p.captionAbove(label, labelSize-1)
		} else {
			p.say(text{s: caption, size: labelSize, at: align{0, 1}}, 0.02, 0.98, inAxes)
			p.say(text{s: label, size: labelSize, colour: s.looks.of(one.runs[0]).colour, at: align{0, 0}}, 0.02, 0.02, inAxes)
		}
		f.panels = append(f.panels, p)
		f.rows = p.row + 1
		num.scatterRows(one, testR1, testRAUROC, i, p.row, p.col)
		ranks.add(name, i, label, testR1, testRAUROC, n, rho, caption)
	}
	f.h = 7.4 / 4 * inch * vg.Length(f.rows)
	f.tables = []numbers{num, ranks}
	return f.finish(s), nil
}
