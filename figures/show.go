package figures

import (
	"fmt"

	"github.com/janpfeifer/gonb/gonbui"
)

// Show displays a figure in a GoNB notebook as SVG: it is sharp at any size, shows
// run, method and value under the pointer, needs no network and is saved with the
// notebook. Outside a notebook it does nothing and says so by an error.
func Show(f *Figure) error {
	if f == nil {
		return fmt.Errorf("figures: Show: there is no figure; look at the error of the call that made it")
	}
	if !gonbui.IsNotebook {
		return fmt.Errorf("figures: Show %s: no notebook listens; use Save", f.Name)
	}
	gonbui.DisplayHTML(HTML(f))
	return gonbui.Error()
}

// HTML is the figure as a piece of HTML: its SVG, as wide as the page allows.
func HTML(f *Figure) string {
	b := f.bounds()
	// A third larger than in print: notebooks are read from farther away than paper.
	width := float64(b.Size().X) * 4 / 3 * 1.3
	return fmt.Sprintf(`<figure style="margin:0;max-width:%.0fpx" class="urlbench-figure">%s</figure>`, width, f.svg(true))
}
