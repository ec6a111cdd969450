package figures

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"urlbench/urlkit/results"
)

// Correlations draws every measure against every other over all runs: a matrix of
// scatter plots, whose diagonal shows each measure against itself.
func Correlations(t results.Table, style ...Style) (*Figure, error) {
	const name = "correlations"
	st := styleOf(style)
	s, err := pick(t, st, name)
	if err != nil {
		return nil, err
	}
	var columns []string
	for _, m := range []string{upstreamTop1, upstreamR1, upstreamAUROC, upstreamCrop, testR1, testRAUROC, testCrop} {
		if slices.ContainsFunc(s.values(m), func(v float64) bool { return !math.IsNaN(v) }) {
			columns = append(columns, m)
		} else {
			s.missing = append(s.missing, "no run has "+m)
		}
	}
	n := len(columns)
	if n < 2 {
		return nil, fmt.Errorf("figure %s: nothing to draw: the runs have %d of its seven metrics, want at least two", name, n)
	}
	// The paper's picture is wider than high by a legend that it then drops.
	w, h := 18.88625, 17.5
	if st == Clean {
		w = h
	}
	f := &Figure{Name: name, dpi: 150, w: vg.Length(w*float64(n)/7) * inch, h: vg.Length(h*float64(n)/7) * inch, rows: n, cols: n,
		Title: "Seven measures of every run against each other"}
	matrix := numbers{name: "correlations_matrix", head: strings.Split("grid_row,grid_col,y_column,x_column,y_label,x_label,n,spearman,"+
		"shown_in_figure,xmin,xmax,ymin,ymax", ",")}
	for i, ym := range columns {
		for j, xm := range columns {
			p := &panel{row: i, col: j, open: true}
			xs, ys := s.values(xm), s.values(ym)
			p.x.fit(xs)
			p.y.fit(ys)
			p.x.hide, p.y.hide = i < n-1, j > 0
			if i == n-1 {
				p.x.label = short(xm)
			}
			if j == 0 {
				p.y.label = short(ym)
			}
			var sc scatter
			for k, r := range s.runs {
				title := r.Label() + "\n" + r.Name
				sc = append(sc, mark{xs[k], ys[k], matrixLook(s.looks.of(r)), title})
			}
			p.add(sc)
			rho, pairs := correlation(xs, ys)
			shown := "no"
			if st == Clean && i != j {
				p.say(text{s: "Rank Corr. = " + twoDigits(rho), size: tickSize, at: align{0, 0}}, 0.02, 1, inAxes)
				shown = "yes"
			}
			if st == Clean {
				p.above = tickSize
			}
			f.panels = append(f.panels, p)
			matrix.add(i, j, ym, xm, short(ym), short(xm), pairs, rho, shown, p.x.min, p.x.max, p.y.min, p.y.max)
		}
	}
	num := numbers{name: name, head: slices.Concat(identityHead, columns, []string{"colour", "marker", "size_drawn"})}
	for i, r := range s.runs {
		cells := identityCells(i, r)
		for _, m := range columns {
			cells = append(cells, value(r, m))
		}
		k := matrixLook(s.looks.of(r))
		num.add(append(cells, k.colour, k.shape, k.size)...)
	}
	f.tables = []numbers{num, matrix}
	return f.finish(s), nil
}

// matrixLook rescales a mark as the paper's matrix does, and drops its edge.
func matrixLook(l look) look {
	l.size, l.edge = 18+1.2*(l.size-9), 0
	return l
}
