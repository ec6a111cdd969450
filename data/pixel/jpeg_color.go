package pixel

import "errors"

// output upsamples the part and converts it to RGB.
func (d *jpegDecoder) output(dst []uint8) error {
	x0, x1 := d.part.X0, d.part.X1
	n := len(d.components)
	transform, err := d.colours()
	if err != nil {
		return err
	}
	var line [4][]uint8
	for y := d.part.Y0; y < d.part.Y1; y++ {
		for i := range n {
			line[i] = d.line(i, y)
		}
		out := dst[3*(y*d.w+x0) : 3*(y*d.w+x1)]
		switch transform {
		case isGrey:
			for x, v := range line[0] {
				out[3*x], out[3*x+1], out[3*x+2] = v, v, v
			}
		case isYCC:
			yccLine(out, line[0], line[1], line[2])
		case isRGB:
			for x, r := range line[0] {
				out[3*x], out[3*x+1], out[3*x+2] = r, line[1][x], line[2][x]
			}
		case isYCCK:
			// YCCK is CMYK whose inverted CMY was taken for RGB.
			yccLine(out, line[0], line[1], line[2])
			for i, v := range out {
				out[i] = 255 - v
			}
			cmykLine(out, line[3])
		case isCMYK:
			for x, c := range line[0] {
				out[3*x], out[3*x+1], out[3*x+2] = c, line[1][x], line[2][x]
			}
			cmykLine(out, line[3])
		}
	}
	return nil
}

type colours int

const (
	isGrey colours = iota
	isYCC
	isRGB
	isCMYK
	isYCCK
)

// colours guesses the colour space as libjpeg does: by the JFIF and Adobe markers,
// else by the components' names.
func (d *jpegDecoder) colours() (colours, error) {
	c := d.components
	switch len(c) {
	case 1:
		return isGrey, nil
	case 3:
		switch {
		case d.jfif:
			return isYCC, nil
		case d.adobe && d.adobeTransform == 0:
			return isRGB, nil
		case !d.adobe && c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B':
			return isRGB, nil
		}
		return isYCC, nil
	case 4:
		if d.adobe && d.adobeTransform != 0 {
			return isYCCK, nil
		}
		return isCMYK, nil
	}
	return 0, errors.New("JPEG with an unknown colour space")
}

// line returns the samples of component i for the part's pixels of row y.
func (d *jpegDecoder) line(i, y int) []uint8 {
	c := &d.components[i]
	h, v := d.hmax/c.h, d.vmax/c.v
	x0, x1 := d.part.X0, d.part.X1
	row := func(y int) []uint8 {
		y = min(max(y, 0), c.rows-1)
		return c.plane[y*c.stride() : y*c.stride()+c.w]
	}
	if h == 1 && v == 1 {
		return row(y)[x0:x1]
	}
	near, far := y/v, y/v-1 // the rows before and behind a sample between them
	if y%2 == 1 {
		far = near + 1
	}
	// Whole pairs are computed: one pixel more than wanted on either side.
	d.lineBuffers[i] = sized(d.lineBuffers[i], x1-x0+2*h)
	out := d.lineBuffers[i]
	from, to := x0/h, ceilDiv(x1, h)
	switch {
	case h == 2 && v == 2 && c.w > 2:
		smooth2x2(out, row(near), row(far), from, to)
	case h == 2 && v == 1 && c.w > 2:
		smooth2x1(out, row(near), from, to)
	case h == 1 && v == 2:
		a, b := row(near), row(far)
		bias := 1 + y%2
		for x := from; x < to; x++ {
			out[x-from] = uint8((3*int(a[x]) + int(b[x]) + bias) >> 2)
		}
	default:
		for x, v := range row(near)[from:to] {
			for k := range h {
				out[x*h+k] = v
			}
		}
	}
	return out[x0-from*h:][:x1-x0]
}

// smooth2x1 doubles samples [from, to) of a row by a triangle filter: 3/4 of the
// nearer sample, 1/4 of the further one, halves rounded alternately down and up.
func smooth2x1(out, row []uint8, from, to int) {
	last := len(row) - 1
	for x := from; x < to; x++ {
		v := 3 * int(row[x])
		o := out[2*(x-from):][:2]
		o[0] = uint8((v + int(row[max(x-1, 0)]) + 1) >> 2)
		o[1] = uint8((v + int(row[min(x+1, last)]) + 2) >> 2)
	}
}

// smooth2x2 does the same in two dimensions: near is the row that the output row
// lies in, far the next nearest.
func smooth2x2(out, near, far []uint8, from, to int) {
	far = far[:len(near)]
	sum := func(x int) int { return 3*int(near[x]) + int(far[x]) }
	last := len(near) - 1
	before, this := sum(max(from-1, 0)), sum(from)
	for x := from; x < to; x++ {
		after := this
		if x < last {
			after = 3*int(near[x+1]) + int(far[x+1])
		}
		o := out[2*(x-from):][:2]
		o[0], o[1] = uint8((3*this+before+8)>>4), uint8((3*this+after+7)>>4)
		before, this = this, after
	}
}

// chroma is what a chroma sample adds to the channels: in whole steps to the channel
// it names, in 16-bit fixed point, rounding included, to green.
type chroma struct{ red, blue, greenRed, greenBlue int32 }

// chromas holds ITU-R BT.601's full-range factors 1.402, 1.772, 0.71414 and 0.34414.
var chromas = func() (table [256]chroma) {
	for i := range table {
		v := int32(i) - 128
		table[i] = chroma{(91881*v + 1<<15) >> 16, (116130*v + 1<<15) >> 16, -46802*v + 1<<15, -22554 * v}
	}
	return table
}()

// clipped[v+clipBias] is v clipped to a byte.
var clipped = func() (table [1024]uint8) {
	for i := range table {
		table[i] = uint8(min(max(i-clipBias, 0), 255))
	}
	return table
}()

const clipBias = 384

// yccLine converts a row from YCbCr to RGB.
func yccLine(out, luma, blue, red []uint8) {
	blue, red = blue[:len(luma)], red[:len(luma)]
	for x, v := range luma {
		y, b, r := int32(v)+clipBias, &chromas[blue[x]], &chromas[red[x]]
		if len(out) < 3 {
			return // never: it tells the compiler what fits
		}
		out[0] = clipped[uint32(y+r.red)&1023]
		out[1] = clipped[uint32(y+(r.greenRed+b.greenBlue)>>16)&1023]
		out[2] = clipped[uint32(y+b.blue)&1023]
		out = out[3:]
	}
}

// cmykLine turns a row of stored CMY (inverted, as Adobe writes it: 255 is no ink)
// and black into RGB as Pillow's CMYK conversion.
func cmykLine(cmy, black []uint8) {
	for x, k := range black {
		o := cmy[3*x:][:3]
		white := int(k) // 255 - K of the inverted K
		for i, stored := range o {
			t := (255-int(stored))*white + 128
			o[i] = uint8(max(white-(t+t>>8)>>8, 0))
		}
	}
}
