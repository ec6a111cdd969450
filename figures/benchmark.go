package figures

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"urlbench/urlkit/results"
)

// Benchmark draws the paper's main figure: R-AUROC on unseen data of each method, for
// the hyper-parameters with the best validation R-AUROC. A bar is the mean over the
// runs (three seeds in the paper), its whisker reaches from the lowest to the highest.
// Runs of one's own stand hatched, in their backbone's group or in one of their own.
func Benchmark(t results.Table, style ...Style) (*Figure, error) {
	return bars(t, styleOf(style), barSpec{
		name: "benchmark", height: 3.0, metric: testRAUROC, choice: results.ChoiceRAUROC,
		label: "Downstream R-AUROC", floor: chanceRAUC, line: 0.684, lineText: 0.003, groupBelow: 0.6255, bottom: 0.6835,
	})
}

// BenchmarkPoster is Benchmark in the poster's size.
func BenchmarkPoster(t results.Table, style ...Style) (*Figure, error) {
	return bars(t, styleOf(style), barSpec{
		name: "benchmark_poster", numbers: "benchmark", height: 2.63, metric: testRAUROC, choice: results.ChoiceRAUROC,
		label: "Downstream R-AUROC", floor: chanceRAUC, line: 0.684, lineText: 0.003, groupBelow: 0.6522, bottom: 0.6909,
	})
}

type barSpec struct {
	name, numbers string
	height        float64 // inches
	metric        string
	choice, label string
	floor         float64 // where bars begin
	line          float64 // a ResNet 50 trained on the test classes; not in the export
	lineText      float64 // its text stands that much above
	groupBelow    float64 // inches from the axes to the groups' names
	bottom        float64 // inches from the axes to the page's end
}

// bar is one method and backbone, of the paper or of one's own.
type bar struct {
	label, method, group string
	own                  bool
	x                    float64
	mean, min, max       float64
	n                    int
	colour               color.RGBA
	title                string
}

// collect makes the bars: groups in order, inside each by mean, highest first.
func collect(s selection, spec barSpec) []bar {
	type key struct {
		label string
		own   bool
	}
	var keys []key
	values := map[key][]float64{}
	members := map[key]results.Table{}
	groups := []string{resNet, vit}
	for _, r := range s.runs {
		k := key{r.Label(), r.Source == results.Own}
		if _, ok := values[k]; !ok {
			keys = append(keys, k)
		}
		values[k] = append(values[k], r.Metric(spec.metric))
		members[k] = append(members[k], r)
		if !slices.Contains(groups, r.Group()) {
			groups = append(groups, r.Group())
		}
	}
	var out []bar
	for _, k := range keys {
		r, v := members[k][0], values[k]
		b := bar{label: k.label, method: r.Method, group: r.Group(), own: k.own, n: len(v),
			mean: mean(v), min: slices.Min(v), max: slices.Max(v), colour: s.looks.of(r).colour}
		b.title = fmt.Sprintf("%s\n%s %.4f (%.4f to %.4f, %d runs)", k.label, spec.label, b.mean, b.min, b.max, b.n)
		for _, r := range members[k] {
			b.title += fmt.Sprintf("\n%s %.4f", r.Name, r.Metric(spec.metric))
		}
		if k.own {
			b.label += " (own)"
			b.title = "your run: " + b.title
		}
		out = append(out, b)
	}
	slices.SortStableFunc(out, func(a, b bar) int {
		if c := cmp.Compare(slices.Index(groups, a.group), slices.Index(groups, b.group)); c != 0 {
			return c
		}
		return cmp.Compare(b.mean, a.mean)
	})
	return out
}

