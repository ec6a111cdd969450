package transform

import (
	"bytes"
	"testing"

	"urlbench/data/pixel"
)

// TestResampleWays compares the vector instructions, the two-sums-in-a-word passes
// and a window of the result with a naive resampling of the whole image.
func TestResampleWays(t *testing.T) {
	defer func(v bool) { vector = v }(vector)
	has := vector
	rng := RNG(7, 7, 7)
	for i := range 120 {
		w, h := 1+rng.IntN(90), 1+rng.IntN(90)
		outW, outH := 1+rng.IntN(120), 1+rng.IntN(120)
		f := []Filter{Bicubic, Bilinear}[i%2]
		if i%7 == 0 {
			outW = w
		} else if i%7 == 1 {
			outH = h
		}
		src := noise(w, h, i)
		want := naiveResize(src, outW, outH, f)
		x, y := rng.IntN(outW), rng.IntN(outH)
		win := pixel.Rect{X0: x, Y0: y, X1: x + 1 + rng.IntN(outW-x), Y1: y + 1 + rng.IntN(outH-y)}
		for _, vector = range []bool{false, has} {
			got, err := Resize(src, outW, outH, f)
			if err != nil || !bytes.Equal(got.Pix, want) {
				t.Fatalf("%dx%d to %dx%d %v, vector %v: differs from the naive loop (%v)", w, h, outW, outH, f, vector, err)
			}
			nw := win.X1 - win.X0
			part := make([]uint8, 3*nw*(win.Y1-win.Y0))
			if err := resize(part, 3*nw, src, src.Bounds(), outW, outH, win, f); err != nil {
				t.Fatal(err)
			}
			for y := win.Y0; y < win.Y1; y++ {
				if !bytes.Equal(part[3*nw*(y-win.Y0):][:3*nw], want[3*(y*outW+win.X0):][:3*nw]) {
					t.Fatalf("%dx%d to %dx%d %v, vector %v: row %d of the window %v differs", w, h, outW, outH, f, vector, y, win)
				}
			}
		}
	}
}

// naiveResize computes each pixel of each pass by itself.
func naiveResize(src *pixel.Image, w, h int, f Filter) []uint8 {
	pass := func(in []uint8, n, out, lines, step, next, outStep, outNext int) []uint8 {
		if n == out {
			return in
		}
		var t taps
		t.set(f, n, out, 0, out)
		dst := make([]uint8, 3*out*lines)
		for line := range lines {
			for i := range out {
				for c := range 3 {
					sum := int64(1 << 21)
					for k := range int(t.count[i]) {
						sum += int64(t.weight[i*t.width+k]) * int64(in[line*next+(int(t.first[i])+k)*step+c])
					}
					dst[line*outNext+i*outStep+c] = uint8(min(max(sum>>22, 0), 255))
				}
			}
		}
		return dst
	}
	mid := pass(src.Pix, src.W, w, src.H, 3, 3*src.W, 3, 3*w)
	return pass(mid, src.H, h, w, 3*w, 3, 3*w, 3)
}
