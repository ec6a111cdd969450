package pixel

import (
	"fmt"
	"image"
	"image/color"
)

// convert writes m as RGB into dst, by Pillow's rules: alpha is dropped from
// un-premultiplied values, 16-bit channels keep their high byte, except that a
// grey PNG with 16 bits (clip16, Pillow's mode I) is clipped to 255.
func convert(dst []uint8, w, h int, m image.Image, clip16 bool) error {
	b := m.Bounds()
	if b.Dx() != w || b.Dy() != h {
		return fmt.Errorf("the image has %dx%d pixels, its header says %dx%d", b.Dx(), b.Dy(), w, h)
	}
	row := func(y int) []uint8 { return dst[3*y*w : 3*(y+1)*w] }
	wide := func(hi, lo uint8) uint8 {
		if clip16 && hi > 0 {
			return 255
		} else if clip16 {
			return lo
		}
		return hi
	}
	switch m := m.(type) {
	case *image.Gray:
		for y := range h {
			src, out := m.Pix[y*m.Stride:], row(y)
			for x := range w {
				out[3*x], out[3*x+1], out[3*x+2] = src[x], src[x], src[x]
			}
		}
	case *image.Gray16:
		for y := range h {
			src, out := m.Pix[y*m.Stride:], row(y)
			for x := range w {
				v := wide(src[2*x], src[2*x+1])
				out[3*x], out[3*x+1], out[3*x+2] = v, v, v
			}
		}
	case *image.NRGBA:
		pack(row, w, h, m.Pix, m.Stride)
	case *image.RGBA: // only opaque images are decoded to this type
		pack(row, w, h, m.Pix, m.Stride)
	case *image.NRGBA64:
		pack16(row, w, h, m.Pix, m.Stride, wide)
	case *image.RGBA64:
		pack16(row, w, h, m.Pix, m.Stride, wide)
	case *image.Paletted:
		var palette [256][3]uint8
		for i, c := range m.Palette {
			n := color.NRGBAModel.Convert(c).(color.NRGBA)
			if exact, ok := c.(color.NRGBA); ok {
				n = exact // the model zeroes the colour of transparent entries
			}
			palette[i] = [3]uint8{n.R, n.G, n.B}
		}
		for y := range h {
			src, out := m.Pix[y*m.Stride:], row(y)
			for x := range w {
				copy(out[3*x:3*x+3], palette[src[x]][:])
			}
		}
	default:
		for y := range h {
			out := row(y)
			for x := range w {
				n := color.NRGBAModel.Convert(m.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
				out[3*x], out[3*x+1], out[3*x+2] = n.R, n.G, n.B
			}
		}
	}
	return nil
}

func pack(row func(int) []uint8, w, h int, pix []uint8, stride int) {
	for y := range h {
		src, out := pix[y*stride:], row(y)
		for x := range w {
			out[3*x], out[3*x+1], out[3*x+2] = src[4*x], src[4*x+1], src[4*x+2]
		}
	}
}

func pack16(row func(int) []uint8, w, h int, pix []uint8, stride int, wide func(hi, lo uint8) uint8) {
	for y := range h {
		src, out := pix[y*stride:], row(y)
		for x := range w {
			for c := range 3 {
				out[3*x+c] = wide(src[8*x+2*c], src[8*x+2*c+1])
			}
		}
	}
}