func bars(t results.Table, style Style, spec barSpec) (*Figure, error) {
	s, err := pick(t, style, spec.name, spec.metric)
	if err != nil {
		return nil, err
	}
	s.runs = s.runs.Choice(spec.choice)
	if len(s.runs) == 0 {
		return nil, fmt.Errorf("figure %s: nothing to draw: no run belongs to the choice %q", spec.name, spec.choice)
	}
	bs := collect(s, spec)
	if !slices.ContainsFunc(bs, func(b bar) bool { return b.group == resNet || b.group == vit }) {
		spec.line = 0 // the reference belongs to the paper's data
	}

	p := &panel{gridY: true}
	p.x.turn = 50 * math.Pi / 180
	p.y.label = spec.label
	x, top, low := 0.0, spec.line, spec.floor
	hang := style == Clean
	for i := range bs {
		b := &bs[i]
		// The paper's two groups follow each other without a gap.
		if i > 0 && b.group != bs[i-1].group && (style == Clean || b.group != vit) {
			x += 0.8
		}
		b.x = x
		x++
		p.x.ticks = append(p.x.ticks, tick{b.x, b.method})
		top = math.Max(top, b.max)
		low = math.Min(low, b.min)
		hang = hang || b.own && b.mean < spec.floor
	}
	// Few bars keep a bar's proportions.
	spare := math.Max(0, 7-x) / 2
	p.x.fit([]float64{bs[0].x - 0.4 - spare, bs[len(bs)-1].x + 0.4 + spare})
	p.y.min, p.y.max = spec.floor, top*1.05
	if spec.floor > 0 {
		p.y.max = math.Max(p.y.max, top+0.05*(top-spec.floor))
	}
	if hang && low < spec.floor {
		p.y.min = low - 0.05*(top-low)
	}
	p.add(&barPlot{bars: bs, floor: spec.floor, line: spec.line, halo: style == Clean})
	if spec.line > 0 {
		p.say(text{s: resNetTitle, size: 8.4, at: align{0, 0}}, 0.005, spec.line+spec.lineText, axesX)
	}
	if hang && spec.floor > 0 && low < spec.floor {
		p.say(text{s: "chance", size: tickSize, at: align{0, 1}}, 0.005, spec.floor-spec.lineText, axesX)
	}
	if hasOwn(s.runs) {
		p.say(text{s: "hatched = your runs", size: tickSize, at: align{1, 1}}, 0.99, 0.975, inAxes)
	}
	p.nameGroups(bs, style, spec)

	f := &Figure{Name: spec.name, w: paperWidth, h: vg.Length(spec.height) * inch, panels: []*panel{p},
		Title: fmt.Sprintf("%s by method and backbone: mean, lowest and highest of the runs", spec.label)}
	num := numbers{name: cmp.Or(spec.numbers, spec.name), head: strings.Split(
		"order,label,method,backbone,tick_label,mean,min,max,n_runs,colour,bar_left,bar_width", ",")}
	for i, b := range bs {
		num.add(i, b.label, b.method, b.group, b.method, b.mean, b.min, b.max, b.n, b.colour, b.x-0.4, 0.8)
	}
	lines := numbers{name: "reference_lines", head: strings.Split("figure,panel,kind,value,colour,width_pt,dash_on,dash_off,dash_unit,label", ",")}
	if spec.line > 0 {
		lines.add(spec.name, 0, "horizontal", spec.line, color.RGBA{A: 255}, 1.0, 4, 4, "line widths", resNetTitle)
	}
	f.tables = []numbers{num, lines}
	return f.finish(s), nil
}

// nameGroups writes the backbones under the bars' names: where the paper has them if
// the groups are the paper's, else at the groups' middle.
func (p *panel) nameGroups(bs []bar, style Style, spec barSpec) {
	deepest := vg.Length(0)
	for _, t := range p.x.ticks {
		b := p.xLabel(t).box()
		deepest = max(deepest, b.Max.Y-b.Min.Y)
	}
	names := tickLength + tickPad + deepest
	below := vg.Length(spec.groupBelow) * inch
	p.below = vg.Length(spec.bottom)*inch - pagePad - names
	if need := names + 9; style == Clean || need > below+4 {
		below = need
		p.below = below + descent*tickSize - names
	}
	for i := 0; i < len(bs); {
		j := i
		for j < len(bs) && bs[j].group == bs[i].group {
			j++
		}
		x := (bs[i].x + bs[j-1].x) / 2
		if style == Faithful && len(bs) == 2*len(methods) && j-i == len(methods) {
			x -= map[string]float64{resNet: 0.5, vit: 1.5}[bs[i].group]
		}
		p.say(text{s: bs[i].group, size: tickSize, at: align{0.5, baseline}}, x, 0, dataX)
		p.texts[len(p.texts)-1].dy = -below
		i = j
	}
}

