package figures

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgpdf"
)

// Figure is a finished picture, ready to be shown or saved in any format.
type Figure struct {
	Name    string   // the file's name without ending: "benchmark"
	Title   string   // one sentence for those who do not see it
	Missing []string // what could not be drawn, and why

	w, h       vg.Length
	dpi        int
	rows, cols int
	panels     []*panel
	legend     *legend
	note       string // under the figure
	tables     []numbers
	laid       bool
}

// DPI is the resolution of PNG files, the paper's; the correlations, a large figure,
// have half of it.
const DPI = 300

// margin is left around the contents when the page is cut to them.
const margin = 0.015 * inch

// Formats are the formats of Save and Encode.
func Formats() []string { return []string{"png", "svg", "pdf"} }

// layout gives every panel its place: columns share their width and rows their
// height, and what ticks and labels need comes first. Ticks depend on the size and
// the size on the ticks, hence the rounds.
func (f *Figure) layout() {
	if f.laid {
		return
	}
	f.laid = true
	f.rows, f.cols = max(f.rows, 1), max(f.cols, 1)
	cw, ch := f.w/vg.Length(f.cols), f.h/vg.Length(f.rows)
	for _, p := range f.panels {
		p.box = vg.Rectangle{Max: vg.Point{X: cw * 0.75, Y: ch * 0.75}}
	}
	auto := make([][2]bool, len(f.panels))
	for i, p := range f.panels {
		auto[i] = [2]bool{p.x.ticks == nil, p.y.ticks == nil}
	}
	for range 3 {
		left, right := make([]vg.Length, f.cols), make([]vg.Length, f.cols)
		bottom, top := make([]vg.Length, f.rows), make([]vg.Length, f.rows)
		for i, p := range f.panels {
			if auto[i][0] {
				p.x.ticks = nil
			}
			if auto[i][1] {
				p.y.ticks = nil
			}
			l, r, b, t := p.needs()
			left[p.col], right[p.col] = max(left[p.col], l), max(right[p.col], r)
			bottom[p.row], top[p.row] = max(bottom[p.row], b), max(top[p.row], t)
		}
		w, h := f.w, f.h
		for i := range f.cols {
			w -= left[i] + right[i]
		}
		for i := range f.rows {
			h -= bottom[i] + top[i]
		}
		if f.legend != nil {
			lw, _ := f.legend.size()
			w = (f.w - left[0] - pagePad - lw) / (1 + legendGap)
		}
		w, h = w/vg.Length(f.cols), h/vg.Length(f.rows)
		for _, p := range f.panels {
			x, y := vg.Length(0), f.h
			for i := range p.col {
				x += left[i] + w + right[i]
			}
			for i := range p.row {
				y -= top[i] + h + bottom[i]
			}
			x += left[p.col]
			y -= top[p.row] + h
			p.box = vg.Rectangle{Min: vg.Point{X: x, Y: y}, Max: vg.Point{X: x + w, Y: y + h}}
			if p.square {
				p.makeSquare()
			}
		}
	}
}

// makeSquare shrinks the box so that one unit is as long in both directions.
func (p *panel) makeSquare() {
	w, h := p.box.Max.X-p.box.Min.X, p.box.Max.Y-p.box.Min.Y
	unit := min(w/vg.Length(p.x.max-p.x.min), h/vg.Length(p.y.max-p.y.min))
	dx, dy := (w-unit*vg.Length(p.x.max-p.x.min))/2, (h-unit*vg.Length(p.y.max-p.y.min))/2
	p.box.Min = p.box.Min.Add(vg.Point{X: dx, Y: dy})
	p.box.Max = p.box.Max.Sub(vg.Point{X: dx, Y: dy})
}

func (f *Figure) draw(c vg.Canvas) {
	f.layout()
	page := vg.Rectangle{Max: vg.Point{X: f.w, Y: f.h}}
	for _, p := range f.panels {
		p.draw(c, page)
	}
	if f.legend != nil {
		f.legend.draw(c, f.panels[0].box)
	}
	if f.note != "" {
		m := newMeasure()
		for _, p := range f.panels {
			p.draw(m, page)
		}
		const size = 6
		s := wrap(f.note, size, f.w-2*pagePad)
		text{s: s, size: size, colour: grey, at: align{0, 1}}.draw(c, vg.Point{X: pagePad, Y: min(m.box.Min.Y, 0) - pagePad})
	}
}

// bounds is what the drawing covers, with a small margin.
func (f *Figure) bounds() vg.Rectangle {
	m := newMeasure()
	f.draw(m)
	return vg.Rectangle{Min: m.box.Min.Sub(vg.Point{X: margin, Y: margin}), Max: m.box.Max.Add(vg.Point{X: margin, Y: margin})}
}

// drawAt draws the figure on a canvas that begins at the lower left of its bounds.
func (f *Figure) drawAt(c vg.Canvas, b vg.Rectangle) {
	c.Push()
	c.Translate(vg.Point{X: -b.Min.X, Y: -b.Min.Y})
	f.draw(c)
	c.Pop()
}

// Image draws the figure with the given number of pixels an inch; 0 is the figure's own.
func (f *Figure) Image(dpi int) image.Image {
	if dpi <= 0 {
		dpi = f.resolution()
	}
	b := f.bounds()
	size := b.Size()
	c := newRaster(size.X, size.Y, dpi, color.White)
	f.drawAt(c, b)
	return c.img
}

// SetDPI sets the resolution of the figure's PNG files in pixels an inch.
func (f *Figure) SetDPI(dpi int) { f.dpi = dpi }

func (f *Figure) resolution() int {
	if f.dpi > 0 {
		return f.dpi
	}
	return DPI
}

// SVG is the figure as an SVG document of its own: no script, no font file, no CDN.
func (f *Figure) SVG() []byte { return f.svg(true) }

func (f *Figure) svg(titles bool) []byte {
	b := f.bounds()
	size := b.Size()
	c := newSVG(size.X, size.Y, f.Name+f.Title)
	c.mute = !titles
	f.drawAt(c, b)
	return c.document(f.Title)
}

// Encode writes the figure in one of Formats.
func (f *Figure) Encode(w io.Writer, format string) error {
	switch format {
	case "png":
		var buf bytes.Buffer
		enc := png.Encoder{CompressionLevel: png.BestSpeed}
		if err := enc.Encode(&buf, reduce(f.Image(0))); err != nil {
			return err
		}
		_, err := w.Write(withResolution(buf.Bytes(), f.resolution()))
		return err
	case "svg":
		_, err := w.Write(f.SVG())
		return err
	case "pdf":
		b := f.bounds()
		size := b.Size()
		c := &pdf{vgpdf.New(size.X, size.Y)}
		f.drawAt(c, b)
		_, err := c.WriteTo(w)
		return err
	}
	return fmt.Errorf("figures: format %q: want one of %s", format, strings.Join(Formats(), ", "))
}

// Save writes the figure to a file in the format of its ending.
func (f *Figure) Save(path string) error {
	format := strings.TrimPrefix(filepath.Ext(path), ".")
	var buf bytes.Buffer
	if err := f.Encode(&buf, format); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, buf.Bytes(), 0o644)
}
