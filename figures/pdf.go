package figures

import (
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgpdf"
)

// pdf draws into a PDF. Its text is limited to an 8-bit alphabet that knows no minus
// sign and no Greek: lines with other letters are drawn as shapes.
type pdf struct{ *vgpdf.Canvas }

func (c *pdf) FillString(f font.Face, p vg.Point, s string) {
	for _, r := range s {
		if r > '~' {
			c.Fill(outline(f, p, s))
			return
		}
	}
	c.Canvas.FillString(f, p, s)
}
