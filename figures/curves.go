package figures

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"urlbench/urlkit/results"
)

// Line is a named curve.
type Line struct {
	Name string
	X, Y []float64
}

// Curves draws lines over a common axis. NaN leaves a gap.
func Curves(xLabel, yLabel string, lines ...Line) (*Figure, error) {
	const name = "curves"
	p, lg, err := curvePanel(name, xLabel, yLabel, lines)
	if err != nil {
		return nil, err
	}
	return &Figure{Name: name, w: paperWidth, h: 2.4 * inch, panels: []*panel{p}, legend: lg, Title: yLabel + " over " + xLabel}, nil
}

func curvePanel(name, xLabel, yLabel string, lines []Line) (*panel, *legend, error) {
	p := &panel{gridX: true, gridY: true}
	p.x.label, p.y.label = xLabel, yLabel
	lg := &legend{}
	var xs, ys []float64
	for i, l := range lines {
		if len(l.X) != len(l.Y) {
			return nil, nil, fmt.Errorf("figure %s: %q has %d x and %d y; want as many", name, l.Name, len(l.X), len(l.Y))
		}
		look := seriesLook(i)
		p.add(&linePlot{l.X, l.Y, look, l.Name})
		p.add(dots(l.X, l.Y, look.colour, func(k int) string {
			return fmt.Sprintf("%s\n%s %.5g\n%s %.5g", l.Name, xLabel, l.X[k], yLabel, l.Y[k])
		}))
		lg.entries = append(lg.entries, entry{label: l.Name, line: &look})
		xs, ys = append(xs, l.X...), append(ys, l.Y...)
	}
	if !slices.ContainsFunc(ys, func(v float64) bool { return !math.IsNaN(v) }) {
		return nil, nil, fmt.Errorf("figure %s of %s: nothing to draw: no value", name, yLabel)
	}
	p.x.fit(xs)
	p.y.fit(ys)
	return p, lg, nil
}

// Epochs draws columns of a run's summary.csv over its epochs, a panel a column, two
// panels a row. Columns that the run lacks are told in Missing.
func Epochs(s *results.Summary, columns ...string) (*Figure, error) {
	const name = "epochs"
	f := &Figure{Name: name, w: paperWidth, cols: 2, Title: "A run's metrics over its epochs"}
	epochs := s.Values["epoch"]
	for _, column := range columns {
		v, ok := s.Values[column]
		if ok && epochs == nil {
			for i := range v {
				epochs = append(epochs, float64(i))
			}
		}
		if !ok {
			f.Missing = append(f.Missing, "no column "+column)
			continue
		}
		p, _, err := curvePanel(name, "Epoch", column, []Line{{column, epochs, v}})
		if err != nil {
			f.Missing = append(f.Missing, column+": no value")
			continue
		}
		p.y.label = ""
		p.captionAbove(column, 8)
		p.x.wholeTicks()
		i := len(f.panels)
		p.row, p.col = i/2, i%2
		f.panels = append(f.panels, p)
	}
	if len(f.panels) == 0 {
		return nil, fmt.Errorf("figure %s: nothing to draw: the run has none of %s", name, strings.Join(columns, ", "))
	}
	if len(f.Missing) > 0 {
		f.note = "Missing: " + strings.Join(f.Missing, "; ") + "."
	}
	f.cols = min(len(f.panels), 2)
	f.rows = (len(f.panels) + 1) / 2
	f.h = vg.Length(f.rows) * 1.9 * inch
	return f, nil
}

// wholeTicks places ticks at whole numbers only.
func (a *axis) wholeTicks() {
	lo, hi := math.Ceil(a.min), math.Floor(a.max)
	step := math.Max(1, math.Ceil((hi-lo)/8))
	a.fixed = true
	for v := lo; v <= hi; v += step {
		a.ticks = append(a.ticks, tick{v, number(v, 0)})
	}
}
