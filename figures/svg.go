package figures

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"html"
	"image"
	"image/png"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// svg draws into an SVG document that needs nothing from elsewhere: marks carry their
// run as a <title>, which browsers show under the pointer, and a shape that is drawn
// often is kept once. Text stays text; fonts with the widths of Liberation Serif
// stand in where a reader has none.
type svg struct {
	pens
	w, h   vg.Length
	prefix string // of ids, so that several figures can stand on one page
	defs   bytes.Buffer
	body   bytes.Buffer
	stamps map[string]string
	mute   bool // without titles
}

func newSVG(w, h vg.Length, name string) *svg {
	return &svg{pens: newPens(), w: w, h: h, stamps: map[string]string{},
		prefix: fmt.Sprintf("u%08x-", crc32.ChecksumIEEE([]byte(name)))}
}

// num writes a length with a hundredth of a point.
func num(v float64) string {
	s := strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
	if s == "-0" {
		return "0"
	}
	return s
}

// point is where a point falls, from the top left.
func (c *svg) point(p vg.Point) (x, y string) {
	q := c.m.apply(p)
	return num(float64(q.X)), num(float64(c.h - q.Y))
}

func (c *svg) data(p vg.Path, at func(vg.Point) (x, y string)) string {
	var b strings.Builder
	add := func(op string, pts ...vg.Point) {
		b.WriteString(op)
		for i, q := range pts {
			if i > 0 {
				b.WriteByte(' ')
			}
			x, y := at(q)
			b.WriteString(x + "," + y)
		}
	}
	for _, s := range p {
		switch s.Type {
		case vg.MoveComp:
			add("M", s.Pos)
		case vg.LineComp:
			add("L", s.Pos)
		case vg.CurveComp:
			op := "Q"
			if len(s.Control) == 2 {
				op = "C"
			}
			add(op, append(append([]vg.Point(nil), s.Control...), s.Pos)...)
		case vg.ArcComp:
			panic("figures: shapes are made of lines and curves, not arcs")
		case vg.CloseComp:
			b.WriteByte('Z')
		}
	}
	return b.String()
}

func (c *svg) paint(attr string) string {
	col := c.solid()
	s := ""
	if col.A > 0 && col.A < 255 {
		un := func(v uint8) uint8 { return uint8(int(v) * 255 / int(col.A)) }
		col.R, col.G, col.B = un(col.R), un(col.G), un(col.B)
		s = fmt.Sprintf(` %s-opacity="%.3g"`, attr, float64(col.A)/255)
	}
	return fmt.Sprintf(`%s="#%02x%02x%02x"%s`, attr, col.R, col.G, col.B, s)
}

func (c *svg) Stroke(p vg.Path) {
	if c.width <= 0 {
		return
	}
	dash := ""
	if len(c.dash) > 0 {
		var ds []string
		for _, d := range c.dash {
			ds = append(ds, num(float64(d)))
		}
		dash = ` stroke-dasharray="` + strings.Join(ds, ",") + `"`
	}
	fmt.Fprintf(&c.body, `<path d="%s" fill="none" %s stroke-width="%s"%s/>`+"\n",
		c.data(p, c.point), c.paint("stroke"), num(float64(c.width)), dash)
}

func (c *svg) Fill(p vg.Path) {
	fmt.Fprintf(&c.body, `<path d="%s" %s/>`+"\n", c.data(p, c.point), c.paint("fill"))
}

func (c *svg) Stamp(key string, shape vg.Path, at vg.Point) {
	id, ok := c.stamps[key]
	if !ok {
		id = c.prefix + strconv.Itoa(len(c.stamps))
		c.stamps[key] = id
		fmt.Fprintf(&c.defs, `<path id="%s" d="%s"/>`+"\n", id,
			c.data(shape, func(p vg.Point) (x, y string) { return num(float64(p.X)), num(-float64(p.Y)) }))
	}
	x, y := c.point(at)
	fmt.Fprintf(&c.body, `<use href="#%s" x="%s" y="%s" %s/>`+"\n", id, x, y, c.paint("fill"))
}

func (c *svg) FillString(f font.Face, p vg.Point, s string) {
	x, y := c.point(p)
	turn := ""
	if t := math.Atan2(c.m.b, c.m.a); t != 0 {
		turn = fmt.Sprintf(` transform="rotate(%s %s %s)"`, num(-t*180/math.Pi), x, y)
	}
	// A reader without the font sees another one, often wider: it is fitted into the
	// width that the layout was made for.
	fmt.Fprintf(&c.body, `<text x="%s" y="%s" font-size="%s" textLength="%s" lengthAdjust="spacingAndGlyphs" %s%s>%s</text>`+"\n",
		x, y, num(float64(f.Font.Size)), num(float64(f.Width(s))), c.paint("fill"), turn, html.EscapeString(s))
}

func (c *svg) DrawImage(r vg.Rectangle, img image.Image) {
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		panic(fmt.Errorf("figures: picture in an SVG: %w", err)) // only for pictures without pixels
	}
	x, y := c.point(vg.Point{X: r.Min.X, Y: r.Max.Y})
	size := r.Size()
	rendering := ""
	if b := img.Bounds(); max(b.Dx(), b.Dy()) <= smallPicture {
		rendering = ` image-rendering="pixelated"`
	}
	fmt.Fprintf(&c.body, `<image x="%s" y="%s" width="%s" height="%s" preserveAspectRatio="none"%s href="data:image/png;base64,%s"/>`+"\n",
		x, y, num(float64(size.X)), num(float64(size.Y)), rendering, base64.StdEncoding.EncodeToString(buf.Bytes()))
}

func (c *svg) Title(s string) {
	if c.mute {
		return
	}
	fmt.Fprintf(&c.body, "<g><title>%s</title>", html.EscapeString(s))
}
func (c *svg) EndTitle() {
	if !c.mute {
		c.body.WriteString("</g>\n")
	}
}

// document is the finished SVG, described by a title for readers who do not see it.
func (c *svg) document(title string) []byte {
	var b bytes.Buffer
	w, h := num(float64(c.w)), num(float64(c.h))
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%spt" height="%spt" viewBox="0 0 %s %s" role="img" aria-label="%s" font-family="'Liberation Serif', 'Times New Roman', Times, 'Nimbus Roman', serif" stroke-linejoin="round">`+"\n",
		w, h, w, h, html.EscapeString(title))
	if c.defs.Len() > 0 {
		fmt.Fprintf(&b, "<defs>\n%s</defs>\n", c.defs.Bytes())
	}
	fmt.Fprintf(&b, `<rect width="%s" height="%s" fill="#ffffff"/>`+"\n", w, h)
	b.Write(c.body.Bytes())
	b.WriteString("</svg>\n")
	return b.Bytes()
}
