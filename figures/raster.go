package figures

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
	"golang.org/x/image/vector"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

// raster draws into pixels. Lines are stroked by vgimg; shapes and text are filled
// here, each within its own bounds only: a scatter matrix has 15 000 marks.
type raster struct {
	pens
	lines  *vgimg.Canvas
	img    draw.Image
	dpi    float64
	height float64 // pixels
	fill   vector.Rasterizer
}

func newRaster(w, h vg.Length, dpi int, background color.Color) *raster {
	lines := vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(background))
	img := lines.Image()
	return &raster{pens: newPens(), lines: lines, img: img, dpi: float64(dpi), height: float64(img.Bounds().Dy())}
}

// pixel is where a point falls, from the top left.
func (c *raster) pixel(p vg.Point) (x, y float64) {
	q := c.m.apply(p)
	return q.X.Dots(c.dpi), c.height - q.Y.Dots(c.dpi)
}

func (c *raster) Stroke(p vg.Path) {
	if c.width <= 0 {
		return
	}
	c.lines.SetColor(c.colour)
	c.lines.SetLineWidth(c.width)
	c.lines.SetLineDash(c.dash, c.offset)
	c.lines.Stroke(transform(p, c.m))
}

// transform maps a path without arcs.
func transform(p vg.Path, m affine) vg.Path {
	out := make(vg.Path, len(p))
	for i, s := range p {
		s.Pos = m.apply(s.Pos)
		ctl := make([]vg.Point, len(s.Control))
		for j, q := range s.Control {
			ctl[j] = m.apply(q)
		}
		s.Control = ctl
		out[i] = s
	}
	return out
}

func (c *raster) Fill(p vg.Path) {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	grow := func(q vg.Point) {
		x, y := c.pixel(q)
		x0, x1, y0, y1 = math.Min(x0, x), math.Max(x1, x), math.Min(y0, y), math.Max(y1, y)
	}
	for _, s := range p {
		if s.Type != vg.CloseComp {
			grow(s.Pos)
			for _, q := range s.Control {
				grow(q)
			}
		}
	}
	r := image.Rect(int(math.Floor(x0)), int(math.Floor(y0)), int(math.Ceil(x1))+1, int(math.Ceil(y1))+1)
	r = r.Intersect(c.img.Bounds())
	if r.Empty() {
		return
	}
	c.fill.Reset(r.Dx(), r.Dy())
	at := func(q vg.Point) (float32, float32) {
		x, y := c.pixel(q)
		return float32(x - float64(r.Min.X)), float32(y - float64(r.Min.Y))
	}
	for _, s := range p {
		x, y := at(s.Pos)
		switch s.Type {
		case vg.MoveComp:
			c.fill.MoveTo(x, y)
		case vg.LineComp:
			c.fill.LineTo(x, y)
		case vg.CurveComp:
			ax, ay := at(s.Control[0])
			if len(s.Control) == 1 {
				c.fill.QuadTo(ax, ay, x, y)
				continue
			}
			bx, by := at(s.Control[1])
			c.fill.CubeTo(ax, ay, bx, by, x, y)
		case vg.ArcComp:
			panic("figures: shapes are made of lines and curves, not arcs")
		case vg.CloseComp:
			c.fill.ClosePath()
		}
	}
	c.fill.Draw(c.img, r, image.NewUniform(c.solid()), image.Point{})
}

// smallPicture is the side in pixels up to which a picture shows its pixels.
const smallPicture = 96

func (c *raster) FillString(f font.Face, p vg.Point, s string) { c.Fill(outline(f, p, s)) }

// DrawImage enlarges small pictures pixel by pixel, as one wants to see them, and draws
// others smoothly.
func (c *raster) DrawImage(r vg.Rectangle, img image.Image) {
	x0, y1 := c.pixel(r.Min)
	x1, y0 := c.pixel(r.Max)
	b := img.Bounds()
	sx, sy := (x1-x0)/float64(b.Dx()), (y1-y0)/float64(b.Dy())
	var in xdraw.Interpolator = xdraw.NearestNeighbor
	if sx < 1 || sy < 1 || max(b.Dx(), b.Dy()) > smallPicture {
		in = xdraw.CatmullRom
	}
	in.Transform(c.img, f64.Aff3{sx, 0, x0 - sx*float64(b.Min.X), 0, sy, y0 - sy*float64(b.Min.Y)}, img, b, xdraw.Over, nil)
}
