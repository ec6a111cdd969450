package figures

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// VMFCircle draws von Mises-Fisher densities on the circle for several
// concentrations: around the circle, and over the angle from the mean direction. A
// kappa of 0 is the uniform density.
func VMFCircle(kappas ...float64) (*Figure, error) {
	const name = "vmf_circle"
	if err := checkKappas(name, kappas); err != nil {
		return nil, err
	}
	const n = 361
	round := &panel{bare: true, square: true}
	flat := &panel{col: 1, gridX: true, gridY: true}
	flat.x.label, flat.y.label = "Angle from the mean direction", "Density"
	top := 0.0
	dens := make([][]float64, len(kappas))
	for i, k := range kappas {
		dens[i] = circleDensity(k, n)
		for _, d := range dens[i] {
			top = math.Max(top, d)
		}
	}
	unit := polar(n, func(int) float64 { return 1 })
	round.add(&linePlot{unit[0], unit[1], lineLook{colour: grey, width: 0.6}, ""})
	const reach = 1.2 // of the highest density over the circle, in radii
	var angles []float64
	for j := range n {
		angles = append(angles, -180+360*float64(j)/float64(n-1))
	}
	var labels []string
	for i, k := range kappas {
		title := fmt.Sprintf("κ = %s, density at the mean %.3f", plain(k), dens[i][n/2])
		out := polar(n, func(j int) float64 { return 1 + reach*dens[i][j]/top })
		look := seriesLook(i)
		round.add(&linePlot{out[0], out[1], look, title})
		flat.add(&linePlot{angles, dens[i], look, title})
		labels = append(labels, "κ = "+plain(k))
	}
	round.add(&arrow{0, 0, 0.92, 0})
	round.say(text{s: "μ", size: labelSize, at: align{0.5, 0}}, 0.45, 0.06, inData)
	round.x.min, round.x.max, round.y.min, round.y.max = -1.75, 2.35, -1.75, 1.75
	flat.x.min, flat.x.max = -180, 180
	for _, a := range []float64{-180, -90, 0, 90, 180} {
		flat.x.ticks = append(flat.x.ticks, tick{a, number(a, 0) + "°"})
	}
	flat.y.min, flat.y.max = 0, top*1.05
	for i, l := range labels {
		flat.say(text{s: l, size: tickSize, colour: seriesLook(i).colour, at: align{1, 1}}, 0.98, 0.97, inAxes)
		flat.texts[i].dy = -vg.Length(i) * 10
	}
	return &Figure{Name: name, w: paperWidth, h: 2.4 * inch, rows: 1, cols: 2, panels: []*panel{round, flat},
		Title: "Von Mises-Fisher densities on the circle"}, nil
}

func checkKappas(figure string, kappas []float64) error {
	if len(kappas) == 0 {
		return fmt.Errorf("figure %s: nothing to draw: no kappa", figure)
	}
	for _, k := range kappas {
		if !(k >= 0) || math.IsInf(k, 0) {
			return fmt.Errorf("figure %s: kappa %v; want a number of 0 or more", figure, k)
		}
	}
	return nil
}

func plain(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// circleDensity is exp(kappa cos θ) / (2π I0(kappa)) at n angles from -π to π. The
// constant is the integral over the same angles: the trapezoid rule converges
// exponentially on a circle.
func circleDensity(kappa float64, n int) []float64 {
	fine := 8 * (n - 1)
	for float64(fine) < 40*math.Sqrt(kappa) {
		fine *= 2
	}
	sum := 0.0
	for j := range fine {
		sum += math.Exp(kappa * (math.Cos(2*math.Pi*float64(j)/float64(fine)) - 1))
	}
	c := sum * 2 * math.Pi / float64(fine)
	out := make([]float64, n)
	for j := range out {
		out[j] = math.Exp(kappa*(math.Cos(-math.Pi+2*math.Pi*float64(j)/float64(n-1))-1)) / c
	}
	return out
}

// polar draws a radius over the angles of circleDensity.
func polar(n int, radius func(j int) float64) [2][]float64 {
	var out [2][]float64
	for j := range n {
		sin, cos := math.Sincos(-math.Pi + 2*math.Pi*float64(j)/float64(n-1))
		r := radius(j)
		out[0], out[1] = append(out[0], r*cos), append(out[1], r*sin)
	}
	return out
}

type arrow struct{ x0, y0, x1, y1 float64 }

func (a *arrow) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	from, to := vg.Point{X: tx(a.x0), Y: ty(a.y0)}, vg.Point{X: tx(a.x1), Y: ty(a.y1)}
	lineLook{colour: color.RGBA{A: 255}, width: 0.8}.set(c)
	stroke(c, from, to)
	d := to.Sub(from)
	l := vg.Length(math.Hypot(float64(d.X), float64(d.Y)))
	d = vg.Point{X: d.X / l, Y: d.Y / l}
	side := vg.Point{X: -d.Y, Y: d.X}
	c.Fill(polygon([]vg.Point{to.Add(d.Scale(1.5)), to.Sub(d.Scale(4)).Add(side.Scale(2)), to.Sub(d.Scale(4)).Sub(side.Scale(2))}))
}

