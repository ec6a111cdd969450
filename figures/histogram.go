package figures

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sample is a named list of numbers.
type Sample struct {
	Name   string
	Values []float64
}

// Histogram draws how samples of one quantity are distributed, on common bins, each as
// a share of its own sample: uncertainties of right against wrong images, or of images
// against their crops. NaN and infinite values are left out and counted in Missing.
func Histogram(quantity string, samples ...Sample) (*Figure, error) {
	const name = "histogram"
	f := &Figure{Name: name, w: paperWidth, h: 2.4 * inch, Title: "Histogram of " + quantity}
	lo, hi, most := math.Inf(1), math.Inf(-1), 0
	clean := make([][]float64, len(samples))
	for i, s := range samples {
		for _, v := range s.Values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				continue
			}
			clean[i] = append(clean[i], v)
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
		if d := len(s.Values) - len(clean[i]); d > 0 {
			f.Missing = append(f.Missing, fmt.Sprintf("%s: %d values are not finite", s.Name, d))
		}
		most = max(most, len(clean[i]))
	}
	if most == 0 {
		return nil, fmt.Errorf("figure %s of %s: nothing to draw: no finite value", name, quantity)
	}
	if lo == hi {
		lo, hi = lo-0.5, hi+0.5
	}
	bins := min(max(int(math.Sqrt(float64(most))), 8), 40)
	width := (hi - lo) / float64(bins)
	p := &panel{gridY: true}
	p.x.label, p.y.label = quantity, "Share"
	lg := &legend{}
	top := 0.0
	for i, s := range samples {
		if len(clean[i]) == 0 {
			f.Missing = append(f.Missing, s.Name+": no finite value")
			continue
		}
		counts := make([]int, bins)
		for _, v := range clean[i] {
			counts[min(int((v-lo)/width), bins-1)]++
		}
		col := seriesLook(i).colour
		var bs histogramBars
		var x, y []float64
		for b, n := range counts {
			from, share := lo+float64(b)*width, float64(n)/float64(len(clean[i]))
			top = math.Max(top, share)
			fill := color.RGBA{uint8(int(col.R) * 2 / 5), uint8(int(col.G) * 2 / 5), uint8(int(col.B) * 2 / 5), 102}
			bs = append(bs, histogramBar{from, from + width, share, fill,
				fmt.Sprintf("%s\n%.4g to %.4g\n%d of %d (%.1f %%)", s.Name, from, from+width, n, len(clean[i]), 100*share)})
			x, y = append(x, from, from+width), append(y, share, share)
		}
		x, y = append(append([]float64{lo}, x...), hi), append(append([]float64{0}, y...), 0)
		p.add(bs, &linePlot{x, y, lineLook{colour: col, width: 1}, ""})
		lg.entries = append(lg.entries, entry{fmt.Sprintf("%s (%d)", s.Name, len(clean[i])), &look{shape: 's', size: 25, colour: col}, nil})
	}
	p.x.fit([]float64{lo, hi})
	p.y.min, p.y.max = 0, top*1.05
	f.panels, f.legend = []*panel{p}, lg
	return f, nil
}

// histogramBar reaches from 0 to top.
type histogramBar struct {
	from, to, top float64
	colour        color.RGBA
	title         string
}

type histogramBars []histogramBar

func (bs histogramBars) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	for _, b := range bs {
		if b.top == 0 {
			continue
		}
		titled(c.Canvas, b.title, func() {
			c.SetColor(b.colour)
			c.Fill(rectangle(vg.Rectangle{Min: vg.Point{X: tx(b.from), Y: ty(0)}, Max: vg.Point{X: tx(b.to), Y: ty(b.top)}}))
		})
	}
}