// barPlot draws bars from a floor, their whiskers and the dashed reference line,
// clipped to the axes.
type barPlot struct {
	bars        []bar
	floor, line float64
	halo        bool // whiskers with a white edge, seen on dark bars too
}

func (bp *barPlot) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	clip := func(v float64) float64 { return math.Min(math.Max(v, p.Y.Min), p.Y.Max) }
	for _, b := range bp.bars {
		titled(c.Canvas, b.title, func() {
			lo, hi := clip(math.Min(bp.floor, b.mean)), clip(math.Max(bp.floor, b.mean))
			if b.mean < bp.floor && p.Y.Min >= bp.floor {
				hi = lo
			}
			r := vg.Rectangle{Min: vg.Point{X: tx(b.x - 0.4), Y: ty(lo)}, Max: vg.Point{X: tx(b.x + 0.4), Y: ty(hi)}}
			if r.Max.Y > r.Min.Y {
				c.SetColor(b.colour)
				c.Fill(rectangle(r))
				if b.own {
					hatch(c, r)
				}
			}
			if lo, hi := clip(b.min), clip(b.max); hi > lo {
				c.SetLineDash(nil, 0)
				if bp.halo {
					c.SetColor(color.White)
					c.SetLineWidth(2.7)
					stroke(c, vg.Point{X: tx(b.x), Y: ty(lo)}, vg.Point{X: tx(b.x), Y: ty(hi)})
				}
				c.SetColor(color.Black)
				c.SetLineWidth(1.5)
				stroke(c, vg.Point{X: tx(b.x), Y: ty(lo)}, vg.Point{X: tx(b.x), Y: ty(hi)})
			}
		})
	}
	c.SetColor(color.Black)
	if p.Y.Min < bp.floor {
		c.SetLineDash(nil, 0)
		c.SetLineWidth(0.8)
		stroke(c, vg.Point{X: c.Min.X, Y: ty(bp.floor)}, vg.Point{X: c.Max.X, Y: ty(bp.floor)})
	}
	if bp.line == 0 {
		return
	}
	c.SetLineWidth(1)
	c.SetLineDash([]vg.Length{4, 4}, 0)
	stroke(c, vg.Point{X: c.Min.X, Y: ty(bp.line)}, vg.Point{X: c.Max.X, Y: ty(bp.line)})
	c.SetLineDash(nil, 0)
}

func rectangle(r vg.Rectangle) vg.Path {
	return polygon([]vg.Point{r.Min, {X: r.Max.X, Y: r.Min.Y}, r.Max, {X: r.Min.X, Y: r.Max.Y}})
}

func stroke(c vg.Canvas, from, to vg.Point) {
	var p vg.Path
	p.Move(from)
	p.Line(to)
	c.Stroke(p)
}

// hatch draws white diagonals over a rectangle and a black edge around it.
func hatch(c vg.Canvas, r vg.Rectangle) {
	const gap = vg.Length(3)
	w, h := r.Max.X-r.Min.X, r.Max.Y-r.Min.Y
	c.SetLineDash(nil, 0)
	c.SetColor(color.White)
	c.SetLineWidth(0.9)
	for d := -h + gap/2; d < w; d += gap { // lines y = x - d
		x0, x1 := max(0, d), min(w, d+h)
		if x1 > x0 {
			stroke(c, vg.Point{X: r.Min.X + x0, Y: r.Min.Y + x0 - d}, vg.Point{X: r.Min.X + x1, Y: r.Min.Y + x1 - d})
		}
	}
	c.SetColor(color.Black)
	c.SetLineWidth(0.8)
	c.Stroke(rectangle(r))
}
