package bench

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Photos writes n JPEG files of w x h pixels to dir and returns their paths and
// mean size in bytes. The pictures are made, not taken: fields of noise whose
// strength falls with frequency as photographs' does, a few hard edges and sensor
// noise, so that the files are about as large as ImageNet's (about 0.5 byte per pixel).
func Photos(dir string, n, w, h int, seed uint64) (paths []string, meanBytes int, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, 0, err
	}
	total := 0
	for i := range n {
		var buf bytes.Buffer
		if err := jpeg.Encode(&buf, photo(w, h, rand.New(rand.NewPCG(seed, uint64(i)))), &jpeg.Options{Quality: 92}); err != nil {
			return nil, 0, err
		}
		path := filepath.Join(dir, fmt.Sprintf("photo_%05d.jpg", i))
		if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
			return nil, 0, err
		}
		total += buf.Len()
		paths = append(paths, path)
	}
	return paths, total / max(n, 1), nil
}

// photo draws a picture.
func photo(w, h int, rng *rand.Rand) image.Image {
	plane := func(strength float64) []float64 {
		out := make([]float64, w*h)
		for cell := 128.0; cell >= 2; cell /= 2 {
			addNoise(out, w, h, cell, strength*math.Sqrt(cell/128), rng)
		}
		return out
	}
	red, green, blue := plane(34), plane(22), plane(26)
	shared := plane(52)
	for range 12 { // discs with hard edges
		cx, cy, r := rng.Float64()*float64(w), rng.Float64()*float64(h), (0.03+0.2*rng.Float64())*float64(w)
		step := rng.NormFloat64() * 45
		for y := range h {
			for x := range w {
				if math.Hypot(float64(x)-cx, float64(y)-cy) < r {
					shared[y*w+x] += step
				}
			}
		}
	}
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		grain := shared[i] + rng.NormFloat64()*5
		for c, p := range [][]float64{red, green, blue} {
			m.Pix[4*i+c] = uint8(min(max(118+grain+p[i]+rng.NormFloat64()*2, 0), 255))
		}
		m.Pix[4*i+3] = 255
	}
	return m
}

// addNoise adds a random field that changes over cell pixels.
func addNoise(dst []float64, w, h int, cell, strength float64, rng *rand.Rand) {
	gw, gh := int(float64(w)/cell)+2, int(float64(h)/cell)+2
	grid := make([]float64, gw*gh)
	for i := range grid {
		grid[i] = rng.NormFloat64() * strength
	}
	for y := range h {
		gy, fy := math.Modf(float64(y) / cell)
		for x := range w {
			gx, fx := math.Modf(float64(x) / cell)
			i := int(gy)*gw + int(gx)
			top := grid[i]*(1-fx) + grid[i+1]*fx
			bottom := grid[i+gw]*(1-fx) + grid[i+gw+1]*fx
			dst[y*w+x] += top*(1-fy) + bottom*fy
		}
	}
}
