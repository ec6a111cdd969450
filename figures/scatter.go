package figures

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"urlbench/urlkit/metric"
	"urlbench/urlkit/results"
)

// scatterPanel is a panel with a grid and one mark a run, in the table's order.
func scatterPanel(s selection, xMetric, yMetric string) *panel {
	p := &panel{gridX: true, gridY: true}
	xs, ys := s.values(xMetric), s.values(yMetric)
	p.x.label, p.y.label = short(xMetric), short(yMetric)
	var sc scatter
	for i, r := range s.runs {
		sc = append(sc, mark{xs[i], ys[i], s.looks.of(r), hover(r, xMetric, yMetric)})
	}
	p.x.fit(xs)
	p.y.fit(ys)
	p.add(sc)
	return p
}

func (s selection) values(metric string) []float64 {
	out := make([]float64, len(s.runs))
	for i, r := range s.runs {
		out[i] = value(r, metric)
	}
	return out
}

// scatterRows are a scatter panel's numbers, behind the given cells.
func (n *numbers) scatterRows(s selection, xMetric, yMetric string, before ...any) {
	for i, r := range s.runs {
		k := s.looks.of(r)
		cells := slices.Concat(before, identityCells(i, r))
		n.add(append(cells, value(r, xMetric), value(r, yMetric), k.colour, k.shape, k.size)...)
	}
}

var scatterHead = append(slices.Clone(identityHead), "x", "y", "colour", "marker", "size")

// correlation is Spearman's of the pairs that have both values, NaN where it is
// undefined, and the number of pairs.
func correlation(x, y []float64) (float64, int) {
	var a, b []float64
	for i := range x {
		if !math.IsNaN(x[i]) && !math.IsNaN(y[i]) {
			a, b = append(a, x[i]), append(b, y[i])
		}
	}
	rho, err := metric.Spearman(a, b)
	if err != nil {
		rho = math.NaN()
	}
	return rho, len(a)
}

// twoDigits shows a correlation as the paper's captions do.
func twoDigits(v float64) string {
	if math.IsNaN(v) {
		return "undefined"
	}
	return fmt.Sprintf("%.2f", v)
}

var rankHead = strings.Split("figure,panel,label,x_column,y_column,n,spearman,text_shown", ",")

// methodLegend lists the table's methods in the paper's order, and what size and edge
// tell.
func methodLegend(t results.Table, l looks) *legend {
	lg := &legend{}
	has := func(keep func(results.Run) bool) bool { return slices.ContainsFunc(t, keep) }
	add := func(m methodLook) {
		k := look{shape: m.shape, size: 25, colour: l.style.colour(m), edge: markEdge}
		lg.entries = append(lg.entries, entry{label: m.name, look: &k})
	}
	for _, m := range methods {
		if has(func(r results.Run) bool { return r.Method == m.name }) {
			add(m)
		}
	}
	for _, name := range l.strangers {
		add(lookup(name, l.strangers))
	}
	lg.entries = append(lg.entries, entry{})
	note := func(group, size, name string, area float64) {
		if !has(func(r results.Run) bool { return r.Group() == group }) {
			return
		}
		if l.style == Clean {
			lg.entries = append(lg.entries, entry{label: name, look: &look{shape: 'o', size: area, colour: grey, edge: markEdge}})
			return
		}
		lg.entries = append(lg.entries, entry{label: size + " = " + name})
	}
	note(resNet, "small", "ResNet-50", 13)
	var seen []string
	for _, r := range t {
		if g := r.Group(); g != resNet && g != vit && !slices.Contains(seen, g) {
			seen = append(seen, g)
			note(g, "medium", g, 26)
		}
	}
	note(vit, "big", "ViT-Medium", 39)
	if hasOwn(t) {
		lg.entries = append(lg.entries, entry{label: "your runs", look: &look{shape: 'o', size: 26, colour: gridColour, edge: markEdge, own: true}})
	}
	return lg
}

// captionAbove writes a line above the axes, at their left.
func (p *panel) captionAbove(s string, size vg.Length) {
	p.say(text{s: s, size: size, at: align{0, 0}}, 0, 1, inAxes)
	p.texts[len(p.texts)-1].dy = p.above + 3
	p.above += size + 3
}