// VMFSphere draws von Mises-Fisher densities on the sphere, one sphere a
// concentration, seen with the mean direction (a dot) turned towards the reader's
// right. Brightness is the density as a part of the sphere's own highest.
func VMFSphere(kappas ...float64) (*Figure, error) {
	const name = "vmf_sphere"
	if err := checkKappas(name, kappas); err != nil {
		return nil, err
	}
	columns := min(len(kappas), 5)
	f := &Figure{Name: name, cols: columns, rows: (len(kappas) + columns - 1) / columns, Title: "Von Mises-Fisher densities on the sphere"}
	f.w, f.h = paperWidth*vg.Length(columns)/5, vg.Length(f.rows)*1.32*inch
	mu := [3]float64{0.45, 0.35, math.Sqrt(1 - 0.45*0.45 - 0.35*0.35)}
	for i, k := range kappas {
		p := &panel{row: i / columns, col: i % columns, bare: true, square: true}
		p.x.min, p.x.max, p.y.min, p.y.max = -1.05, 1.05, -1.05, 1.05
		p.add(&ball{k, mu}, dots([]float64{mu[0]}, []float64{mu[1]}, color.RGBA{A: 255}, func(int) string { return "mean direction" }))
		p.captionAbove("κ = "+plain(k), labelSize)
		// C3(κ) e^κ = κ / (2π (1 - e^-2κ)), the density at the mean.
		peak := 1 / (4 * math.Pi)
		if k > 0 {
			peak = k / (2 * math.Pi * -math.Expm1(-2*k))
		}
		p.say(text{s: fmt.Sprintf("highest density %.3g", peak), size: captionSize, at: align{0.5, 1}}, 0.5, 0, inAxes)
		p.below = captionSize + 2
		f.panels = append(f.panels, p)
	}
	return f, nil
}

// ball is a sphere seen from the front, shaded by exp(kappa (mu·x - 1)).
type ball struct {
	kappa float64
	mu    [3]float64
}

func (b *ball) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	const n = 240
	img := image.NewRGBA(image.Rect(0, 0, n, n))
	for py := range n {
		for px := range n {
			x, y := (float64(px)+0.5)/n*2-1, 1-(float64(py)+0.5)/n*2
			r2 := x*x + y*y
			// The rim is softened over a pixel.
			alpha := math.Min(math.Max((1-math.Sqrt(r2))*n/2+0.5, 0), 1)
			if alpha == 0 {
				continue
			}
			z := math.Sqrt(math.Max(0, 1-r2))
			d := math.Exp(b.kappa * (b.mu[0]*x + b.mu[1]*y + b.mu[2]*z - 1))
			col := shade(d)
			light := 0.75 + 0.25*z // round, not flat
			m := func(v uint8) uint8 { return uint8(float64(v) * light * alpha) }
			img.SetRGBA(px, py, color.RGBA{m(col.R), m(col.G), m(col.B), uint8(255 * alpha)})
		}
	}
	titled(c.Canvas, "κ = "+plain(b.kappa), func() {
		c.DrawImage(vg.Rectangle{Min: vg.Point{X: tx(-1), Y: ty(-1)}, Max: vg.Point{X: tx(1), Y: ty(1)}}, img)
	})
}
