package pixel

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// samples reads testdata/pillow.csv.
func samples(t testing.TB) [][]string {
	t.Helper()
	f, err := os.Open("testdata/pillow.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestPillow holds every format to Pillow's pixels, and JPEG to libjpeg-turbo's,
// bit for bit.
func TestPillow(t *testing.T) {
	for _, row := range samples(t) {
		m, err := DecodeFile(filepath.Join("testdata", row[0]))
		if err != nil {
			t.Error(err)
			continue
		}
		got := []string{row[0], strconv.Itoa(m.W), strconv.Itoa(m.H), strconv.FormatUint(uint64(crc32.ChecksumIEEE(m.Pix)), 10)}
		if strings.Join(got, ",") != strings.Join(row, ",") {
			t.Errorf("got %v, want %v", got, row)
		}
	}
}

// TestParts loads random parts and compares them with the whole image.
func TestParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, row := range samples(t) {
		data := read(t, row[0])
		whole, err := Decode(data, Options{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := Open(data, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if rng.IntN(3) == 0 {
				m, _ = Open(data, Options{})
			}
			x, y := rng.IntN(m.W), rng.IntN(m.H)
			p := Rect{x, y, x + 1 + rng.IntN(m.W-x), y + 1 + rng.IntN(m.H-y)}
			if err := m.Load(p); err != nil {
				t.Fatal(err)
			}
			for y := p.Y0; y < p.Y1; y++ {
				from, to := 3*(y*m.W+p.X0), 3*(y*m.W+p.X1)
				if !bytes.Equal(m.Pix[from:to], whole.Pix[from:to]) {
					t.Fatalf("%s: row %d of the part %v differs", row[0], y, p)
				}
			}
		}
		if err := m.Load(Rect{0, 0, m.W + 1, 1}); err == nil && m.source != nil {
			t.Errorf("%s: a part beyond the image was loaded", row[0])
		}
	}
}

func TestBadFiles(t *testing.T) {
	jpg, pic := read(t, "420.jpg"), read(t, "bits4.png")
	bomb := append([]byte(nil), jpg...)
	i := bytes.Index(bomb, []byte{0xff, mSOF0})
	copy(bomb[i+5:], []byte{0xff, 0xff, 0xff, 0xff})
	liar := append([]byte(nil), jpg...)
	copy(liar[i+5:], []byte{0x20, 0, 0x20, 0}) // 8192x8192 in two kilobytes
	pngLiar := append([]byte(nil), pic...)
	copy(pngLiar[16:], []byte{0, 0, 0x20, 0, 0, 0, 0x20, 0})
	binary.BigEndian.PutUint32(pngLiar[29:], crc32.ChecksumIEEE(pngLiar[12:29]))
	for _, c := range []struct {
		name string
		data []byte
		o    Options
		want error
	}{
		{"zero bytes", nil, Options{}, ErrEmpty},
		{"text", []byte("<html>404 Not Found</html>"), Options{}, ErrFormat},
		{"truncated header", jpg[:100], Options{}, ErrTruncated},
		{"truncated JPEG", jpg[:len(jpg)-200], Options{}, ErrTruncated},
		{"JPEG without its end", jpg[:len(jpg)-2], Options{}, ErrTruncated},
		{"truncated progressive", read(t, "progressive_420.jpg")[:800], Options{}, ErrTruncated},
		{"truncated PNG", pic[:len(pic)-40], Options{}, ErrTruncated},
		{"truncated PPM", read(t, "rgb.ppm")[:50], Options{}, ErrTruncated},
		{"bomb", bomb, Options{}, ErrTooLarge},
		{"more pixels than the JPEG can hold", liar, Options{}, ErrTruncated},
		{"more pixels than the PNG can hold", pngLiar, Options{}, ErrTruncated},
		{"limit", jpg, Options{MaxPixels: 61*47 - 1}, ErrTooLarge},
		{"at the limit", jpg, Options{MaxPixels: 61 * 47}, nil},
	} {
		c.o.Name = "dir/" + c.name
		_, err := Decode(c.data, c.o)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if err != nil && (!strings.Contains(err.Error(), c.o.Name) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: the error does not name the file in one line: %v", c.name, err)
		}
	}
}

// TestScanTrap checks that a file of endless scans is refused.
func TestScanTrap(t *testing.T) {
	jpg := read(t, "420.jpg")
	sos := bytes.Index(jpg, []byte{0xff, mSOS})
	trap := append([]byte(nil), jpg[:sos]...)
	for range maxScans + 1 { // each of one component, and empty
		trap = append(trap, 0xff, mSOS, 0, 8, 1, jpg[sos+5], 0, 0, 63, 0)
	}
	trap = append(trap, 0xff, mEOI)
	if _, err := Decode(trap, Options{}); err == nil || !strings.Contains(err.Error(), "scans") {
		t.Errorf("got %v", err)
	}
}

// TestLoadFailure checks that a file whose header is fine fails when its pixels
// are asked for, whatever part is.
func TestLoadFailure(t *testing.T) {
	jpg := read(t, "420.jpg")
	m, err := Open(jpg[:len(jpg)-100], Options{Name: "half.jpg"})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Load(Rect{0, 0, 1, 1}); !errors.Is(err, ErrTruncated) {
		t.Errorf("got %v, want %v", err, ErrTruncated)
	}
}

// TestCorrupt flips bytes of JPEG files: a decoder may fail or go on, but not crash.
func TestCorrupt(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, row := range samples(t) {
		data := read(t, row[0])
		for range 200 {
			bad := append([]byte(nil), data...)
			for range 1 + rng.IntN(4) {
				bad[rng.IntN(len(bad))] = byte(rng.IntN(256))
			}
			if m, err := Decode(bad, Options{MaxPixels: 1 << 16}); err == nil && len(m.Pix) != 3*m.W*m.H {
				t.Fatalf("%s: %d bytes for %dx%d pixels", row[0], len(m.Pix), m.W, m.H)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, row := range samples(f) {
		f.Add(read(f, row[0]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data, Options{MaxPixels: 1 << 16})
		if err != nil {
			return
		}
		if len(m.Pix) != 3*m.W*m.H || m.W*m.H > 1<<16 {
			t.Fatalf("%d bytes for %dx%d pixels", len(m.Pix), m.W, m.H)
		}
		part, err := Open(data, Options{MaxPixels: 1 << 16})
		if err != nil {
			t.Fatalf("decoded, but not opened: %v", err)
		}
		p := Rect{m.W / 3, m.H / 3, m.W/3 + 1, m.H/3 + 1}
		if err := part.Load(p); err != nil {
			t.Fatalf("decoded, but not in part: %v", err)
		}
	})
}

func TestTransparentPalette(t *testing.T) {
	// Colours under full transparency survive, as alpha is dropped.
	var buf bytes.Buffer
	src := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	copy(src.Pix, []uint8{10, 20, 30, 0, 40, 50, 60, 128})
	if err := png.Encode(&buf, src); err != nil {
		t.Fatal(err)
	}
	m, err := Decode(buf.Bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []uint8{10, 20, 30, 40, 50, 60}; !bytes.Equal(m.Pix, want) {
		t.Errorf("got %v, want %v", m.Pix, want)
	}
}

func TestRelease(t *testing.T) {
	data := read(t, "420.jpg")
	want, err := Decode(data, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // a reused buffer gives the same pixels
		m, err := Decode(data, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(m.Pix, want.Pix) {
			t.Fatal("a reused buffer changes the pixels")
		}
		for i := range m.Pix {
			m.Pix[i] = 7
		}
		m.Release()
		m.Release() // twice does no harm
	}
}

func ExampleDecode() {
	var file bytes.Buffer
	grey := image.NewGray(image.Rect(0, 0, 16, 8))
	if err := jpeg.Encode(&file, grey, nil); err != nil {
		fmt.Println(err)
		return
	}
	img, err := Decode(file.Bytes(), Options{Name: "black.jpg"})
	fmt.Println(img.W, img.H, img.Pix[:3], err)

	_, err = Decode(file.Bytes()[:200], Options{Name: "black.jpg"})
	fmt.Println(err)
	// Output:
	// 16 8 [0 0 0] <nil>
	// pixel: black.jpg: the image is truncated: the file ends before its pixels do; download it again
}
