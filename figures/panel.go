package figures

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// panel is one pair of axes. What is drawn in it are gonum/plot Plotters, in order,
// over the grid and under the frame.
type panel struct {
	row, col     int
	x, y         axis
	gridX, gridY bool
	open         bool // frame lines left and below only
	bare         bool // no frame, no ticks
	square       bool // one unit is as long in x as in y
	plotters     []plot.Plotter
	texts        []caption

	above, below, right vg.Length // room kept free beside the axes

	box vg.Rectangle // of the axes on the page, set by the layout
}

// caption is a text in a panel, at a place in data units or in parts of the axes.
type caption struct {
	text
	x, y  float64
	place coords
	dy    vg.Length // moved up by
}

type coords int

const (
	inData coords = iota
	inAxes
	dataX // x in data units, y in parts of the axes
	axesX // x in parts of the axes, y in data units
)

func (p *panel) add(pl ...plot.Plotter) { p.plotters = append(p.plotters, pl...) }

func (p *panel) say(t text, x, y float64, place coords) {
	p.texts = append(p.texts, caption{text: t, x: x, y: y, place: place})
}

// transforms map data to the page.
func (p *panel) transforms() (x, y func(float64) vg.Length) {
	to := func(a axis, lo, hi vg.Length) func(float64) vg.Length {
		if a.log {
			l0, l1 := math.Log10(a.min), math.Log10(a.max)
			return func(v float64) vg.Length {
				return lo + vg.Length((math.Log10(math.Max(v, a.min/10))-l0)/(l1-l0))*(hi-lo)
			}
		}
		return func(v float64) vg.Length { return lo + vg.Length((v-a.min)/(a.max-a.min))*(hi-lo) }
	}
	return to(p.x, p.box.Min.X, p.box.Max.X), to(p.y, p.box.Min.Y, p.box.Max.Y)
}

// gonum is the panel as gonum/plot's Plotters want it.
func (p *panel) gonum() *plot.Plot {
	g := plot.New()
	g.X.Min, g.X.Max, g.Y.Min, g.Y.Max = p.x.min, p.x.max, p.y.min, p.y.max
	if p.x.log {
		g.X.Scale = plot.LogScale{}
	}
	if p.y.log {
		g.Y.Scale = plot.LogScale{}
	}
	return g
}

// xLabel and yLabel are the texts of a tick; their anchor is the tick's end and pad.
func (p *panel) xLabel(t tick) text {
	s := text{s: t.label, size: tickSize, at: align{0.5, 1}}
	if p.x.turn != 0 {
		// The turned text's bounds end right above the tick.
		s.angle, s.at = p.x.turn, align{0, 0}
	}
	return s
}

func (p *panel) yLabel(t tick) text {
	return text{s: t.label, size: tickSize, at: align{1, 0.5}}
}

// needs is the room that ticks and labels take on each side of the axes.
func (p *panel) needs() (left, right, bottom, top vg.Length) {
	p.x.place(p.box.Max.X-p.box.Min.X, tickSize, true)
	p.y.place(p.box.Max.Y-p.box.Min.Y, tickSize, false)
	left, right, bottom, top = pagePad, pagePad+p.right, pagePad+p.below, pagePad+p.above
	if p.bare {
		return
	}
	tx, ty := p.transforms()
	var wide, high, overX, overY vg.Length
	if !p.y.hide {
		for _, t := range p.y.ticks {
			w, h := p.yLabel(t).extent()
			wide = max(wide, w)
			overY = max(overY, ty(t.at)+h/2-p.box.Max.Y)
		}
	}
	if !p.x.hide {
		for _, t := range p.x.ticks {
			b := p.xLabel(t).box()
			high = max(high, b.Max.Y-b.Min.Y)
			if p.x.turn == 0 {
				overX = max(overX, tx(t.at)+(b.Max.X-b.Min.X)/2-p.box.Max.X)
			}
		}
		if p.x.turn == 0 && high > 0 {
			high = tickSize * pointsLine
		}
	}
	// Ticks without labels take their own length.
	if len(p.y.ticks) > 0 {
		left += tickLength
	}
	if wide > 0 {
		left += wide + tickPad
	}
	if len(p.x.ticks) > 0 {
		bottom += tickLength
	}
	if high > 0 {
		bottom += high + tickPad
	}
	for _, t := range p.texts { // captions wider than their panel push the next one away
		if t.place == inAxes && t.at.h == 0 {
			w, _ := t.extent()
			overX = max(overX, w-vg.Length(1-t.x)*(p.box.Max.X-p.box.Min.X))
		}
	}
	if p.y.label != "" {
		left += labelSize*pointsLine*vg.Length(lineCount(p.y.label)) + labelPad
	}
	if p.x.label != "" {
		bottom += labelSize*pointsLine*vg.Length(lineCount(p.x.label)) + labelPad
	}
	return left, right + max(overX, 0), bottom, top + max(overY, 0)
}

