package figures

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Marker shapes by matplotlib's letters, side or diameter 1, as the paper uses them.
var shapes = map[byte][]vg.Point{
	'^': {{X: 0, Y: 0.5}, {X: -0.5, Y: -0.5}, {X: 0.5, Y: -0.5}},
	'v': {{X: 0, Y: -0.5}, {X: 0.5, Y: 0.5}, {X: -0.5, Y: 0.5}},
	's': {{X: -0.5, Y: -0.5}, {X: 0.5, Y: -0.5}, {X: 0.5, Y: 0.5}, {X: -0.5, Y: 0.5}},
	'p': star(5, 0.5, 0.5, 90),
	'h': star(6, 0.5, 0.5, 90),
	'H': star(6, 0.5, 0.5, 0),
	'*': star(10, 0.5, 0.5*0.381966, 90),
	'D': star(4, math.Sqrt2/2, math.Sqrt2/2, 90),
	'P': {{X: -sixth, Y: -0.5}, {X: sixth, Y: -0.5}, {X: sixth, Y: -sixth}, {X: 0.5, Y: -sixth}, {X: 0.5, Y: sixth}, {X: sixth, Y: sixth},
		{X: sixth, Y: 0.5}, {X: -sixth, Y: 0.5}, {X: -sixth, Y: sixth}, {X: -0.5, Y: sixth}, {X: -0.5, Y: -sixth}, {X: -sixth, Y: -sixth}},
	'X': {{X: -0.25, Y: -0.5}, {X: 0, Y: -0.25}, {X: 0.25, Y: -0.5}, {X: 0.5, Y: -0.25}, {X: 0.25, Y: 0}, {X: 0.5, Y: 0.25},
		{X: 0.25, Y: 0.5}, {X: 0, Y: 0.25}, {X: -0.25, Y: 0.5}, {X: -0.5, Y: 0.25}, {X: -0.25, Y: 0}, {X: -0.5, Y: -0.25}},
}

const sixth = 1.0 / 6

// star is a polygon of n vertices whose distance from the centre is in turn outer and
// inner, the first at the given angle in degrees.
func star(n int, outer, inner, start float64) []vg.Point {
	pts := make([]vg.Point, n)
	for i := range pts {
		r := outer
		if i%2 == 1 {
			r = inner
		}
		sin, cos := math.Sincos((start + 360*float64(i)/float64(n)) * math.Pi / 180)
		pts[i] = vg.Point{X: vg.Length(r * cos), Y: vg.Length(r * sin)}
	}
	return pts
}

// marker is the outline of a mark about the origin: the shape with matplotlib's size
// (square points), grown on all sides by half an edge line with round corners. 'o' is
// a circle.
func marker(shape byte, size float64, grow vg.Length) vg.Path {
	side := vg.Length(math.Sqrt(size))
	if shape == 'o' {
		return circle(side/2 + grow)
	}
	unit := shapes[shape]
	pts := make([]vg.Point, len(unit))
	for i, p := range unit {
		pts[i] = vg.Point{X: p.X * side, Y: p.Y * side}
	}
	if grow == 0 {
		return polygon(pts)
	}
	return offset(pts, grow)
}

func polygon(pts []vg.Point) vg.Path {
	var p vg.Path
	p.Move(pts[0])
	for _, q := range pts[1:] {
		p.Line(q)
	}
	p.Close()
	return p
}

// circle is made of four curves.
func circle(r vg.Length) vg.Path {
	k := r * 0.5522847498
	var p vg.Path
	p.Move(vg.Point{X: r})
	p.CubeTo(vg.Point{X: r, Y: k}, vg.Point{X: k, Y: r}, vg.Point{Y: r})
	p.CubeTo(vg.Point{X: -k, Y: r}, vg.Point{X: -r, Y: k}, vg.Point{X: -r})
	p.CubeTo(vg.Point{X: -r, Y: -k}, vg.Point{X: -k, Y: -r}, vg.Point{Y: -r})
	p.CubeTo(vg.Point{X: k, Y: -r}, vg.Point{X: r, Y: -k}, vg.Point{X: r})
	p.Close()
	return p
}

