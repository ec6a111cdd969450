package bench

import (
	"context"
	"strings"
	"testing"
	"time"

	"urlbench/data/pixel"
)

func BenchmarkInput(b *testing.B) {
	paths, _, err := Photos(b.TempDir(), 16, 500, 375, 1)
	if err != nil {
		b.Fatal(err)
	}
	for _, task := range inputTasks(224) {
		b.Run(task.name, func(b *testing.B) {
			b.ReportAllocs()
			dst := make([]uint8, task.bytes)
			for i := 0; b.Loop(); i++ {
				if err := task.do(paths[i%len(paths)], i, dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestInput runs the measurement small, without a peer.
func TestInput(t *testing.T) {
	report, err := Input(context.Background(), InputOptions{Images: 2, Width: 80, Height: 60, Size: 32, Rounds: 2,
		Round: 20 * time.Millisecond, Python: "/nonexistent/python"})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := report.Write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"decode", "train", "eval", "--python"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
	for _, row := range report.Rows {
		if len(row.Rate) != 2 || median(row.Rate) <= 0 || row.AllCores <= 0 {
			t.Errorf("%+v", row)
		}
	}
}

// TestPhotos checks that the pictures are what the benchmark says they are.
func TestPhotos(t *testing.T) {
	paths, size, err := Photos(t.TempDir(), 2, 500, 375, 1)
	if err != nil {
		t.Fatal(err)
	}
	if perPixel := float64(size) / (500 * 375); perPixel < 0.3 || perPixel > 0.7 {
		t.Errorf("%g bytes per pixel: not like a photograph", perPixel)
	}
	for _, p := range paths {
		m, err := pixel.DecodeFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if m.W != 500 || m.H != 375 {
			t.Errorf("%s has %dx%d pixels", p, m.W, m.H)
		}
	}
}

func TestRatio(t *testing.T) {
	row := InputRow{Rate: []float64{10, 30, 20}, Peer: []float64{5, 10, 20}}
	if got := row.Ratio(); got != 2 {
		t.Errorf("the median of 2, 3 and 1 is 2, got %g", got)
	}
}
