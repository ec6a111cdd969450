package pixel

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"io"
	"os"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// DefaultMaxPixels is the largest image that is decoded unless Options say
// otherwise: twice Pillow's MAX_IMAGE_PIXELS, where Pillow refuses too.
const DefaultMaxPixels = 2 * (1 << 30 / 4 / 3)

// What can be wrong with an image file; test for them with errors.Is.
var (
	ErrEmpty     = errors.New("the file is empty (0 bytes): download it again")
	ErrFormat    = errors.New("not an image in a known format (JPEG, PNG, GIF, BMP, TIFF, WebP, PNM)")
	ErrTruncated = errors.New("the image is truncated: the file ends before its pixels do; download it again")
	ErrTooLarge  = errors.New("more pixels than the limit")
)

// Error is a failure to decode a file.
type Error struct {
	Name string // the file
	Err  error
}

func (e *Error) Error() string {
	if e.Name == "" {
		return "pixel: " + e.Err.Error()
	}
	return "pixel: " + e.Name + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Options say how to decode.
type Options struct {
	Name      string // the file's name, for errors
	MaxPixels int    // width times height, checked in the header before decoding; 0 means DefaultMaxPixels
}

// Decode decodes an image completely.
func Decode(data []byte, o Options) (*Image, error) {
	m, err := Open(data, o)
	if err != nil {
		return nil, err
	}
	if err := m.Load(m.Bounds()); err != nil {
		return nil, err
	}
	return m, nil
}

// DecodeFile reads and decodes a file with the default options.
func DecodeFile(path string) (*Image, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Decode(data, Options{Name: path})
}

// Open reads an image's header and leaves its pixels to Image.Load. The data must
// not change while the image is in use.
func Open(data []byte, o Options) (*Image, error) {
	if o.MaxPixels == 0 {
		o.MaxPixels = DefaultMaxPixels
	}
	fail := func(err error) (*Image, error) { return nil, &Error{Name: o.Name, Err: tidy(err)} }
	if len(data) == 0 {
		return fail(ErrEmpty)
	}
	f := sniff(data)
	if f == nil {
		return fail(ErrFormat)
	}
	w, h, err := f.size(data)
	if err != nil {
		return fail(err)
	}
	if w <= 0 || h <= 0 {
		return fail(fmt.Errorf("the %s header says %dx%d pixels", f.name, w, h))
	}
	if int64(w)*int64(h) > int64(o.MaxPixels) {
		return fail(fmt.Errorf("%dx%d is %w of %d; raise the limit if the file can be trusted", w, h, ErrTooLarge, o.MaxPixels))
	}
	return &Image{W: w, H: h, name: o.Name, source: encoded{f, data}}, nil
}

// tidy turns the decoders' various words for missing bytes into ErrTruncated.
func tidy(err error) error {
	var bad png.FormatError
	short := errors.As(err, &bad) && bad == "not enough pixel data"
	if short || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return ErrTruncated
	}
	return err
}

// format is one file format.
type format struct {
	name  string
	magic []string // prefixes, '?' matches any byte
	size  func(data []byte) (w, h int, err error)
	// decode writes at least the pixels of part into dst, an RGB image of w x h.
	decode func(dst []uint8, w, h int, data []byte, part Rect) error
}

var formats = []format{
	{"PNG", []string{"\x89PNG\r\n\x1a\n"}, sizeWith(png.DecodeConfig), decodePNG},
	{"GIF", []string{"GIF87a", "GIF89a"}, sizeWith(gif.DecodeConfig), decodeWith(gif.Decode)},
	{"BMP", []string{"BM????\x00\x00\x00\x00"}, sizeWith(bmp.DecodeConfig), decodeWith(bmp.Decode)},
	{"TIFF", []string{"II*\x00", "MM\x00*"}, sizeWith(tiff.DecodeConfig), decodeWith(tiff.Decode)},
	{"WebP", []string{"RIFF????WEBPVP8"}, sizeWith(webp.DecodeConfig), decodeWith(webp.Decode)},
	{"PNM", []string{"P5", "P6"}, pnmSize, decodePNM},
	{"JPEG", []string{"\xff\xd8\xff"}, jpegSize, decodeJPEG},
}

func sniff(data []byte) *format {
	for i := range formats {
		for _, magic := range formats[i].magic {
			if matches(magic, data) {
				return &formats[i]
			}
		}
	}
	return nil
}

func matches(magic string, data []byte) bool {
	if len(data) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && magic[i] != data[i] {
			return false
		}
	}
	return true
}

func sizeWith(config func(io.Reader) (image.Config, error)) func([]byte) (int, int, error) {
	return func(data []byte) (int, int, error) {
		c, err := config(bytes.NewReader(data))
		return c.Width, c.Height, err
	}
}

func decodeWith(decode func(io.Reader) (image.Image, error)) func([]uint8, int, int, []byte, Rect) error {
	return func(dst []uint8, w, h int, data []byte, _ Rect) error {
		m, err := decode(bytes.NewReader(data))
		if err != nil {
			return err
		}
		return convert(dst, w, h, m, false)
	}
}

// decodePNG decodes a PNG. Its 16-bit grey has a rule of its own, see convert.
func decodePNG(dst []uint8, w, h int, data []byte, _ Rect) error {
	// The header chunk comes first and has been read: its depth and colour type.
	depth, colour := data[24], data[25]
	channels := [7]int{1, 0, 3, 1, 2, 0, 4}[min(colour, 6)]
	// Deflate shrinks to 1/1032 at best: a bomb's header claims more before memory is taken.
	if w*h/8*int(depth)*channels/1032 > len(data) {
		return ErrTruncated
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return convert(dst, w, h, m, depth == 16 && colour == 0)
}

// encoded is a source over a file's bytes.
type encoded struct {
	format *format
	data   []byte
}

func (e encoded) decode(dst []uint8, part Rect) error {
	n := len(dst) / 3
	w, h, err := e.format.size(e.data)
	if err == nil && w*h != n {
		err = fmt.Errorf("the %s header changed while the image was in use", e.format.name)
	}
	if err == nil {
		err = e.format.decode(dst, w, h, e.data, part)
	}
	return tidy(err)
}
