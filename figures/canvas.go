package figures

import (
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// titler is a canvas that shows a text when the pointer rests on what is drawn
// between Title and EndTitle. Titles do not nest.
type titler interface {
	Title(s string)
	EndTitle()
}

// stamper is a canvas that draws one shape many times without repeating it.
type stamper interface {
	Stamp(key string, shape vg.Path, at vg.Point)
}

// titled draws with a title where the canvas knows titles.
func titled(c vg.Canvas, title string, draw func()) {
	t, ok := c.(titler)
	if ok && title != "" {
		t.Title(title)
		defer t.EndTitle()
	}
	draw()
}

// stamp fills a shape, given about the origin, at a point.
func stamp(c vg.Canvas, key string, shape vg.Path, at vg.Point) {
	if s, ok := c.(stamper); ok {
		s.Stamp(key, shape, at)
		return
	}
	c.Fill(shift(shape, at))
}

func shift(p vg.Path, by vg.Point) vg.Path {
	out := make(vg.Path, len(p))
	for i, s := range p {
		s.Pos = s.Pos.Add(by)
		if len(s.Control) > 0 {
			ctl := make([]vg.Point, len(s.Control))
			for j, q := range s.Control {
				ctl[j] = q.Add(by)
			}
			s.Control = ctl
		}
		out[i] = s
	}
	return out
}

// affine maps a point (x, y) to (a x + c y + e, b x + d y + f).
type affine struct{ a, b, c, d, e, f float64 }

var identity = affine{a: 1, d: 1}

func (m affine) apply(p vg.Point) vg.Point {
	x, y := float64(p.X), float64(p.Y)
	return vg.Point{X: vg.Length(m.a*x + m.c*y + m.e), Y: vg.Length(m.b*x + m.d*y + m.f)}
}

func (m affine) translate(p vg.Point) affine {
	q := m.apply(p)
	m.e, m.f = float64(q.X), float64(q.Y)
	return m
}

func (m affine) rotate(t float64) affine {
	sin, cos := math.Sincos(t)
	return affine{m.a*cos + m.c*sin, m.b*cos + m.d*sin, m.c*cos - m.a*sin, m.d*cos - m.b*sin, m.e, m.f}
}

func (m affine) scale(x, y float64) affine {
	return affine{m.a * x, m.b * x, m.c * y, m.d * y, m.e, m.f}
}

// pen is the state that Push saves.
type pen struct {
	m      affine
	colour color.Color
	width  vg.Length
	dash   []vg.Length
	offset vg.Length
}

// pens keeps the state of a canvas; canvases embed it.
type pens struct {
	pen
	stack []pen
}

func newPens() pens {
	return pens{pen: pen{m: identity, colour: color.Black, width: vg.Points(1)}}
}

func (p *pens) SetLineWidth(w vg.Length) { p.width = w }
func (p *pens) SetLineDash(pattern []vg.Length, offset vg.Length) {
	p.dash, p.offset = pattern, offset
}
func (p *pens) SetColor(c color.Color) {
	if c == nil {
		c = color.Black
	}
	p.colour = c
}
func (p *pens) Rotate(t float64)      { p.m = p.m.rotate(t) }
func (p *pens) Translate(q vg.Point)  { p.m = p.m.translate(q) }
func (p *pens) Scale(x, y float64)    { p.m = p.m.scale(x, y) }
func (p *pens) Push()                 { p.stack = append(p.stack, p.pen) }
func (p *pens) Pop()                  { p.pen, p.stack = p.stack[len(p.stack)-1], p.stack[:len(p.stack)-1] }
func (p *pens) solid() (c color.RGBA) { return color.RGBAModel.Convert(p.colour).(color.RGBA) }

// measure is a canvas that only notes how far the drawing reaches, and where what has a
// title is.
type measure struct {
	pens
	box   vg.Rectangle
	empty bool
	areas []area
	open  bool // a title
}

// area is where the pointer shows a title.
type area struct {
	title string
	box   vg.Rectangle
	empty bool
}

func (c *measure) Title(s string) {
	c.areas, c.open = append(c.areas, area{title: s, empty: true}), true
}
func (c *measure) EndTitle() { c.open = false }

func newMeasure() *measure { return &measure{pens: newPens(), empty: true} }

func (c *measure) add(p vg.Point, margin vg.Length) {
	q := c.m.apply(p)
	r := vg.Rectangle{Min: vg.Point{X: q.X - margin, Y: q.Y - margin}, Max: vg.Point{X: q.X + margin, Y: q.Y + margin}}
	if c.open {
		a := &c.areas[len(c.areas)-1]
		if a.empty {
			a.box, a.empty = r, false
		} else {
			a.box = union(a.box, r)
		}
	}
	if c.empty {
		c.box, c.empty = r, false
		return
	}
	c.box = union(c.box, r)
}

func (c *measure) path(p vg.Path, margin vg.Length) {
	for _, s := range p {
		switch s.Type {
		case vg.CloseComp:
		case vg.ArcComp:
			c.add(s.Pos, s.Radius+margin)
		default:
			c.add(s.Pos, margin)
			for _, q := range s.Control {
				c.add(q, margin)
			}
		}
	}
}

func (c *measure) Stroke(p vg.Path) { c.path(p, c.width/2) }
func (c *measure) Fill(p vg.Path)   { c.path(p, 0) }
func (c *measure) FillString(f font.Face, p vg.Point, s string) {
	w := f.Width(s)
	c.add(vg.Point{X: p.X, Y: p.Y - f.Font.Size*descent}, 0)
	c.add(vg.Point{X: p.X + w, Y: p.Y + f.Font.Size*ascent}, 0)
	c.add(vg.Point{X: p.X, Y: p.Y + f.Font.Size*ascent}, 0)
	c.add(vg.Point{X: p.X + w, Y: p.Y - f.Font.Size*descent}, 0)
}
func (c *measure) DrawImage(r vg.Rectangle, _ image.Image) {
	c.add(r.Min, 0)
	c.add(r.Max, 0)
}

func union(a, b vg.Rectangle) vg.Rectangle {
	return vg.Rectangle{
		Min: vg.Point{X: min(a.Min.X, b.Min.X), Y: min(a.Min.Y, b.Min.Y)},
		Max: vg.Point{X: max(a.Max.X, b.Max.X), Y: max(a.Max.Y, b.Max.Y)},
	}
}
