package data

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"urlbench/internal/fixture"
)

// The embedded fractions are the original's to the last bit: written out as NumPy
// does, they are its files.
func TestFixturePublishedCrops(t *testing.T) {
	for _, c := range fixture.Open(t, "data/shipped_randomcrops.safetensors").Cases() {
		var meta struct {
			N        int
			SHA256   string
			Complete bool
		}
		c.Meta(t, &meta)
		got, err := namedCrops(c.Name)
		if err != nil || len(got) != meta.N {
			t.Errorf("%s: %d fractions, error %v, want %d", c.Name, len(got), err, meta.N)
			continue
		}
		want, err := c.File.Tensor(c.Name)
		if err != nil {
			t.Fatal(err)
		}
		values := want.Float64s()
		c.CompareTo(t, "fractions", "float64", got[:len(values)], values, fixture.Abs(0))
		csv := sha256.New()
		for _, x := range got {
			fmt.Fprintf(csv, "%.18e\n", x)
		}
		if sum := hex.EncodeToString(csv.Sum(nil)); sum != meta.SHA256 {
			t.Errorf("%s: SHA-256 of the csv %s, want %s", c.Name, sum, meta.SHA256)
		}
	}
}

func TestCropFractions(t *testing.T) {
	all := mustOpen(t, "soft/mini-blend", "all", Options{})
	test := mustOpen(t, "soft/mini-blend", Test, Options{})
	a, b := CropFractions(all, 5, CropMin, CropMax), CropFractions(test, 5, CropMin, CropMax)
	if !slices.Equal(a[len(a)-len(b):], b) {
		t.Error("a sample's fraction depends on the other samples")
	}
	if slices.Equal(b, CropFractions(test, 6, CropMin, CropMax)) {
		t.Error("the seed does not matter")
	}
	mean := 0.0
	for _, x := range a {
		if x < CropMin || x >= CropMax {
			t.Fatalf("fraction %v", x)
		}
		mean += x / float64(len(a))
	}
	// The mean of n uniform draws has a standard error of 0.65/sqrt(12 n) = 0.0054.
	if mean < 0.425-0.022 || mean > 0.425+0.022 {
		t.Errorf("mean %v, want 0.425", mean)
	}
}

func TestCrops(t *testing.T) {
	d := mustOpen(t, "repr/mini-turned", Test, Options{})
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.csv", strings.Repeat("2.500000000000000000e-01\n", d.Len()))
	got, err := Crops(d, good, 1, CropMin, CropMax)
	if err != nil || len(got) != d.Len() || got[3] != 0.25 {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{
		write("zero.csv", "0.5\n0\n"), write("words.csv", "half\n"), write("empty.csv", ""), write("short.csv", "0.5\n"),
		filepath.Join(dir, "none.csv"), "published", "randomcrops_955_0.1_0.75",
	} {
		if _, err := Crops(d, bad, 1, CropMin, CropMax); err == nil || !strings.Contains(err.Error(), "--crop-file="+bad) {
			t.Errorf("%s: error %v", bad, err)
		}
	}
	if a, err := Crops(d, "", 7, CropMin, CropMax); err != nil || !slices.Equal(a, CropFractions(d, 7, CropMin, CropMax)) {
		t.Errorf("without a file: %v", err)
	}
}
