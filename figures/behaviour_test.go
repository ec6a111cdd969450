package figures

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"urlbench/data/paper"
	"urlbench/urlkit/results"
)

// A table with nothing to draw is an error that names the figure; one that lacks
// methods or metrics is drawn and says what is missing.
func TestMissing(t *testing.T) {
	nothing := results.Table{{Name: "x", Method: "CE", Backbone: resNet, Source: results.Own}}
	for _, s := range All() {
		for _, table := range []results.Table{nil, nothing} {
			f, err := s.Draw(table)
			if err == nil || !strings.Contains(err.Error(), s.Name) || !strings.Contains(err.Error(), "nothing to draw") {
				t.Errorf("%s of %d empty runs: %v, %v", s.Name, len(table), f, err)
			}
		}
	}

	f, err := Human(paper.Results().With(ours()))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"3 of the paper's runs", "elk-mini-1", furtherHuman} {
		if !strings.Contains(strings.Join(f.Missing, "\n"), want) {
			t.Errorf("human: Missing %q does not name %s", f.Missing, want)
		}
	}
	if !strings.Contains(f.note, "elk-mini-1") || strings.Contains(f.note, "paper") {
		t.Errorf("human: the note under the figure is %q", f.note)
	}

	noELK := paper.Results().Filter(func(r results.Run) bool { return r.Method != "ELK" })
	f, err = Tradeoff(noELK)
	if err != nil || !slices.Contains(f.Missing, "no runs of ELK") {
		t.Errorf("without ELK: %v, %v", f.Missing, err)
	}

	// Half of a figure's metrics: one panel is drawn, the other says so.
	half := paper.Results()
	for i := range half {
		m := map[string]float64{}
		for k, v := range half[i].Metrics {
			if k != upstreamCrop {
				m[k] = v
			}
		}
		half[i].Metrics = m
	}
	f, err = Upstream(half)
	if err != nil || len(f.panels[0].plotters) != 1 || len(f.panels[1].plotters) != 0 {
		t.Errorf("half of the metrics: %v", err)
	}
	f, err = Correlations(half)
	if err != nil || len(f.panels) != 36 || !strings.Contains(strings.Join(f.Missing, " "), upstreamCrop) {
		t.Errorf("six of seven metrics: %d panels, %v", len(f.panels), err)
	}
}

// A run that collapsed is left out whatever its R-AUROC, and told.
func TestCollapsedRuns(t *testing.T) {
	table := ours()
	table[0].Metrics[validR1] = 0.05
	f, err := Benchmark(table)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(f.Missing[0], "elk-mini-1: collapsed") {
		t.Errorf("Missing %q", f.Missing)
	}
	if bs := f.panels[0].plotters[0].(*barPlot).bars; bs[1].n+bs[0].n+bs[2].n != 3 {
		t.Errorf("bars %+v", bs)
	}
}

// Runs of one's own stand in their backbone's group or in one of their own, marked.
func TestOwnRunsAreMarked(t *testing.T) {
	f, err := Benchmark(paper.Results().With(ours()))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range f.panels[0].plotters[0].(*barPlot).bars {
		if b.own {
			got = append(got, b.label+" in "+b.group)
		}
	}
	want := []string{"Mine ResNet 50 (own) in ResNet 50", "ELK convnet, mini (own) in convnet, mini", "CE convnet, mini (own) in convnet, mini"}
	if !slices.Equal(got, want) {
		t.Errorf("own bars %q, want %q", got, want)
	}
	svg := string(f.SVG())
	for _, want := range []string{"your run: ELK convnet, mini", "elk-mini-1 0.6100", "elk-mini-2 0.5800", "hatched = your runs", ">convnet, mini<"} {
		if !strings.Contains(svg, want) {
			t.Errorf("the SVG has no %q", want)
		}
	}
	paperOnly, err := Benchmark(paper.Results())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(paperOnly.SVG()), "your run") {
		t.Error("the paper's figure speaks of your runs")
	}
}

