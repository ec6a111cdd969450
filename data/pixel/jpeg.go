package pixel

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
)

// The JPEG decoder (ITU-T T.81: baseline, extended and progressive Huffman, 8
// bits) gives libjpeg-turbo's pixels with its defaults: accurate integer inverse
// DCT, smooth chroma upsampling, 16-bit fixed-point colours. It decodes any part
// of an image: entropy coding is sequential and must be followed down to the part's
// last row, but transforms, upsampling and colours are computed for the part only.
// Like libjpeg it goes on behind corrupt codes; a file without an end is an error.

// Markers (T.81 table B.1).
const (
	mSOF0, mSOF1, mSOF2 = 0xc0, 0xc1, 0xc2
	mDHT, mDAC, mRST0   = 0xc4, 0xcc, 0xd0
	mSOI, mEOI, mSOS    = 0xd8, 0xd9, 0xda
	mDQT, mDNL, mDRI    = 0xdb, 0xdc, 0xdd
	mAPP0, mAPP14       = 0xe0, 0xee
	mTEM                = 0x01
)

// jpegComponent is one colour component of a frame.
type jpegComponent struct {
	id, h, v, table int
	w, rows         int // real samples
	perLine, lines  int // blocks, padded to whole MCUs
	quant           [64]int32
	latched         bool // quant has been taken from the frame's tables
	plane           []uint8
	coefficients    []int16 // progressive only
	dc, ac          *huffman
	prediction      int32
}

// stride is the plane's row length in bytes.
func (c *jpegComponent) stride() int { return 8 * c.perLine }

// jpegDecoder is the state of one decoding; its buffers are reused.
type jpegDecoder struct {
	bits           bitReader
	w, h           int
	progressive    bool
	hmax, vmax     int
	mcusX, mcusY   int
	components     []jpegComponent
	quant          [4][64]int32 // zigzag order
	quantSeen      [4]bool
	tables         [2][4]huffman // class 0 DC, 1 AC
	restart        int
	jfif, adobe    bool
	adobeTransform uint8
	eobRun         int
	scan           []*jpegComponent
	part           Rect // wanted pixels
	blocks         Rect // wanted MCUs
	scans          int  // so far
	lineBuffers    [4][]uint8
}

var jpegDecoders = sync.Pool{New: func() any { return new(jpegDecoder) }}

// jpegSize reads the frame header.
func jpegSize(data []byte) (w, h int, err error) {
	d := jpegDecoders.Get().(*jpegDecoder)
	defer jpegDecoders.Put(d)
	d.reset(data)
	if err := d.parse(true); err != nil {
		return 0, 0, err
	}
	return d.w, d.h, nil
}

// decodeJPEG writes the part of a w x h image.
func decodeJPEG(dst []uint8, w, h int, data []byte, part Rect) error {
	d := jpegDecoders.Get().(*jpegDecoder)
	defer jpegDecoders.Put(d)
	d.reset(data)
	d.part = part
	if err := d.parse(false); err != nil {
		return err
	}
	if d.w != w || d.h != h {
		return fmt.Errorf("two JPEG frame headers disagree on the size: %dx%d and %dx%d", w, h, d.w, d.h)
	}
	if d.progressive {
		d.reconstruct()
	}
	return d.output(dst)
}

func (d *jpegDecoder) reset(data []byte) {
	d.bits = bitReader{data: data}
	d.w, d.h, d.restart, d.eobRun = 0, 0, 0, 0
	d.jfif, d.adobe, d.adobeTransform, d.scans, d.progressive = false, false, 0, 0, false
	d.quantSeen = [4]bool{}
	for class := range d.tables {
		for i := range d.tables[class] {
			d.tables[class][i].defined = false
		}
	}
}

// parse walks the markers, decoding scans as they come, to the end of the image or,
// with headerOnly, to the frame header.
func (d *jpegDecoder) parse(headerOnly bool) error {
	if len(d.bits.data) < 2 || d.bits.data[0] != 0xff || d.bits.data[1] != mSOI {
		return ErrFormat
	}
	d.bits.pos = 2
	for {
		marker, err := d.nextMarker()
		if err != nil {
			return err
		}
		switch {
		case marker == mEOI:
			if d.scans == 0 {
				return errors.New("the JPEG holds no picture: it ends before the first scan")
			}
			return nil
		case marker == mTEM || marker == mSOI || marker >= mRST0 && marker < mRST0+8:
			continue // no parameters
		}
		body, err := d.segment()
		if err != nil {
			return err
		}
		switch marker {
		case mSOF0, mSOF1, mSOF2:
			if d.w != 0 {
				return errors.New("the JPEG has two frame headers")
			}
			d.progressive = marker == mSOF2
			err = d.frame(body)
			if headerOnly || err != nil {
				return err
			}
			// Each MCU takes a bit at least: a bomb's header claims more before memory is taken.
			if d.mcusX*d.mcusY > 8*len(d.bits.data) {
				return ErrTruncated
			}
			d.prepare()
		case mDHT:
			err = d.huffmanTables(body)
		case mDQT:
			err = d.quantTables(body)
		case mDRI:
			if len(body) < 2 {
				return ErrTruncated
			}
			d.restart = int(body[0])<<8 | int(body[1])
		case mSOS:
			var done bool
			done, err = d.startOfScan(body)
			if done {
				return err
			}
		case mAPP0:
			d.jfif = d.jfif || bytes.HasPrefix(body, []byte("JFIF\x00"))
		case mAPP14:
			if len(body) >= 12 && bytes.HasPrefix(body, []byte("Adobe")) {
				d.adobe, d.adobeTransform = true, body[11]
			}
		default:
			if marker >= 0xc3 && marker <= 0xcf {
				return fmt.Errorf("JPEG of a kind that is not supported (marker %#x: lossless, hierarchical or arithmetic coding)", marker)
			}
		}
		if err != nil {
			return err
		}
	}
}

