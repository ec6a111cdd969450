package figures

import (
	"errors"
	"fmt"
	"strings"

	"gonum.org/v1/plot/vg"

	"urlbench/urlkit/results"
)

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
