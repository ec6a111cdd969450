package figures

import (
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgpdf"
)

// pdf draws into a PDF. Its fonts have the 8-bit Windows letters only, which know a
// dash but no minus sign.
type pdf struct{ *vgpdf.Canvas }

func (c *pdf) FillString(f font.Face, p vg.Point, s string) {
	c.Canvas.FillString(f, p, strings.ReplaceAll(s, "−", "–"))
}
