package figures

import (
	"image/color"
	"math"
	"strings"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/vg"
)

// serif is Liberation Serif, which has the widths of the paper's Times.
var serif = font.Font{Typeface: "Liberation", Variant: "Serif"}

var fonts = font.NewCache(liberation.Collection())

func face(size vg.Length) font.Face { return fonts.Lookup(serif, size) }

// Ascent and descent of a line of text as matplotlib takes them, as parts of the
// font's size: those of the letters l and p, not of the font.
const (
	ascent  = 0.683
	descent = 0.217
	leading = 1.2
)

// align places text about its anchor: 0 left or bottom, 0.5 centre, 1 right or top;
// a vertical alignment of baseline puts the anchor on the baseline.
type align struct{ h, v float64 }

const baseline = -1

// text is a string on the page. Lines are parted by \n.
type text struct {
	s      string
	size   vg.Length
	colour color.Color
	at     align
	angle  float64 // radians, counter-clockwise
}

func (t text) lines() []string { return strings.Split(t.s, "\n") }

// extent is the size of the unrotated text.
func (t text) extent() (w, h vg.Length) {
	f := face(t.size)
	lines := t.lines()
	for _, l := range lines {
		w = max(w, f.Width(l))
	}
	return w, t.size * vg.Length(ascent+descent+leading*float64(len(lines)-1))
}

// box is the text's rectangle about its anchor at (0, 0), rotated, as its bounds.
func (t text) box() vg.Rectangle {
	w, h := t.extent()
	x0, y0 := -w*vg.Length(t.at.h), -h*vg.Length(t.at.v)
	if t.at.v == baseline {
		y0 = t.size*descent*-1 - (h - t.size*(ascent+descent))
	}
	sin, cos := math.Sincos(t.angle)
	r := vg.Rectangle{Min: vg.Point{X: vg.Length(math.Inf(1)), Y: vg.Length(math.Inf(1))},
		Max: vg.Point{X: vg.Length(math.Inf(-1)), Y: vg.Length(math.Inf(-1))}}
	for _, p := range []vg.Point{{X: x0, Y: y0}, {X: x0 + w, Y: y0}, {X: x0, Y: y0 + h}, {X: x0 + w, Y: y0 + h}} {
		q := vg.Point{X: p.X*vg.Length(cos) - p.Y*vg.Length(sin), Y: p.X*vg.Length(sin) + p.Y*vg.Length(cos)}
		r = union(r, vg.Rectangle{Min: q, Max: q})
	}
	return r
}

// draw draws the text with its anchor at p.
func (t text) draw(c vg.Canvas, p vg.Point) {
	if t.s == "" {
		return
	}
	f := face(t.size)
	lines := t.lines()
	w, h := t.extent()
	bottom := -h * vg.Length(t.at.v) // of the block
	if t.at.v == baseline {
		bottom = -t.size*descent - (h - t.size*(ascent+descent))
	}
	c.Push()
	c.Translate(p)
	if t.angle != 0 {
		c.Rotate(t.angle)
	}
	if t.colour == nil {
		t.colour = color.Black
	}
	c.SetColor(t.colour)
	for i, l := range lines {
		// Lines stand about the anchor as the block does.
		x := -w*vg.Length(t.at.h) + (w-f.Width(l))*vg.Length(t.at.h)
		y := bottom + t.size*vg.Length(descent+leading*float64(len(lines)-1-i))
		c.FillString(f, vg.Point{X: x, Y: y}, l)
	}
	c.Pop()
}

// wrap breaks a text into lines of at most width, at spaces.
func wrap(s string, size, width vg.Length) string {
	f := face(size)
	var out, line string
	for _, word := range strings.Fields(s) {
		if line != "" && f.Width(line+" "+word) > width {
			out += line + "\n"
			line = word
			continue
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return out + line
}

// balance wraps a text into as few lines as width allows, of about equal length.
func balance(s string, size, width vg.Length) string {
	best := wrap(s, size, width)
	for w := width; ; w *= 0.95 {
		t := wrap(s, size, w)
		if lineCount(t) > lineCount(best) || w < size {
			return best
		}
		best = t
	}
}

// outline is the shape of one line of text with its baseline starting at p, as a
// path: rasterisers that place whole glyph bitmaps blur turned text.
func outline(f font.Face, p vg.Point, s string) vg.Path {
	var buf sfnt.Buffer
	var path vg.Path
	units := f.Face.UnitsPerEm()
	ppem := fixed.I(int(units))
	scale := float64(f.Font.Size) / float64(units) / 64
	x, prev, hasPrev := 0.0, sfnt.GlyphIndex(0), false
	for _, r := range s {
		g, err := f.Face.GlyphIndex(&buf, r)
		if err != nil {
			continue
		}
		if hasPrev {
			if k, err := f.Face.Kern(&buf, prev, g, ppem, 0); err == nil {
				x += float64(k)
			}
		}
		segs, err := f.Face.LoadGlyph(&buf, g, ppem, nil)
		if err == nil {
			at := func(q fixed.Point26_6) vg.Point {
				return vg.Point{X: p.X + vg.Length((x+float64(q.X))*scale), Y: p.Y - vg.Length(float64(q.Y)*scale)}
			}
			for i, sg := range segs {
				switch sg.Op {
				case sfnt.SegmentOpMoveTo:
					if i > 0 {
						path.Close()
					}
					path.Move(at(sg.Args[0]))
				case sfnt.SegmentOpLineTo:
					path.Line(at(sg.Args[0]))
				case sfnt.SegmentOpQuadTo:
					path.QuadTo(at(sg.Args[0]), at(sg.Args[1]))
				case sfnt.SegmentOpCubeTo:
					path.CubeTo(at(sg.Args[0]), at(sg.Args[1]), at(sg.Args[2]))
				}
			}
			if len(segs) > 0 {
				path.Close()
			}
		}
		if a, err := f.Face.GlyphAdvance(&buf, g, ppem, 0); err == nil {
			x += float64(a)
		}
		prev, hasPrev = g, true
	}
	return path
}
