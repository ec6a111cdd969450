package figures

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"image/png"
	"strings"

	"github.com/janpfeifer/gonb/gonbui"

	"urlbench/internal/notebook"
)

// Show displays a figure in a GoNB notebook: sharp at any size, with run, method and
// value under the pointer, without a network, and saved with the notebook. Outside a
// notebook it does nothing and says so by an error.
func Show(f *Figure) error {
	if f == nil {
		return fmt.Errorf("figures: Show: there is no figure; look at the error of the call that made it")
	}
	if !gonbui.IsNotebook {
		return fmt.Errorf("figures: Show %s: no notebook listens; use Save", f.Name)
	}
	gonbui.DisplayHTML(HTML(f))
	notebook.Flush()
	return gonbui.Error()
}

// manyAreas is how many titles a page carries without getting slow; a figure with more
// (the correlations) is shown without them, in pixels.
const manyAreas = 2000

// HTML is the figure as a piece of HTML, at most a third larger than in print. The
// picture is an SVG within an <img>, and what the pointer shows are titles of boxes
// over it: JupyterLab takes the <svg> element, and its <title>s, out of a notebook that
// somebody else ran, and leaves its text behind as rubble; these it keeps.
func HTML(f *Figure) string {
	m := newMeasure()
	f.draw(m)
	b := f.bounds()
	size := b.Size()
	var out strings.Builder
	fmt.Fprintf(&out, `<figure style="position:relative;margin:0;max-width:%.0fpx">`, float64(size.X)*4/3*1.3)
	kind, data := "svg+xml", []byte(nil)
	if len(m.areas) > manyAreas {
		var buf bytes.Buffer
		// A picture in memory is always written.
		_ = png.Encode(&buf, reduce(f.Image(100)))
		kind, data = "png", buf.Bytes()
	} else {
		data = f.svg(false)
	}
	fmt.Fprintf(&out, `<img style="width:100%%" alt="%s" src="data:image/%s;base64,%s">`,
		html.EscapeString(f.Title), kind, base64.StdEncoding.EncodeToString(data))
	if len(m.areas) <= manyAreas {
		for _, a := range m.areas {
			w, h := a.box.Size().X/size.X, a.box.Size().Y/size.Y
			// A line's box would cover what is under it; its points have titles.
			if a.empty || w > 0.3 {
				continue
			}
			fmt.Fprintf(&out, `<span title="%s" style="position:absolute;left:%.2f%%;top:%.2f%%;width:%.2f%%;height:%.2f%%"></span>`,
				strings.ReplaceAll(html.EscapeString(a.title), "\n", "&#10;"),
				100*(a.box.Min.X-b.Min.X)/size.X, 100*(b.Max.Y-a.box.Max.Y)/size.Y, 100*w, 100*h)
		}
	}
	out.WriteString("</figure>")
	return out.String()
}