// An SVG is well-formed, shows run, method and value under the pointer, and asks for
// nothing from elsewhere.
func TestSVG(t *testing.T) {
	figs := drawAll(t, paper.Results().With(ours()), Faithful)
	for _, f := range teaching(t) {
		figs = append(figs, f)
	}
	for _, f := range figs {
		data := f.SVG()
		d := xml.NewDecoder(bytes.NewReader(data))
		titles := 0
		for {
			tok, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			if e, ok := tok.(xml.StartElement); ok {
				if e.Name.Local == "title" {
					titles++
				}
				if e.Name.Local == "script" {
					t.Errorf("%s has a script", f.Name)
				}
				for _, a := range e.Attr {
					if a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#") && !strings.HasPrefix(a.Value, "data:") {
						t.Errorf("%s refers to %.60s", f.Name, a.Value)
					}
				}
			}
		}
		if titles == 0 {
			t.Errorf("%s has no titles", f.Name)
		}
	}
	f, err := Overview(paper.Results())
	if err != nil {
		t.Fatal(err)
	}
	if want := "<title>MCDropout ViT Medium\nstill-sweep-1 (bdjt2zuq)\nDownstream R@1 0.4751\nDownstream R-AUROC 0.5188</title>"; !bytes.Contains(f.SVG(), []byte(strings.ReplaceAll(want, "\n", "&#xA;"))) && !bytes.Contains(f.SVG(), []byte(want)) {
		t.Errorf("no title %q", want)
	}
}

// No text leaves the page, in any style: everything that is drawn lies within the
// picture's bounds, and no axis label passes the page's edge.
func TestLabelsFit(t *testing.T) {
	for _, style := range Styles() {
		for _, f := range drawAll(t, paper.Results().With(ours()), style) {
			b := f.bounds()
			if over := float64(b.Size().X-f.w) / float64(f.w); over > 0.02 {
				t.Errorf("%s, %s: the drawing is %.0f %% wider than its page", f.Name, style, 100*over)
			}
			if b.Min.X < -2 || b.Max.Y > f.h+40 {
				t.Errorf("%s, %s: drawn at %v on a page of %v x %v", f.Name, style, b, f.w, f.h)
			}
		}
	}
}

// All figures as PNG take less than five seconds of one core.
func TestTime(t *testing.T) {
	cpu := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	dir := t.TempDir()
	start := cpu()
	for _, f := range drawAll(t, paper.Results(), Faithful) {
		if err := f.Save(filepath.Join(dir, f.Name+".png")); err != nil {
			t.Fatal(err)
		}
	}
	if d := cpu() - start; d > 5*time.Second {
		t.Errorf("all figures took %v of a core, want less than 5s", d)
	}
}

// Files have their format and resolution; another ending is an error.
func TestSave(t *testing.T) {
	f, err := Benchmark(paper.Results())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for ending, magic := range map[string]string{"png": "\x89PNG", "svg": "<svg", "pdf": "%PDF"} {
		path := filepath.Join(dir, "f."+ending)
		if err := f.Save(path); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(data, []byte(magic)) {
			t.Errorf("%s begins with %q, %v", ending, data[:8], err)
		}
		if ending == "png" {
			img, err := png.Decode(bytes.NewReader(data))
			if err != nil || math.Abs(float64(img.Bounds().Dx())-1633) > 8 {
				t.Errorf("the PNG is %v, %v; the paper's is 1633 wide", img.Bounds(), err)
			}
			if !bytes.Contains(data[:80], []byte("pHYs")) {
				t.Error("the PNG does not tell its resolution")
			}
		}
	}
	if err := f.Save(filepath.Join(dir, "f.gif")); err == nil || !strings.Contains(err.Error(), "png, svg, pdf") {
		t.Errorf("a GIF: %v", err)
	}
}

// Outside a notebook there is nobody to show a figure to.
func TestShowOutsideNotebook(t *testing.T) {
	f, err := Benchmark(paper.Results())
	if err != nil {
		t.Fatal(err)
	}
	if err := Show(f); err == nil {
		t.Error("shown to nobody, without an error")
	}
	if err := Show(nil); err == nil {
		t.Error("no figure, no error")
	}
}

