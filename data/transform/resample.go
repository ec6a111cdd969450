package transform

import (
	"encoding/binary"
	"math"
	"sync"

	"urlbench/data/pixel"
)

// Filter is an interpolation kernel of Pillow's.
type Filter int

// The filters. The zero value is the original's default.
const (
	Bicubic  Filter = iota // Keys's cubic with a = -0.5
	Bilinear               // triangle
)

func (f Filter) String() string { return [...]string{"bicubic", "bilinear"}[f] }

// support is the kernel's half width at scale 1.
func (f Filter) support() float64 { return [...]float64{2, 1}[f] }

func (f Filter) kernel(x float64) float64 {
	x = math.Abs(x)
	if f == Bilinear {
		return max(0, 1-x)
	}
	const a = -0.5
	switch {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return (((x-5)*x+8)*x - 4) * a
	}
	return 0
}

// fraction is the number of fractional bits of the fixed-point weights: a product
// with a byte, summed, stays within 32 bits.
const fraction = 22

// taps are the weights of one axis: output i of a chosen range sums
// weight[i*width+k] * input[first[i]+k] over k < count[i].
type taps struct {
	width        int // a multiple of 4; the weights behind the last tap are 0
	longest      int // the largest count
	first, count []int32
	weight       []int32
}

// set computes the weights of outputs [from, to) when in samples are resampled to
// out, as Pillow's precompute_coeffs and normalize_coeffs_8bpc specify them: the
// kernel is stretched by the scale when shrinking (antialias), normalised in
// float64, and rounded half away from zero to 22 fractional bits.
func (t *taps) set(f Filter, in, out, from, to int) {
	scale := float64(in) / float64(out)
	stretch := max(scale, 1)
	support := f.support() * stretch
	n := to - from
	t.width = (int(math.Ceil(support))*2 + 4) &^ 3
	t.longest = 0
	t.first, t.count = sized(t.first, n), sized(t.count, n)
	t.weight = sized(t.weight, n*t.width)
	var k [64]float64
	w := k[:]
	if t.width > len(w) {
		w = make([]float64, t.width)
	}
	for i := range n {
		centre := (float64(from+i) + 0.5) * scale
		lo := max(int(centre-support+0.5), 0)
		hi := min(int(centre+support+0.5), in)
		sum := 0.0
		for x := lo; x < hi; x++ {
			v := f.kernel((float64(x) - centre + 0.5) * (1 / stretch))
			w[x-lo] = v
			sum += v
		}
		row := t.weight[i*t.width : (i+1)*t.width]
		for x := range hi - lo {
			v := w[x]
			if sum != 0 {
				v /= sum
			}
			row[x] = int32(math.Trunc(v*(1<<fraction) + math.Copysign(0.5, v)))
		}
		clear(row[hi-lo:])
		t.longest = max(t.longest, hi-lo)
		t.first[i], t.count[i] = int32(lo), int32(hi-lo)
	}
}

// span returns the range of inputs that the outputs read.
func (t *taps) span() (lo, hi int) {
	n := len(t.first)
	return int(t.first[0]), int(t.first[n-1] + t.count[n-1])
}

func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// clip8 rounds a fixed-point sum and clips it to a byte.
func clip8(sum int32) uint8 {
	v := sum >> fraction
	if uint32(v) > 255 {
		return uint8(^(v >> 31)) // 0 below, 255 above
	}
	return uint8(v)
}

// resampler holds the buffers of one resampling, reused through a pool.
type resampler struct {
	h, v taps
	mid  []uint8
	pair []uint64
}

var resamplers = sync.Pool{New: func() any { return new(resampler) }}

// resize resamples the part box of src to w x h pixels and writes the pixels
// [win.X0,win.X1) x [win.Y0,win.Y1) of the result to dst, rows of 3*(win.X1-win.X0)
// bytes that follow each other at stride bytes. The box's border acts as the
// image's border. Only what the window needs is loaded and computed.
func resize(dst []uint8, stride int, src *pixel.Image, box pixel.Rect, w, h int, win pixel.Rect, f Filter) error {
	r := resamplers.Get().(*resampler)
	defer resamplers.Put(r)
	bw, bh := box.X1-box.X0, box.Y1-box.Y0
	nw, nh := win.X1-win.X0, win.Y1-win.Y0
	if nw <= 0 || nh <= 0 {
		return nil
	}
	x0, x1, y0, y1 := win.X0, win.X1, win.Y0, win.Y1 // inputs needed, within the box
	if w != bw {
		r.h.set(f, bw, w, win.X0, win.X1)
		x0, x1 = r.h.span()
	}
	if h != bh {
		r.v.set(f, bh, h, win.Y0, win.Y1)
		y0, y1 = r.v.span()
	}
	if err := src.Load(pixel.Rect{X0: box.X0 + x0, Y0: box.Y0 + y0, X1: box.X0 + x1, Y1: box.Y0 + y1}); err != nil {
		return err
	}
	in, inStride := src.Pix[3*(box.Y0*src.W+box.X0):], 3*src.W // the box's top left
	switch {
	case w == bw && h == bh:
		for y := range nh {
			from := (y0+y)*inStride + 3*x0
			copy(dst[y*stride:y*stride+3*nw], in[from:from+3*nw])
		}
	case h == bh:
		r.horizontal(dst, stride, in[y0*inStride:], inStride, nh)
	case w == bw:
		vertical(dst, stride, in[3*x0:], inStride, 0, 3*nw, &r.v)
	default:
		const slack = 1 // the vector instructions write a byte behind each row
		between := 3*nw + slack
		r.mid = sized(r.mid, between*(y1-y0))
		r.horizontal(r.mid, between, in[y0*inStride:], inStride, y1-y0)
		vertical(dst, stride, r.mid, between, y0, 3*nw, &r.v)
	}
	return nil
}

