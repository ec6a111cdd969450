package figures

import (
	"image/color"

	"gonum.org/v1/plot/vg"
)

// legend stands to the right of the first panel, one entry a line.
type legend struct {
	entries []entry
	centred bool // vertically at the axes' middle, else at their top
}

type entry struct {
	label string
	look  *look // nil: text alone, from the legend's left
	line  *lineLook
}

// matplotlib's measures at 7 pt, in points; legendGap is in widths of the axes.
const (
	legendGap    = 0.04
	legendPad    = vg.Length(2.8)
	legendHandle = vg.Length(14)
	legendSpace  = vg.Length(5.6)
	legendPitch  = vg.Length(9.82)
	legendRound  = vg.Length(1.4)
)

func (l *legend) size() (w, h vg.Length) {
	for _, e := range l.entries {
		tw, _ := text{s: e.label, size: tickSize}.extent()
		if e.look != nil || e.line != nil {
			tw += legendHandle + legendSpace
		} else {
			tw += 2.4
		}
		w = max(w, tw)
	}
	return w + 2*legendPad, legendPitch*vg.Length(len(l.entries)) + 2*legendPad - 3.5
}

func (l *legend) draw(c vg.Canvas, axes vg.Rectangle) {
	w, h := l.size()
	left := axes.Max.X + legendGap*(axes.Max.X-axes.Min.X)
	top := axes.Max.Y
	if l.centred {
		top = (axes.Max.Y+axes.Min.Y)/2 + h/2
	}
	frame := rounded(vg.Rectangle{Min: vg.Point{X: left, Y: top - h}, Max: vg.Point{X: left + w, Y: top}}, legendRound)
	c.SetLineDash(nil, 0)
	c.SetColor(color.White)
	c.Fill(frame)
	c.SetColor(hex(0xcccccc))
	c.SetLineWidth(1)
	c.Stroke(frame)
	for i, e := range l.entries {
		y := top - 5.5 - legendPitch*vg.Length(i)
		t := text{s: e.label, size: tickSize, at: align{0, 0.5}}
		if e.line != nil {
			e.line.set(c)
			stroke(c, vg.Point{X: left + legendPad, Y: y}, vg.Point{X: left + legendPad + legendHandle, Y: y})
			t.draw(c, vg.Point{X: left + legendPad + legendHandle + legendSpace, Y: y})
			continue
		}
		if e.look == nil {
			t.draw(c, vg.Point{X: left + legendPad + 2.4, Y: y})
			continue
		}
		e.look.draw(c, vg.Point{X: left + legendPad + legendHandle/2, Y: y})
		t.draw(c, vg.Point{X: left + legendPad + legendHandle + legendSpace, Y: y})
	}
}

func rounded(r vg.Rectangle, by vg.Length) vg.Path {
	k := by * 0.4477
	x0, y0, x1, y1 := r.Min.X, r.Min.Y, r.Max.X, r.Max.Y
	at := func(x, y vg.Length) vg.Point { return vg.Point{X: x, Y: y} }
	var p vg.Path
	p.Move(at(x0+by, y0))
	p.Line(at(x1-by, y0))
	p.CubeTo(at(x1-k, y0), at(x1, y0+k), at(x1, y0+by))
	p.Line(at(x1, y1-by))
	p.CubeTo(at(x1, y1-k), at(x1-k, y1), at(x1-by, y1))
	p.Line(at(x0+by, y1))
	p.CubeTo(at(x0+k, y1), at(x0, y1-k), at(x0, y1-by))
	p.Line(at(x0, y0+by))
	p.CubeTo(at(x0, y0+k), at(x0+k, y0), at(x0+by, y0))
	p.Close()
	return p
}
