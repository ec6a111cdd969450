package figures

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"urlbench/urlkit/results"
)

// Tradeoff draws what choosing hyper-parameters for R-AUROC costs in R@1, and the
// reverse: each method's means under both choices, joined by a line.
func Tradeoff(t results.Table, style ...Style) (*Figure, error) {
	return tradeoff(t, styleOf(style), "overview_tradeoff", 2.4)
}

// TradeoffPoster is Tradeoff in the poster's size.
func TradeoffPoster(t results.Table, style ...Style) (*Figure, error) {
	return tradeoff(t, styleOf(style), "overview_tradeoff_poster", 2.05)
}

// pair is a label's two points: chosen by R-AUROC and by R@1.
type pair struct {
	label string
	run   results.Run // one of them, for its look
	x, y  [2]float64
	n     [2]int
	same  bool
	look  look
}

func tradeoff(t results.Table, style Style, name string, height float64) (*Figure, error) {
	s, err := pick(t, style, name, testR1, testRAUROC)
	if err != nil {
		return nil, err
	}
	pairs := pairsOf(s)
	if len(pairs) == 0 {
		return nil, fmt.Errorf("figure %s: nothing to draw: no run belongs to a choice of hyper-parameters", name)
	}
	p := &panel{gridX: true, gridY: true}
	p.x.label, p.y.label = short(testR1), short(testRAUROC)
	var xs, ys []float64
	for _, q := range pairs {
		xs, ys = append(xs, q.x[:]...), append(ys, q.y[:]...)
	}
	p.x.fit(xs)
	p.y.fit(ys)
	p.add(&pairPlot{pairs})
	f := &Figure{Name: name, w: paperWidth, h: vg.Length(height) * inch, panels: []*panel{p}, legend: methodLegend(s.runs, s.looks),
		Title: "Mean R-AUROC against mean R@1 of each method, chosen by R-AUROC and by R@1, joined by a line"}
	if style == Faithful && name == "overview_tradeoff_poster" {
		p.below = vg.Length(0.0293) * inch // the legend is taller than the axes
	}
	num := numbers{name: "overview_tradeoff", head: strings.Split("draw_order,label,method,backbone,x_auroc_choice,y_auroc_choice,"+
		"x_r1_choice,y_r1_choice,n_auroc_choice,n_r1_choice,same_runs,colour,marker,size", ",")}
	for i, q := range pairs {
		num.add(i, q.label, q.run.Method, q.run.Group(), q.x[0], q.y[0], q.x[1], q.y[1], q.n[0], q.n[1], q.same,
			q.look.colour, q.look.shape, q.look.size)
	}
	f.tables = []numbers{num}
	return f.finish(s), nil
}

// pairsOf lists the pairs by label, in descending byte order, which is the paper's
// order of drawing; one's own after the paper's of the same label.
func pairsOf(s selection) []pair {
	labels := s.runs.Labels()
	slices.Reverse(labels)
	var out []pair
	for _, label := range labels {
		for _, source := range []string{results.Paper, results.Own} {
			runs := s.runs.Filter(func(r results.Run) bool { return r.Label() == label && r.Source == source })
			a, b := runs.Choice(results.ChoiceRAUROC), runs.Choice(results.ChoiceR1)
			if len(a) == 0 && len(b) == 0 {
				continue
			}
			q := pair{label: label, run: runs[0], look: s.looks.of(runs[0]), n: [2]int{len(a), len(b)}}
			q.same = slices.EqualFunc(a, b, func(r, o results.Run) bool { return r.Row == o.Row && r.Name == o.Name })
			// A choice without runs is drawn where the other is.
			for i, c := range []results.Table{a, b} {
				if len(c) == 0 {
					c = []results.Table{b, a}[i]
				}
				q.x[i], q.y[i] = mean(c.Column(testR1)), mean(c.Column(testRAUROC))
			}
			if source == results.Own {
				q.label += " (own)"
			}
			out = append(out, q)
		}
	}
	return out
}

// pairPlot draws all lines, then all marks.
type pairPlot struct{ pairs []pair }

func (pp *pairPlot) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	at := func(q pair, i int) vg.Point { return vg.Point{X: tx(q.x[i]), Y: ty(q.y[i])} }
	for _, q := range pp.pairs {
		if q.same || math.Hypot(q.x[0]-q.x[1], q.y[0]-q.y[1]) == 0 {
			continue
		}
		c.SetLineDash(nil, 0)
		c.SetColor(q.look.colour)
		c.SetLineWidth(1.5)
		stroke(c, at(q, 0), at(q, 1))
	}
	for _, q := range pp.pairs {
		for i, by := range []string{"R-AUROC", "R@1"} {
			title := fmt.Sprintf("%s\nchosen by %s, mean of %d runs\n%s %.4f\n%s %.4f",
				q.label, by, q.n[i], short(testR1), q.x[i], short(testRAUROC), q.y[i])
			titled(c.Canvas, title, func() { q.look.draw(c, at(q, i)) })
		}
	}
}