func lineCount(s string) int { return len(text{s: s}.lines()) }

func (p *panel) draw(c vg.Canvas, page vg.Rectangle) {
	tx, ty := p.transforms()
	lo, hi := p.box.Min, p.box.Max
	line := func(x0, y0, x1, y1 vg.Length) {
		var path vg.Path
		path.Move(vg.Point{X: x0, Y: y0})
		path.Line(vg.Point{X: x1, Y: y1})
		c.Stroke(path)
	}
	c.SetLineDash(nil, 0)
	c.SetColor(gridColour)
	c.SetLineWidth(0.5)
	if p.gridX {
		for _, t := range p.x.ticks {
			line(tx(t.at), lo.Y, tx(t.at), hi.Y)
		}
	}
	if p.gridY {
		for _, t := range p.y.ticks {
			line(lo.X, ty(t.at), hi.X, ty(t.at))
		}
	}

	g := p.gonum()
	dc := draw.Canvas{Canvas: c, Rectangle: p.box}
	for _, pl := range p.plotters {
		pl.Plot(dc, g)
	}

	c.SetLineDash(nil, 0)
	c.SetColor(color.Black)
	c.SetLineWidth(frameWidth)
	half := frameWidth / 2
	if !p.bare {
		line(lo.X-half, lo.Y, hi.X+half, lo.Y)
		line(lo.X, lo.Y, lo.X, hi.Y)
		if !p.open {
			line(lo.X-half, hi.Y, hi.X+half, hi.Y)
			line(hi.X, lo.Y, hi.X, hi.Y)
		}
		p.drawTicks(c, tx, ty)
	}
	p.drawLabels(c, page)
	for _, t := range p.texts {
		at := vg.Point{X: tx(t.x), Y: ty(t.y) + t.dy}
		if t.place == inAxes || t.place == axesX {
			at.X = lo.X + vg.Length(t.x)*(hi.X-lo.X)
		}
		if t.place == inAxes || t.place == dataX {
			at.Y = lo.Y + vg.Length(t.y)*(hi.Y-lo.Y) + t.dy
		}
		t.draw(c, at)
	}
}

func (p *panel) drawTicks(c vg.Canvas, tx, ty func(float64) vg.Length) {
	lo := p.box.Min
	for _, t := range p.x.ticks {
		x := tx(t.at)
		var path vg.Path
		path.Move(vg.Point{X: x, Y: lo.Y})
		path.Line(vg.Point{X: x, Y: lo.Y - tickLength})
		c.Stroke(path)
		if p.x.hide {
			continue
		}
		s := p.xLabel(t)
		at := vg.Point{X: x, Y: lo.Y - tickLength - tickPad}
		if p.x.turn != 0 {
			at = at.Sub(s.box().Max)
		}
		s.draw(c, at)
	}
	for _, t := range p.y.ticks {
		y := ty(t.at)
		var path vg.Path
		path.Move(vg.Point{X: lo.X, Y: y})
		path.Line(vg.Point{X: lo.X - tickLength, Y: y})
		c.Stroke(path)
		if !p.y.hide {
			p.yLabel(t).draw(c, vg.Point{X: lo.X - tickLength - tickPad, Y: y})
		}
	}
}

// drawLabels draws the axes' labels at their middle. One that would leave the page is
// moved inwards, and one longer than the page made smaller: the paper's pictures cut
// them.
func (p *panel) drawLabels(c vg.Canvas, page vg.Rectangle) {
	left, _, bottom, _ := p.needs()
	fit := func(s string, middle, from, to vg.Length) (vg.Length, vg.Length) {
		size := labelSize
		w, _ := text{s: s, size: size}.extent()
		if room := to - from; w > room {
			size *= room / w
			w = room
		}
		return min(max(middle, from+w/2), to-w/2), size
	}
	lo, hi := p.box.Min, p.box.Max
	if p.x.label != "" {
		x, size := fit(p.x.label, (lo.X+hi.X)/2, page.Min.X+pagePad, page.Max.X-pagePad)
		y := lo.Y - bottom + pagePad + p.below
		text{s: p.x.label, size: size, at: align{0.5, 0}}.draw(c, vg.Point{X: x, Y: y})
	}
	if p.y.label != "" {
		y, size := fit(p.y.label, (lo.Y+hi.Y)/2, page.Min.Y+pagePad, page.Max.Y-pagePad)
		x := lo.X - left + pagePad
		text{s: p.y.label, size: size, at: align{0.5, 1}, angle: math.Pi / 2}.draw(c, vg.Point{X: x, Y: y})
	}
}
