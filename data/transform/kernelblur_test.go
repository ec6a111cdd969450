package transform

import (
	"bytes"
	"testing"

	"urlbench/data/pixel"
)

// TestKernelBlur compares with torchvision 0.14.1's gaussian_blur(image, [31, 31],
// [sigma, sigma]) of a Pillow image: eight pixels of the first row, and the sum of all.
func TestKernelBlur(t *testing.T) {
	for _, c := range []struct {
		sigma float64
		row   []uint8
		sum   int
	}{
		{0.5, []uint8{28, 81, 134, 59, 112, 159, 98, 145, 155, 132, 142, 189, 128, 175, 207, 162, 193, 88, 178, 72, 104, 46, 77, 130}, 137248},
		{1.7, []uint8{121, 140, 141, 123, 139, 140, 125, 137, 139, 127, 134, 141, 126, 130, 145, 126, 128, 146, 126, 129, 145, 126, 132, 142}, 137782},
		{5, []uint8{126, 137, 122, 126, 137, 122, 126, 137, 122, 126, 137, 123, 126, 136, 123, 127, 136, 123, 127, 135, 123, 127, 135, 123}, 137615},
	} {
		m := pixel.New(20, 18)
		for y := range 18 {
			for x := range 20 {
				for ch := range 3 {
					m.Pix[3*(y*20+x)+ch] = uint8(x*37 + y*91 + ch*53 + (x*y)%7*11)
				}
			}
		}
		KernelBlur(m.Pix, 20, c.sigma)
		sum := 0
		for _, v := range m.Pix {
			sum += int(v)
		}
		if !bytes.Equal(m.Pix[:24], c.row) || sum != c.sum {
			t.Errorf("sigma %g: got %v, sum %d; want %v, sum %d", c.sigma, m.Pix[:24], sum, c.row, c.sum)
		}
	}
}

func TestKernelBlurSmall(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {2, 1}, {1, 5}, {3, 4}} {
		m := pixel.New(size[0], size[1])
		for i := range m.Pix {
			m.Pix[i] = 200
		}
		KernelBlur(m.Pix, m.W, 2)
		for _, v := range m.Pix {
			if v != 200 {
				t.Fatalf("%v: blurring a constant image gives %d", size, v)
			}
		}
	}
}