// offset is the polygon grown by d: what filling it and stroking it with a line of
// width 2 d and round joins covers.
func offset(pts []vg.Point, d vg.Length) vg.Path {
	n := len(pts)
	area := vg.Length(0)
	for i, p := range pts {
		q := pts[(i+1)%n]
		area += p.X*q.Y - q.X*p.Y
	}
	if area < 0 { // counter-clockwise from here on
		r := make([]vg.Point, n)
		for i, p := range pts {
			r[n-1-i] = p
		}
		pts = r
	}
	dir := func(i int) vg.Point { // of the edge that leaves point i
		e := pts[(i+1)%n].Sub(pts[i%n])
		l := vg.Length(math.Hypot(float64(e.X), float64(e.Y)))
		return vg.Point{X: e.X / l, Y: e.Y / l}
	}
	var path vg.Path
	line := func(q vg.Point) {
		if path == nil {
			path.Move(q)
		} else {
			path.Line(q)
		}
	}
	for i, p := range pts {
		in, out := dir(i+n-1), dir(i)
		n0, n1 := vg.Point{X: in.Y, Y: -in.X}, vg.Point{X: out.Y, Y: -out.X}
		turn := math.Atan2(float64(in.X*out.Y-in.Y*out.X), float64(in.X*out.X+in.Y*out.Y))
		half := math.Tan(turn / 2)
		if turn < 0 { // a corner inwards: the moved edges meet
			line(p.Add(n0.Scale(d)).Add(in.Scale(d * vg.Length(half))))
			continue
		}
		// A corner outwards: two curves, close to an arc about p.
		m := n0.Add(n1)
		m = m.Scale(vg.Length(1 / math.Hypot(float64(m.X), float64(m.Y))))
		k := vg.Length(4.0 / 3 * math.Tan(turn/8))
		tm := vg.Point{X: -m.Y, Y: m.X}
		a, b, c := p.Add(n0.Scale(d)), p.Add(m.Scale(d)), p.Add(n1.Scale(d))
		line(a)
		path.CubeTo(a.Add(in.Scale(d*k)), b.Sub(tm.Scale(d*k)), b)
		path.CubeTo(b.Add(tm.Scale(d*k)), c.Sub(out.Scale(d*k)), c)
	}
	path.Close()
	return path
}

// look is how a mark is drawn.
type look struct {
	shape  byte
	size   float64 // square points
	colour color.RGBA
	edge   vg.Length // half the width of the edge in the mark's own colour
	own    bool      // with a black edge around
}

func (l look) draw(c vg.Canvas, at vg.Point) {
	if l.own {
		c.SetColor(color.White)
		stamp(c, fmt.Sprintf("%c %g w", l.shape, l.size), marker(l.shape, l.size, l.edge+1.9), at)
		c.SetColor(color.Black)
		stamp(c, fmt.Sprintf("%c %g b", l.shape, l.size), marker(l.shape, l.size, l.edge+1.2), at)
	}
	c.SetColor(l.colour)
	stamp(c, fmt.Sprintf("%c %g %g", l.shape, l.size, l.edge), marker(l.shape, l.size, l.edge), at)
}

// mark is one point of a scatter plot.
type mark struct {
	x, y  float64
	look  look
	title string // shown when the pointer rests on it
}

// scatter draws marks in order. It is a gonum/plot Plotter.
type scatter []mark

func (s scatter) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	for _, m := range s {
		if math.IsNaN(m.x) || math.IsNaN(m.y) {
			continue
		}
		titled(c.Canvas, m.title, func() { m.look.draw(c, vg.Point{X: tx(m.x), Y: ty(m.y)}) })
	}
}