// The passes below sum two products in each 64-bit multiplication: two bytes lie 32
// bits apart in a word, times a signed weight. The lower sum fits an int32 (see
// fraction); what it borrows from the upper one is given back when they are parted.
const (
	halves  = 1<<(fraction-1) | 1<<(fraction-1+32) // one half in each sum, to round
	twoByte = 0x000000ff_000000ff
)

// part returns the two sums, rounded to bytes.
func part(sums uint64) (low, high uint8) {
	l := int32(sums)
	return clip8(l), clip8(int32((sums - uint64(int64(l))) >> 32))
}

// horizontal resamples rows along x, two rows at a time. It may read one byte
// behind the pixels of a row, but none behind src.
func (r *resampler) horizontal(dst []uint8, dstStride int, src []uint8, srcStride, rows int) {
	t := &r.h
	y, n := 0, len(t.first)
	if quads := (t.longest + 3) / 4; vector && dstStride > 3*n {
		// The last output may read taps of weight 0 and 16 bytes at its last group.
		reach := 3*(int(t.first[n-1])+4*quads-4) + 16
		for ; y+1 < rows && (y+1)*srcStride+reach <= len(src); y += 2 {
			horizontalAVX2(&dst[y*dstStride], &dst[(y+1)*dstStride], &src[y*srcStride], &src[(y+1)*srcStride],
				&t.first[0], &t.weight[0], t.width, quads, n)
		}
	}
	from, used := t.span()
	for ; y+1 < rows && (y+1)*srcStride+3*used < len(src); y += 2 {
		// Word x holds the pixel x of both rows, and a byte of the next.
		r.pair = sized(r.pair, used)
		line0, line1 := src[y*srcStride:][:3*used+1], src[(y+1)*srcStride:][:3*used+1]
		for x := from; x < used; x++ {
			r.pair[x] = uint64(binary.LittleEndian.Uint32(line0[3*x:])) | uint64(binary.LittleEndian.Uint32(line1[3*x:]))<<32
		}
		out0, out1 := dst[y*dstStride:][:3*n], dst[(y+1)*dstStride:][:3*n]
		for i, first := range t.first {
			weight := t.weight[i*t.width:][:t.count[i]]
			pixels := r.pair[first:][:len(weight)]
			var red, green, blue uint64 = halves, halves, halves
			for k, w := range weight {
				v, w := pixels[k], uint64(int64(w))
				red += (v & twoByte) * w
				green += (v >> 8 & twoByte) * w
				blue += (v >> 16 & twoByte) * w
			}
			o0, o1 := out0[3*i:][:3], out1[3*i:][:3]
			o0[0], o1[0] = part(red)
			o0[1], o1[1] = part(green)
			o0[2], o1[2] = part(blue)
		}
	}
	for ; y < rows; y++ {
		horizontalRow(dst[y*dstStride:][:3*n], src[y*srcStride:], t)
	}
}

// horizontalRow resamples one row.
func horizontalRow(out, line []uint8, t *taps) {
	const half = 1 << (fraction - 1)
	for i, first := range t.first {
		weight := t.weight[i*t.width:][:t.count[i]]
		px := line[3*first:][:3*len(weight)]
		r, g, b := int32(half), int32(half), int32(half)
		for k, w := range weight {
			p := px[3*k:][:3]
			r += w * int32(p[0])
			g += w * int32(p[1])
			b += w * int32(p[2])
		}
		o := out[3*i:][:3]
		o[0], o[1], o[2] = clip8(r), clip8(g), clip8(b)
	}
}

// vertical resamples columns of n bytes along y, eight bytes at a time; src begins
// at the row base.
func vertical(dst []uint8, dstStride int, src []uint8, srcStride, base, n int, t *taps) {
	const half = 1 << (fraction - 1)
	for i, first := range t.first {
		weight := t.weight[i*t.width:][:t.count[i]]
		lines := src[(int(first)-base)*srcStride:]
		out := dst[i*dstStride:][:n]
		x := 0
		if blocks := n / 32; vector && blocks > 0 {
			verticalAVX2(&out[0], &lines[0], srcStride, &weight[0], len(weight), blocks)
			x = 32 * blocks
		}
		for ; x+8 <= n; x += 8 {
			var a, b, c, d uint64 = halves, halves, halves, halves
			at := x
			for _, w := range weight {
				v := binary.LittleEndian.Uint64(lines[at:])
				w := uint64(int64(w))
				a += (v & twoByte) * w
				b += (v >> 8 & twoByte) * w
				c += (v >> 16 & twoByte) * w
				d += (v >> 24 & twoByte) * w
				at += srcStride
			}
			o := out[x:][:8]
			o[0], o[4] = part(a)
			o[1], o[5] = part(b)
			o[2], o[6] = part(c)
			o[3], o[7] = part(d)
		}
		for ; x < n; x++ {
			sum := int32(half)
			at := x
			for _, w := range weight {
				sum += w * int32(lines[at])
				at += srcStride
			}
			out[x] = clip8(sum)
		}
	}
}

// Resize returns src resampled to w x h pixels, bit for bit as Pillow's
// Image.resize: antialiased, horizontally first, rounded to bytes after each pass.
func Resize(src *pixel.Image, w, h int, f Filter) (*pixel.Image, error) {
	dst := pixel.New(w, h)
	err := resize(dst.Pix, 3*w, src, src.Bounds(), w, h, dst.Bounds(), f)
	return dst, err
}
