package figures

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"urlbench/data/paper"
	"urlbench/urlkit/results"
)

// ours are runs of one's own, as they come from run folders: on other data, of a
// method that the paper does not have, and one with too few metrics.
func ours() results.Table {
	run := func(name, method, backbone, data string, rauroc, r1 float64) results.Run {
		return results.Run{Name: name, Method: method, Backbone: backbone, Data: data, Source: results.Own,
			Metrics: map[string]float64{testRAUROC: rauroc, testR1: r1, validR1: 0.8}}
	}
	t := results.Table{
		run("elk-mini-1", "ELK", "convnet", "mini", 0.61, 0.7),
		run("elk-mini-2", "ELK", "convnet", "mini", 0.58, 0.72),
		run("ce-mini-1", "CE", "convnet", "mini", 0.48, 0.75),
		run("mine-r50", "Mine", "ResNet 50", "", 0.561, 0.47),
		{Name: "broken", Method: "CE", Backbone: "ResNet 50", Source: results.Own, Metrics: map[string]float64{testR1: 0.4}},
	}
	return t
}

func drawAll(t *testing.T, table results.Table, style Style) []*Figure {
	t.Helper()
	var figs []*Figure
	for _, s := range All() {
		f, err := s.Draw(table, style)
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		if f.Name != s.Name {
			t.Errorf("%s is named %s", s.Name, f.Name)
		}
		figs = append(figs, f)
	}
	return figs
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return rows
}

// same compares two cells: as numbers to 1e-6, else as text.
func same(got, want string) bool {
	a, errA := strconv.ParseFloat(got, 64)
	b, errB := strconv.ParseFloat(want, 64)
	if errA == nil && errB == nil {
		return math.Abs(a-b) <= 1e-6 || math.IsNaN(a) && math.IsNaN(b)
	}
	return got == want
}

// The published numbers of every figure, row by row in their order, but for the
// geometry of matplotlib (axes, texts, marker_paths; see TestAxes and TestMarkers) and
// the README's commands (hyperparameters; see data/paper).
func TestNumbersArePublished(t *testing.T) {
	dir := t.TempDir()
	figs := append(drawAll(t, paper.Results(), Faithful), NumbersOf(paper.Results()))
	if _, err := WriteNumbers(dir, figs...); err != nil {
		t.Fatal(err)
	}
	published, err := filepath.Glob("testdata/numbers/*.csv")
	if err != nil || len(published) < 18 {
		t.Fatalf("%d published tables, %v", len(published), err)
	}
	elsewhere := map[string]bool{"axes.csv": true, "texts.csv": true, "marker_paths.csv": true, "hyperparameters.csv": true}
	for _, path := range published {
		name := filepath.Base(path)
		if elsewhere[name] {
			continue
		}
		want, got := readCSV(t, path), readCSV(t, filepath.Join(dir, name))
		if len(got) != len(want) {
			t.Errorf("%s: %d rows, published %d", name, len(got), len(want))
			continue
		}
		bad := 0
		for i := range want {
			for j := range want[i] {
				if !same(got[i][j], want[i][j]) && bad < 5 {
					bad++
					t.Errorf("%s: row %d, %s: %q, published %q", name, i, want[0][j], got[i][j], want[i][j])
				}
			}
		}
	}
}

// Limits and ticks are matplotlib's exactly, the axes' places within a thirtieth of an
// inch.
func TestAxes(t *testing.T) {
	byName := map[string]*Figure{}
	for _, f := range drawAll(t, paper.Results(), Faithful) {
		f.layout()
		byName[f.Name] = f
	}
	rows := readCSV(t, "testdata/numbers/axes.csv")
	col := map[string]int{}
	for i, h := range rows[0] {
		col[h] = i
	}
	seen := 0
	for _, row := range rows[1:] {
		cell := func(name string) string { return row[col[name]] }
		num := func(name string) float64 {
			v, err := strconv.ParseFloat(cell(name), 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		f := byName[cell("figure")]
		if f == nil {
			t.Errorf("no figure %s", cell("figure"))
			continue
		}
		seen++
		p := f.panels[int(num("panel"))]
		where := cell("figure") + " panel " + cell("panel")
		for name, got := range map[string]float64{"xmin": p.x.min, "xmax": p.x.max, "ymin": p.y.min, "ymax": p.y.max} {
			if math.Abs(got-num(name)) > 1e-6 {
				t.Errorf("%s: %s %v, published %v", where, name, got, num(name))
			}
		}
		for name, got := range map[string]float64{"ax_left_in": float64(p.box.Min.X / inch), "ax_bottom_in": float64(p.box.Min.Y / inch),
			"ax_w_in": float64(p.box.Size().X / inch), "ax_h_in": float64(p.box.Size().Y / inch)} {
			if math.Abs(got-num(name)) > 1.0/30 {
				t.Errorf("%s: %s %.4f, published %.4f", where, name, got, num(name))
			}
		}
		for name, a := range map[string]axis{"xtick_labels": p.x, "ytick_labels": p.y} {
			var labels []string
			for _, tk := range a.ticks {
				if !a.hide {
					labels = append(labels, tk.label)
				}
			}
			if got := strings.Join(labels, " "); got != cell(name) {
				t.Errorf("%s: %s %q, published %q", where, name, got, cell(name))
			}
		}
		if p.x.label != cell("xlabel") || p.y.label != cell("ylabel") {
			t.Errorf("%s: labels %q and %q, published %q and %q", where, p.x.label, p.y.label, cell("xlabel"), cell("ylabel"))
		}
	}
	if seen < 80 {
		t.Errorf("%d axes compared", seen)
	}
}

// The shapes have matplotlib's vertices.
func TestMarkers(t *testing.T) {
	at := map[byte]int{}
	for _, row := range readCSV(t, "testdata/numbers/marker_paths.csv")[1:] {
		if row[2] == "circle_radius" {
			continue
		}
		x, _ := strconv.ParseFloat(row[3], 64)
		y, _ := strconv.ParseFloat(row[4], 64)
		m := row[0][0]
		found := false
		for _, p := range shapes[m] {
			if math.Hypot(float64(p.X)-x, float64(p.Y)-y) < 1e-5 {
				found = true
			}
		}
		if !found {
			t.Errorf("marker %c has no vertex (%v, %v): %v", m, x, y, shapes[m])
		}
		at[m]++
	}
	if len(at) != len(shapes) {
		t.Errorf("%d shapes published, %d here", len(at), len(shapes))
	}
	for m, n := range at {
		if n != len(shapes[m]) {
			t.Errorf("marker %c has %d vertices, published %d", m, len(shapes[m]), n)
		}
	}
}