// A notebook's HTML has only what JupyterLab leaves in a notebook that somebody else
// ran: no <svg>, <style> or <script>, positions in its plain style words; the titles
// lie where the marks are.
func TestHTML(t *testing.T) {
	f, err := Benchmark(paper.Results())
	if err != nil {
		t.Fatal(err)
	}
	h := HTML(f)
	for _, bad := range []string{"<svg", "<style", "<script", "http://", "https://"} {
		if strings.Contains(h, bad) {
			t.Errorf("the HTML has %s", bad)
		}
	}
	if n := strings.Count(h, "<span title="); n != 22 {
		t.Errorf("%d titles, want one for each of 22 bars", n)
	}
	_, h, _ = strings.Cut(h, `<span title="MCInfoNCE ResNet 50&#10;Downstream R-AUROC 0.5694`)
	_, h, _ = strings.Cut(h, `style="position:absolute;`)
	var left, top, width, height float64
	if _, err := fmt.Sscanf(h, "left:%f%%;top:%f%%;width:%f%%;height:%f%%", &left, &top, &width, &height); err != nil {
		t.Fatalf("%v in %.100s", err, h)
	}
	// The first bar in the reference picture: 200 to 245 of 1500 pixels, its whisker
	// from 414 down to the axis at 630 of 812.
	for name, c := range map[string][2]float64{"left": {left, 13.3}, "top": {top, 51}, "width": {width, 3}, "height": {height, 26.6}} {
		if math.Abs(c[0]-c[1]) > 0.5 {
			t.Errorf("%s %.2f %%, want about %.2f", name, c[0], c[1])
		}
	}
	big, err := Correlations(paper.Results())
	if err != nil {
		t.Fatal(err)
	}
	if h := HTML(big); strings.Contains(h, "<span") || len(h) > 2<<20 {
		t.Errorf("the correlations in a notebook have %d bytes", len(h))
	}
}

// The clean style's colours stay apart for readers with protanopia, deuteranopia and
// tritanopia, where the paper's do not.
func TestPalette(t *testing.T) {
	closest := func(style Style, m [9]float64) (float64, string) {
		best, who := math.Inf(1), ""
		for i, a := range methods {
			for _, b := range methods[:i] {
				x, y := lab(simulate(style.colour(a), m)), lab(simulate(style.colour(b), m))
				if d := math.Hypot(math.Hypot(x[0]-y[0], x[1]-y[1]), x[2]-y[2]); d < best {
					best, who = d, a.name+" and "+b.name
				}
			}
		}
		return best, who
	}
	worst := map[Style]float64{Faithful: math.Inf(1), Clean: math.Inf(1)}
	for name, m := range deficiencies {
		for _, style := range Styles() {
			d, who := closest(style, m)
			t.Logf("%s, %s: %.1f between %s", style, name, d, who)
			worst[style] = math.Min(worst[style], d)
			if style == Clean && d < 25 {
				t.Errorf("%s: %s are %.1f apart", name, who, d)
			}
		}
	}
	if worst[Clean] < 4*worst[Faithful] {
		t.Errorf("the clean colours are %.1f apart at worst, the paper's %.1f", worst[Clean], worst[Faithful])
	}
}

// Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
var deficiencies = map[string][9]float64{
	"full sight":   {1, 0, 0, 0, 1, 0, 0, 0, 1},
	"protanopia":   {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998},
	"deuteranopia": {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881},
	"tritanopia":   {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900},
}

func simulate(c color.RGBA, m [9]float64) [3]float64 {
	lin := func(v uint8) float64 {
		x := float64(v) / 255
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	r, g, b := lin(c.R), lin(c.G), lin(c.B)
	var out [3]float64
	for i := range out {
		out[i] = math.Min(math.Max(m[3*i]*r+m[3*i+1]*g+m[3*i+2]*b, 0), 1)
	}
	return out
}

// lab is CIELAB (D65) of linear RGB.
func lab(c [3]float64) [3]float64 {
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x := f((0.4124564*c[0] + 0.3575761*c[1] + 0.1804375*c[2]) / 0.95047)
	y := f(0.2126729*c[0] + 0.7151522*c[1] + 0.0721750*c[2])
	z := f((0.0193339*c[0] + 0.1191920*c[1] + 0.9503041*c[2]) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}
