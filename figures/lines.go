package figures

import (
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// series colours, told apart by colour-blind readers (Okabe and Ito, 2008).
var seriesColours = []color.RGBA{
	hex(0x0072b2), hex(0xd55e00), hex(0x009e73), hex(0xcc79a7), hex(0xe69f00), hex(0x56b4e9), hex(0x000000),
}

// seriesDashes tell lines apart where the colours begin again.
var seriesDashes = [][]vg.Length{nil, {4, 2}, {1.5, 1.5}}

func seriesLook(i int) lineLook {
	n := len(seriesColours)
	return lineLook{colour: seriesColours[i%n], width: 1.2, dash: seriesDashes[(i/n)%len(seriesDashes)]}
}

type lineLook struct {
	colour color.RGBA
	width  vg.Length
	dash   []vg.Length
}

func (l lineLook) set(c vg.Canvas) {
	c.SetColor(l.colour)
	c.SetLineWidth(l.width)
	c.SetLineDash(l.dash, 0)
}

// linePlot joins points by straight lines, broken where a value is missing. A value
// between two missing ones shows as a dot.
type linePlot struct {
	x, y  []float64
	look  lineLook
	title string
}

func (l *linePlot) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	titled(c.Canvas, l.title, func() {
		l.look.set(c)
		var path vg.Path
		var alone []vg.Point
		run := 0
		for i := range l.x {
			if math.IsNaN(l.x[i]) || math.IsNaN(l.y[i]) {
				run = 0
				continue
			}
			at := vg.Point{X: tx(l.x[i]), Y: ty(l.y[i])}
			if run == 0 {
				path.Move(at)
				if i == len(l.x)-1 || math.IsNaN(l.x[i+1]) || math.IsNaN(l.y[i+1]) {
					alone = append(alone, at)
				}
			} else {
				path.Line(at)
			}
			run++
		}
		if len(path) > len(alone) {
			c.Stroke(path)
		}
		for _, at := range alone {
			stamp(c, "dot", circle(1.6), at)
		}
	})
}

// dots are small marks that show a value under the pointer.
func dots(x, y []float64, col color.RGBA, title func(i int) string) scatter {
	var s scatter
	for i := range x {
		s = append(s, mark{x[i], y[i], look{shape: 'o', size: 4, colour: col}, title(i)})
	}
	return s
}

// viridis runs from dark blue through green to yellow, evenly in lightness.
var viridis = []color.RGBA{
	hex(0x440154), hex(0x482878), hex(0x3e4989), hex(0x31688e), hex(0x26828e),
	hex(0x1f9e89), hex(0x35b779), hex(0x6ece58), hex(0xb5de2b), hex(0xfde725),
}

// shade is viridis' colour for a part between 0 and 1.
func shade(t float64) color.RGBA {
	t = math.Min(math.Max(t, 0), 1) * float64(len(viridis)-1)
	i := min(int(t), len(viridis)-2)
	f := t - float64(i)
	mix := func(a, b uint8) uint8 { return uint8(math.Round(float64(a)*(1-f) + float64(b)*f)) }
	a, b := viridis[i], viridis[i+1]
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}
}

// colourBar is the key to shade, to the right of the axes.
type colourBar struct {
	min, max float64
	label    string
}

const colourBarRoom = vg.Length(52)

func (b colourBar) Plot(c draw.Canvas, p *plot.Plot) {
	const width, steps = 8, 256
	x := c.Max.X + 8
	key := image.NewRGBA(image.Rect(0, 0, 1, steps))
	for i := range steps {
		key.SetRGBA(0, steps-1-i, shade((float64(i)+0.5)/steps))
	}
	c.DrawImage(vg.Rectangle{Min: vg.Point{X: x, Y: c.Min.Y}, Max: vg.Point{X: x + width, Y: c.Max.Y}}, key)
	a := axis{min: b.min, max: b.max}
	a.place(c.Max.Y-c.Min.Y, tickSize*1.5, false)
	wide := vg.Length(0)
	for _, t := range a.ticks {
		y := c.Min.Y + vg.Length((t.at-b.min)/(b.max-b.min))*(c.Max.Y-c.Min.Y)
		s := text{s: t.label, size: tickSize, at: align{0, 0.5}}
		s.draw(c, vg.Point{X: x + width + 3, Y: y})
		w, _ := s.extent()
		wide = max(wide, w)
	}
	text{s: b.label, size: tickSize + 1, at: align{0.5, 1}, angle: math.Pi / 2}.draw(c,
		vg.Point{X: x + width + 3 + wide + 3, Y: (c.Min.Y + c.Max.Y) / 2})
}
