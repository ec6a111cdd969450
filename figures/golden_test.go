package figures

import (
	"flag"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"urlbench/data/paper"
	"urlbench/urlkit/results"
)

var update = flag.Bool("update", false, "renew the golden pictures and those of docs/figures.md")

// A picture may differ from its golden in so many pixels by so much: other machines
// round the edges of shapes differently.
const (
	tolerance = 40     // of 255, in any channel
	tolerated = 0.0005 // of all pixels
)

func goldenDPI(f *Figure) int {
	if f.Name == "correlations" {
		return 30
	}
	return 75
}

// differs says how a picture differs from its golden, if it does too much.
func differs(got, want image.Image) error {
	if got.Bounds() != want.Bounds() {
		return fmt.Errorf("size %v, golden %v", got.Bounds().Size(), want.Bounds().Size())
	}
	bad := 0
	b := got.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r0, g0, b0, _ := got.At(x, y).RGBA()
			r1, g1, b1, _ := want.At(x, y).RGBA()
			for _, d := range []int{int(r0) - int(r1), int(g0) - int(g1), int(b0) - int(b1)} {
				if d > tolerance*257 || d < -tolerance*257 {
					bad++
					break
				}
			}
		}
	}
	if n := b.Dx() * b.Dy(); float64(bad) > tolerated*float64(n) {
		return fmt.Errorf("%d of %d pixels differ by more than %d", bad, n, tolerance)
	}
	return nil
}

// picture writes a figure for docs/figures.md.
func picture(t *testing.T, name string, f *Figure) {
	t.Helper()
	f.SetDPI(110)
	if f.Name == "correlations" {
		f.SetDPI(45)
	}
	if err := f.Save(filepath.Join("..", "docs", "figures", name+".png")); err != nil {
		t.Fatal(err)
	}
	f.SetDPI(0)
}

func checkGolden(t *testing.T, name string, f *Figure) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name+".png")
	got := f.Image(goldenDPI(f))
	if *update {
		out, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		enc := png.Encoder{CompressionLevel: png.BestCompression}
		if err := enc.Encode(out, reduce(got)); err != nil {
			t.Fatal(err)
		}
		return
	}
	in, err := os.Open(path)
	if err != nil {
		t.Fatalf("%v; go test ./figures -update draws it", err)
	}
	defer in.Close()
	want, err := png.Decode(in)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if err := differs(got, want); err != nil {
		broken := filepath.Join(os.TempDir(), "figures-"+name+".png")
		f.Save(broken)
		t.Errorf("%s: %v; drawn now: %s; look at both, then go test ./figures -update", path, err, broken)
	}
}

func TestGoldenPaper(t *testing.T) {
	for _, style := range Styles() {
		for _, f := range drawAll(t, paper.Results(), style) {
			checkGolden(t, f.Name+"_"+string(style), f)
			if *update && (style == Faithful || f.Name == "benchmark" || f.Name == "overview_tradeoff_vit") {
				name := f.Name
				if style != Faithful {
					name += "_" + string(style)
				}
				picture(t, name, f)
			}
		}
	}
}

func TestGoldenOwnRuns(t *testing.T) {
	for _, f := range drawAll(t, paper.Results().With(ours()), Faithful) {
		switch f.Name {
		case "benchmark", "overview", "overview_tradeoff", "overview_tradeoff_resnet", "human":
			checkGolden(t, f.Name+"_own", f)
			if *update && (f.Name == "benchmark" || f.Name == "overview") {
				picture(t, f.Name+"_own", f)
			}
		}
	}
	for _, draw := range []func(results.Table, ...Style) (*Figure, error){Benchmark, BenchmarkR1, Overview} {
		f, err := draw(ours(), Clean)
		if err != nil {
			t.Fatal(err)
		}
		checkGolden(t, f.Name+"_alone", f)
	}
}

func TestGoldenTeaching(t *testing.T) {
	for name, f := range teaching(t) {
		checkGolden(t, name, f)
		if *update {
			picture(t, name, f)
		}
	}
}

// A golden test must see one mark that has moved, and one label that has changed.
func TestGoldenSeesChanges(t *testing.T) {
	table := paper.Results()
	before, err := OverviewFinal(table)
	if err != nil {
		t.Fatal(err)
	}
	want := before.Image(100)
	if err := differs(before.Image(100), want); err != nil {
		t.Errorf("the same figure: %v", err)
	}
	moved, _ := OverviewFinal(table)
	sc := moved.panels[0].plotters[0].(scatter)
	sc[0].y += 0.004
	if differs(moved.Image(100), want) == nil {
		t.Error("a mark has moved by 0.004 and nobody saw it")
	}
	renamed, _ := OverviewFinal(table)
	renamed.panels[0].y.label = "Downstream AUROC"
	if differs(renamed.Image(100), want) == nil {
		t.Error("a label has changed and nobody saw it")
	}
}
