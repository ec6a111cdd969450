package pixel

import (
	"fmt"
	"sync"
)

// Image is an RGB picture with 8 bits per channel.
//
// Decode returns images whose Pix is complete. Open returns an image that knows
// its size only: Load decodes it, or the part of it that is needed, on demand. One
// goroutine at a time may load.
type Image struct {
	W, H int
	// Pix holds the pixels as red, green, blue, row by row: the pixel at (x, y)
	// begins at 3*(y*W+x). It is nil until Load for an image from Open.
	Pix []uint8

	name   string // the file, for errors
	source source // where the pixels come from; nil once all are there
	loaded Rect   // the part of Pix that holds pixels while source is set
}

// Rect is the part [X0,X1) x [Y0,Y1) of an image.
type Rect struct{ X0, Y0, X1, Y1 int }

func (r Rect) contains(s Rect) bool {
	return r.X0 <= s.X0 && r.Y0 <= s.Y0 && r.X1 >= s.X1 && r.Y1 >= s.Y1
}

// Union returns the smallest Rect that holds r and s.
func (r Rect) Union(s Rect) Rect {
	return Rect{min(r.X0, s.X0), min(r.Y0, s.Y0), max(r.X1, s.X1), max(r.Y1, s.Y1)}
}

// source decodes the pixels of a part of an image into dst, which has the size of
// the whole image.
type source interface {
	decode(dst []uint8, part Rect) error
}

// New returns a black image.
func New(w, h int) *Image {
	return &Image{W: w, H: h, Pix: make([]uint8, 3*w*h)}
}

// Bounds returns the whole image as a Rect.
func (m *Image) Bounds() Rect { return Rect{0, 0, m.W, m.H} }

// Name returns the file the image was opened from, or "".
func (m *Image) Name() string { return m.name }

// Load makes the pixels of a part of the image valid. It does nothing if they are
// there already; otherwise the decoder spends no time on pixels outside the part
// where the format allows (JPEG), and a later Load of another part decodes again.
func (m *Image) Load(part Rect) error {
	if m.source == nil || m.Pix != nil && m.loaded.contains(part) {
		return nil
	}
	if !m.Bounds().contains(part) || part.X0 > part.X1 || part.Y0 > part.Y1 {
		return fmt.Errorf("pixel: %s: the part %v lies outside the image of %dx%d", m.name, part, m.W, m.H)
	}
	if m.Pix == nil {
		m.Pix = newPix(3 * m.W * m.H)
	} else {
		part = part.Union(m.loaded)
	}
	if err := m.source.decode(m.Pix, part); err != nil {
		return &Error{Name: m.name, Err: err}
	}
	m.loaded = part
	if m.loaded == m.Bounds() {
		m.source = nil
	}
	return nil
}

// Release hands the image's buffer back for the next image. Neither the image nor
// its Pix may be used afterwards.
func (m *Image) Release() {
	if m.Pix == nil {
		return
	}
	pix := m.Pix
	m.Pix, m.source = nil, nil
	pool.Put(&pix)
}

var pool sync.Pool // of *[]uint8

// newPix returns a buffer of n bytes whose contents are arbitrary.
func newPix(n int) []uint8 {
	if p, ok := pool.Get().(*[]uint8); ok && cap(*p) >= n {
		return (*p)[:n]
	}
	return make([]uint8, n)
}
