package transform

import (
	"bytes"
	"math"
	"testing"

	"urlbench/data/pixel"
)

// TestSaturateTables compares the table of whole numbers with the float32 blend for
// all pairs of a grey value and a channel, where the table is said to hold.
func TestSaturateTables(t *testing.T) {
	rng := RNG(1, 2, 3)
	tables := 0
	for i := range 150 {
		f := float32(0.6 + 0.8*rng.Float64())
		if i < 21 {
			f = float32(i) / 10
		}
		shift, ok := blendShifts(f)
		if !ok {
			continue
		}
		tables++
		for l := range 256 {
			for v := range 256 {
				if got, want := clipByte(int32(l)+shift[255-l+v]), blend(l, v, f); got != want {
					t.Fatalf("factor %g, grey %d, channel %d: got %d, want %d", f, l, v, got, want)
				}
			}
		}
	}
	if tables < 100 {
		t.Errorf("only %d of 150 factors have tables", tables)
	}
}

// TestJitterSteps compares a jitter with its steps taken one by one.
func TestJitterSteps(t *testing.T) {
	c := DefaultJitter(0.4)
	c.Hue = &Range{-0.1, 0.1}
	for i := range 60 {
		rng := RNG(5, 0, i)
		j := c.Draw(rng)
		if i%3 == 0 {
			j.Factor[i/3%4] = math.NaN()
		}
		got, want := noise(9, 7, i).Pix, noise(9, 7, i).Pix
		j.Apply(got)
		for _, step := range j.Order {
			if f := j.Factor[step]; !math.IsNaN(f) {
				[]func([]uint8, float64){naiveBrightness, naiveContrast, naiveSaturation, Hue}[step](want, f)
			}
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("jitter %+v: the fused steps differ", j)
		}
	}
}

func naiveBrightness(pix []uint8, f float64) {
	for i, v := range pix {
		pix[i] = blend(0, int(v), float32(f))
	}
}

func naiveContrast(pix []uint8, f float64) {
	sum := 0.0
	for i := 0; i < len(pix); i += 3 {
		sum += float64(luma(pix[i], pix[i+1], pix[i+2]))
	}
	mean := int(sum/float64(len(pix)/3) + 0.5)
	for i, v := range pix {
		pix[i] = blend(mean, int(v), float32(f))
	}
}

func naiveSaturation(pix []uint8, f float64) {
	for i := 0; i < len(pix); i += 3 {
		l := luma(pix[i], pix[i+1], pix[i+2])
		for c := range 3 {
			pix[i+c] = blend(int(l), int(pix[i+c]), float32(f))
		}
	}
}

// noise is a picture of random bytes.
func noise(w, h, seed int) *pixel.Image {
	m := pixel.New(w, h)
	rng := RNG(uint64(seed), 1, 1)
	for i := range m.Pix {
		m.Pix[i] = uint8(rng.Uint32())
	}
	return m
}