// nextMarker finds the next marker, skipping fill bytes and stray data.
func (d *jpegDecoder) nextMarker() (int, error) {
	b := &d.bits
	for {
		i := bytes.IndexByte(b.data[b.pos:], 0xff)
		if i < 0 || b.pos+i+1 >= len(b.data) {
			return 0, ErrTruncated
		}
		b.pos += i + 1
		if m := b.data[b.pos]; m != 0 && m != 0xff {
			b.pos++
			return int(m), nil
		}
	}
}

// segment returns the parameters of a marker.
func (d *jpegDecoder) segment() ([]byte, error) {
	rest := d.bits.data[d.bits.pos:]
	if len(rest) < 2 {
		return nil, ErrTruncated
	}
	n := int(rest[0])<<8 | int(rest[1])
	if n < 2 {
		return nil, fmt.Errorf("a JPEG segment at byte %d has the length %d", d.bits.pos, n)
	}
	if n > len(rest) {
		return nil, ErrTruncated
	}
	d.bits.pos += n
	return rest[2:n], nil
}

// frame reads the frame header (T.81 B.2.2).
func (d *jpegDecoder) frame(b []byte) error {
	if len(b) < 6 || len(b) < 6+3*int(b[5]) {
		return ErrTruncated
	}
	if b[0] != 8 {
		return fmt.Errorf("JPEG with %d bits per sample; 8 are supported", b[0])
	}
	d.h, d.w = int(b[1])<<8|int(b[2]), int(b[3])<<8|int(b[4])
	if d.w == 0 || d.h == 0 {
		return fmt.Errorf("the JPEG header says %dx%d pixels", d.w, d.h)
	}
	n := int(b[5])
	if n != 1 && n != 3 && n != 4 {
		return fmt.Errorf("JPEG with %d colour components; 1, 3 and 4 are supported", n)
	}
	d.components = sized(d.components, n)
	d.hmax, d.vmax = 1, 1
	for i := range d.components {
		p := b[6+3*i:]
		old := &d.components[i]
		c := jpegComponent{id: int(p[0]), h: int(p[1] >> 4), v: int(p[1] & 15), table: int(p[2]),
			plane: old.plane, coefficients: old.coefficients}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.table > 3 {
			return fmt.Errorf("JPEG component %d has the sampling %dx%d and the quantisation table %d", c.id, c.h, c.v, c.table)
		}
		d.hmax, d.vmax = max(d.hmax, c.h), max(d.vmax, c.v)
		*old = c
	}
	d.mcusX, d.mcusY = ceilDiv(d.w, 8*d.hmax), ceilDiv(d.h, 8*d.vmax)
	for i := range d.components {
		c := &d.components[i]
		if d.hmax%c.h != 0 || d.vmax%c.v != 0 {
			return fmt.Errorf("JPEG with fractional sampling (%dx%d of %dx%d)", c.h, c.v, d.hmax, d.vmax)
		}
		c.w, c.rows = ceilDiv(d.w*c.h, d.hmax), ceilDiv(d.h*c.v, d.vmax)
		c.perLine, c.lines = d.mcusX*c.h, d.mcusY*c.v
	}
	return nil
}

// prepare makes room for the samples and finds which MCUs the part needs: smooth
// upsampling reads one chroma sample, up to two pixels, beyond it.
func (d *jpegDecoder) prepare() {
	const margin = 2
	mw, mh := 8*d.hmax, 8*d.vmax
	d.blocks = Rect{max(d.part.X0-margin, 0) / mw, max(d.part.Y0-margin, 0) / mh,
		min(ceilDiv(d.part.X1+margin, mw), d.mcusX), min(ceilDiv(d.part.Y1+margin, mh), d.mcusY)}
	for i := range d.components {
		c := &d.components[i]
		c.plane = sized(c.plane, 64*c.perLine*c.lines)
		if d.progressive {
			c.coefficients = sized(c.coefficients, 64*c.perLine*c.lines)
			clear(c.coefficients)
		}
	}
}

// quantTables reads DQT (T.81 B.2.4.1).
func (d *jpegDecoder) quantTables(b []byte) error {
	for len(b) > 0 {
		wide, id := b[0]>>4, b[0]&15
		n := 64
		if wide != 0 {
			n = 128
		}
		if id > 3 || len(b) < 1+n {
			return fmt.Errorf("damaged JPEG quantisation table %d", id)
		}
		for k := range 64 {
			if wide != 0 {
				d.quant[id][k] = int32(b[1+2*k])<<8 | int32(b[2+2*k])
			} else {
				d.quant[id][k] = int32(b[1+k])
			}
		}
		d.quantSeen[id] = true
		b = b[1+n:]
	}
	return nil
}

// huffmanTables reads DHT (T.81 B.2.4.2).
func (d *jpegDecoder) huffmanTables(b []byte) error {
	for len(b) > 0 {
		if len(b) < 17 {
			return ErrTruncated
		}
		class, id := b[0]>>4, b[0]&15
		n := 0
		for _, c := range b[1:17] {
			n += int(c)
		}
		if class > 1 || id > 3 || n > 256 || len(b) < 17+n {
			return fmt.Errorf("damaged JPEG Huffman table %d of class %d", id, class)
		}
		if err := d.tables[class][id].define(b[1:17], b[17:17+n]); err != nil {
			return err
		}
		b = b[17+n:]
	}
	return nil
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
