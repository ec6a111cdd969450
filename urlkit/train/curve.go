package train

import (
	"fmt"
	"math"
	"strings"
)

// CurveSVG draws a curve of (update, value) as an inline SVG of the given size in
// pixels, with the axes' ends written out. Points that are no finite numbers are
// left out; fewer than two draw the frame alone.
func CurveSVG(points [][2]float64, width, height int) string {
	const left, right, top, bottom = 48, 8, 8, 20
	var shown [][2]float64
	lowX, highX, lowY, highY := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, p := range points {
		if math.IsNaN(p[0]+p[1]) || math.IsInf(p[0]+p[1], 0) {
			continue
		}
		shown = append(shown, p)
		lowX, highX = min(lowX, p[0]), max(highX, p[0])
		lowY, highY = min(lowY, p[1]), max(highY, p[1])
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`, width, height)
	w, h := float64(width-left-right), float64(height-top-bottom)
	fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%g" height="%g" fill="none" stroke="#bbb"/>`, left, top, w, h)
	if len(shown) >= 2 {
		spanX, spanY := max(highX-lowX, 1e-12), max(highY-lowY, 1e-12)
		b.WriteString(`<polyline fill="none" stroke="#2a6f97" stroke-width="1.5" points="`)
		for _, p := range shown {
			fmt.Fprintf(&b, "%.1f,%.1f ", left+w*(p[0]-lowX)/spanX, top+h*(1-(p[1]-lowY)/spanY))
		}
		b.WriteString(`"/>`)
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%.3g</text>`, left-4, top+10, highY)
		fmt.Fprintf(&b, `<text x="%d" y="%g" text-anchor="end">%.3g</text>`, left-4, top+h, lowY)
		fmt.Fprintf(&b, `<text x="%d" y="%d">batch %.0f</text>`, left, height-5, lowX)
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%.0f</text>`, width-right, height-5, highX)
	}
	fmt.Fprintf(&b, `<text x="%g" y="%d" text-anchor="end" fill="#666">loss</text></svg>`, left+w-4, top+14)
	return b.String()
}
