package pixel

import (
	"bytes"
	"fmt"
)

// zigzag maps the order of coding to the place in a block, row by row. Runs beyond
// the block of a corrupt file end at its last place; the table is long enough for
// the compiler to see that an index of 7 bits is within it.
var zigzag = func() (table [128]uint8) {
	x, y, step := 0, 0, 1
	for k := range table {
		if k > 63 {
			table[k] = 63
			continue
		}
		table[k] = uint8(8*y + x)
		// Along a diagonal until it leaves the block, then along the border.
		switch {
		case step > 0 && x == 7:
			y, step = y+1, -1
		case step > 0 && y == 0:
			x, step = x+1, -1
		case step < 0 && y == 7:
			x, step = x+1, 1
		case step < 0 && x == 0:
			y, step = y+1, 1
		default:
			x, y = x+step, y-step
		}
	}
	return table
}()

// maxScans bounds the work that a small file can ask for; encoders write about ten.
const maxScans = 500

// spectral are a progressive scan's parameters (T.81 G.1.1.1).
type spectral struct{ start, end, high, low int }

// startOfScan reads a scan's header and decodes the scan. It is done if nothing
// that comes later can change the part.
func (d *jpegDecoder) startOfScan(b []byte) (done bool, err error) {
	if d.w == 0 {
		return true, fmt.Errorf("the JPEG has a scan before its frame header")
	}
	if len(b) < 1 || len(b) < 4+2*int(b[0]) {
		return true, ErrTruncated
	}
	n := int(b[0])
	if n < 1 || n > len(d.components) {
		return true, fmt.Errorf("a JPEG scan has %d components", n)
	}
	s := spectral{int(b[1+2*n]), int(b[2+2*n]), int(b[3+2*n] >> 4), int(b[3+2*n] & 15)}
	if !d.progressive {
		s = spectral{0, 63, 0, 0}
	} else if s.start > s.end || s.end > 63 || s.start > 0 && n > 1 || s.low > 13 || s.start == 0 && s.end != 0 {
		return true, fmt.Errorf("a progressive JPEG scan has the parameters %+v", s)
	}
	d.scan = d.scan[:0]
	for i := range n {
		c := d.component(int(b[1+2*i]))
		if c == nil {
			return true, fmt.Errorf("a JPEG scan names the component %d, which the frame lacks", b[1+2*i])
		}
		for _, other := range d.scan {
			if other == c {
				return true, fmt.Errorf("a JPEG scan names the component %d twice", c.id)
			}
		}
		if !c.latched {
			if !d.quantSeen[c.table] {
				return true, fmt.Errorf("the JPEG lacks the quantisation table %d", c.table)
			}
			c.quant, c.latched = d.quant[c.table], true
		}
		dc, ac := int(b[2+2*i]>>4), int(b[2+2*i]&15)
		if dc > 3 || ac > 3 {
			return true, fmt.Errorf("a JPEG scan names the Huffman tables %d and %d", dc, ac)
		}
		c.dc, c.ac, c.prediction = &d.tables[0][dc], &d.tables[1][ac], 0
		if s.start == 0 && s.high == 0 && !c.dc.defined {
			return true, fmt.Errorf("the JPEG lacks the DC Huffman table %d", dc)
		}
		if s.end > 0 && !c.ac.defined {
			return true, fmt.Errorf("the JPEG lacks the AC Huffman table %d", ac)
		}
		d.scan = append(d.scan, c)
	}
	if d.scans++; d.scans > maxScans {
		return true, fmt.Errorf("the JPEG has more than %d scans: a trap, not a picture", maxScans)
	}
	first := d.scans == 1
	if first && !bytes.Contains(d.bits.data[d.bits.pos:], []byte{0xff, mEOI}) {
		return true, ErrTruncated
	}
	if first && !d.progressive && n < len(d.components) {
		for i := range d.components {
			clear(d.components[i].plane) // a corrupt file may leave a component out
		}
	}
	d.decodeScan(s)
	return !d.progressive && n == len(d.components), nil
}

func (d *jpegDecoder) component(id int) *jpegComponent {
	for i := range d.components {
		if d.components[i].id == id {
			return &d.components[i]
		}
	}
	return nil
}

