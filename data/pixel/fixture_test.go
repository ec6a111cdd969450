package pixel

import (
	"encoding/json"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"urlbench/internal/fixture"
)

func TestMain(m *testing.M) { os.Exit(fixture.Main(m, "pixel")) }

func floats(pix []uint8) []float64 {
	out := make([]float64, len(pix))
	for i, v := range pix {
		out[i] = float64(v)
	}
	return out
}

func isJPEG(file string) bool {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".jpg", ".jpeg":
		return true
	}
	return false
}

func TestFixtureDecode(t *testing.T) {
	for _, c := range fixture.Open(t, "data/decode.safetensors").Cases() {
		var p struct {
			Width, Height int
			CRC           uint32 `json:"crc32_rgb"`
		}
		c.Meta(t, &p)
		m, err := DecodeFile(fixture.Path("data/images/" + c.Name))
		if err != nil {
			t.Error(err)
			continue
		}
		if m.W != p.Width || m.H != p.Height {
			t.Errorf("%s has %dx%d pixels, want %dx%d", c.Name, m.W, m.H, p.Width, p.Height)
			continue
		}
		exact := crc32.ChecksumIEEE(m.Pix) == p.CRC
		fixture.Record(c.File.Rel, c.Name, "crc32_rgb", "uint8", "exact", 0, exact)
		if !exact && !isJPEG(c.Name) {
			t.Errorf("%s: its pixels' checksum is not Pillow's", c.Name)
		}
		if c.Has("out.rgb") {
			want := c.Tensor(t, "out.rgb").Float64s()
			got := floats(m.Pix)
			tol := fixture.Abs(0)
			if isJPEG(c.Name) {
				tol = fixture.Abs(3)
			}
			c.Compare(t, "out.rgb", "uint8", got, tol)
			if mean := meanError(got, want); mean >= 0.3 {
				t.Errorf("%s: mean error %g", c.Name, mean)
			}
		}
	}
}

func meanError(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += math.Abs(a[i] - b[i])
	}
	return sum / float64(len(a))
}

// TestFixtureTree decodes every file of the miniature data sets. Without the
// reference's pixels, JPEG is held to the recorded mean; what is not exact is told.
func TestFixtureTree(t *testing.T) {
	raw, err := os.ReadFile(fixture.Path("data/tree_pixels.json"))
	if err != nil {
		t.Fatal(err)
	}
	var files map[string][5]json.RawMessage // mode, width, height, crc, mean
	if err := json.Unmarshal(raw, &files); err != nil {
		t.Fatal(err)
	}
	inexact := 0
	for name, record := range files {
		var w, h int
		var crc uint32
		var mean float64
		for i, v := range []any{&w, &h, &crc, &mean} {
			if err := json.Unmarshal(record[1+i], v); err != nil {
				t.Fatal(name, err)
			}
		}
		m, err := DecodeFile(fixture.Path("data/tree/" + name))
		if err != nil {
			t.Error(err)
			continue
		}
		if m.W != w || m.H != h {
			t.Errorf("%s has %dx%d pixels, want %dx%d", name, m.W, m.H, w, h)
			continue
		}
		sum := 0
		for _, v := range m.Pix {
			sum += int(v)
		}
		off := math.Abs(float64(sum)/float64(len(m.Pix)) - mean)
		exact := crc32.ChecksumIEEE(m.Pix) == crc
		fixture.Record("data/tree_pixels.json", name, "crc32 and mean", "uint8", "exact", off, exact)
		if !exact {
			inexact++
			if !isJPEG(name) || off > 0.3 {
				t.Errorf("%s: its pixels' checksum is not Pillow's; their mean is off by %g", name, off)
			}
		}
	}
	t.Logf("%d files, %d not bit for bit", len(files), inexact)
}