// decodeScan decodes the scan's entropy-coded segments, a sequential one only down
// to the last row of blocks that is wanted.
func (d *jpegDecoder) decodeScan(s spectral) {
	d.bits.acc, d.bits.n, d.eobRun = 0, 0, 0
	across, down := d.mcusX, d.mcusY
	single := len(d.scan) == 1
	want := d.blocks
	if single { // one component: its blocks are not grouped, nor padded
		c := d.scan[0]
		across, down = ceilDiv(c.w, 8), ceilDiv(c.rows, 8)
		want = Rect{want.X0 * c.h, want.Y0 * c.v, min(want.X1*c.h, across), min(want.Y1*c.v, down)}
	}
	rows := down
	if !d.progressive {
		rows = want.Y1
	}
	left := d.restart
	var block [64]int32
	for y := range rows {
		for x := range across {
			if d.restart > 0 {
				if left == 0 {
					d.nextRestart()
					left = d.restart
				}
				left--
			}
			wanted := y >= want.Y0 && x >= want.X0 && x < want.X1
			if single {
				d.decodeBlock(d.scan[0], x, y, s, wanted, &block)
				continue
			}
			for _, c := range d.scan {
				for v := range c.v {
					for h := range c.h {
						d.decodeBlock(c, x*c.h+h, y*c.v+v, s, wanted, &block)
					}
				}
			}
		}
	}
}

// nextRestart goes on behind the next restart marker.
func (d *jpegDecoder) nextRestart() {
	b := &d.bits
	b.acc, b.n, d.eobRun = 0, 0, 0
	for _, c := range d.scan {
		c.prediction = 0
	}
	for i := b.pos; i+1 < len(b.data); i++ {
		if b.data[i] != 0xff || b.data[i+1] == 0 || b.data[i+1] == 0xff {
			continue
		}
		if m := b.data[i+1]; m >= mRST0 && m < mRST0+8 {
			b.pos = i + 2
		} else {
			b.pos = i // another marker: the rest of the scan is missing and reads as zeros
		}
		return
	}
}

func (d *jpegDecoder) decodeBlock(c *jpegComponent, x, y int, s spectral, wanted bool, block *[64]int32) {
	if d.progressive {
		at := 64 * (y*c.perLine + x)
		d.refine(c, (*[64]int16)(c.coefficients[at:at+64]), s)
		return
	}
	if !wanted {
		d.bits.skip(c)
		return
	}
	nonzero := d.bits.sequential(c, block)
	idct(block, nonzero, c.plane[8*(y*c.stride()+x):], c.stride())
	*block = [64]int32{}
}

// difference reads a DC difference and returns the DC value.
func (b *bitReader) difference(c *jpegComponent) int32 {
	size := uint(b.decode(c.dc))
	if size > 16 {
		size = 0
	}
	if size > 0 {
		c.prediction += extend(b.take(size), size)
	}
	return c.prediction
}

// sequential decodes and dequantises a block (T.81 F.2.2) and returns a bit set of
// the places that may not be zero.
func (b *bitReader) sequential(c *jpegComponent, block *[64]int32) (nonzero uint64) {
	block[0] = b.difference(c) * c.quant[0]
	nonzero = 1
	t := c.ac
	acc, n := b.acc, b.n
	for k := uint(1); k < 64; k++ {
		if n < 32 {
			b.acc, b.n = acc, n
			b.fill()
			acc, n = b.acc, b.n
		}
		if e := t.whole[acc>>(64-lookBits)]; e != 0 {
			length := uint(e & 31)
			acc <<= length
			n -= length
			if e&endOfBlock != 0 {
				break
			}
			k += uint(e>>8) & 15
			z := zigzag[k&127]
			block[z&63] = e >> 16 * c.quant[k&63]
			nonzero |= 1 << (z & 63)
			continue
		}
		b.acc, b.n = acc, n
		symbol := b.decode(t)
		run, size := uint(symbol>>4), uint(symbol&15)
		if size == 0 {
			acc, n = b.acc, b.n
			if run != 15 {
				break
			}
			k += 15
			continue
		}
		k += run
		v := extend(b.take(size), size)
		acc, n = b.acc, b.n
		z := zigzag[k]
		block[z&63] = v * c.quant[k&63]
		nonzero |= 1 << (z & 63)
	}
	b.acc, b.n = acc, n
	return nonzero
}

// skip reads over a block, keeping the DC prediction.
func (b *bitReader) skip(c *jpegComponent) {
	b.difference(c)
	t := c.ac
	acc, n := b.acc, b.n
	for k := uint(1); k < 64; k++ {
		if n < 32 {
			b.acc, b.n = acc, n
			b.fill()
			acc, n = b.acc, b.n
		}
		if e := t.whole[acc>>(64-lookBits)]; e != 0 {
			length := uint(e & 31)
			acc <<= length
			n -= length
			if e&endOfBlock != 0 {
				break
			}
			k += uint(e>>8) & 15
			continue
		}
		b.acc, b.n = acc, n
		symbol := b.decode(t)
		run, size := uint(symbol>>4), uint(symbol&15)
		if size == 0 && run != 15 {
			acc, n = b.acc, b.n
			break
		}
		k += run
		b.take(size)
		acc, n = b.acc, b.n
	}
	b.acc, b.n = acc, n
}
