package npy

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// array writes an .npy file by hand.
func array(header string, body ...byte) []byte {
	out := []byte("\x93NUMPY\x01\x00")
	out = append(out, byte(len(header)), byte(len(header)>>8))
	return append(append(out, header...), body...)
}

func TestKinds(t *testing.T) {
	for _, c := range []struct {
		descr, order, shape string
		body                []byte
		want                []float64
		dims                []int
	}{
		{"<f4", "False", "(2,)", []byte{0, 0, 128, 63, 0, 0, 0, 192}, []float64{1, -2}, []int{2}},
		{">f4", "False", "(2,)", []byte{63, 128, 0, 0, 192, 0, 0, 0}, []float64{1, -2}, []int{2}},
		{"<f8", "False", "()", []byte{0, 0, 0, 0, 0, 0, 240, 63}, []float64{1}, nil},
		{"<f2", "False", "(1, 2)", []byte{0, 0x3c, 0, 0xc0}, []float64{1, -2}, []int{1, 2}},
		{"|i1", "True", "(2, 3)", []byte{1, 2, 3, 4, 5, 255}, []float64{1, 3, 5, 2, 4, -1}, []int{2, 3}},
		{"|u1", "False", "(2, 3)", []byte{1, 2, 3, 4, 5, 255}, []float64{1, 2, 3, 4, 5, 255}, []int{2, 3}},
		{"<u2", "False", "(1L,)", []byte{1, 255}, []float64{65281}, []int{1}},
		{"<u4", "False", "(1,)", []byte{1, 0, 0, 128}, []float64{2147483649}, []int{1}},
		{"<i8", "False", "(1,)", []byte{255, 255, 255, 255, 255, 255, 255, 255}, []float64{-1}, []int{1}},
		{"|b1", "False", "(2,)", []byte{0, 1}, []float64{0, 1}, []int{2}},
		{"<f4", "False", "(0, 7)", nil, []float64{}, []int{0, 7}},
	} {
		header := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", c.descr, c.order, c.shape)
		f, err := Parse("x.npy", array(header, c.body...))
		if err != nil {
			t.Fatal(err)
		}
		x, err := f.Tensor("")
		if err != nil {
			t.Errorf("%s %s: %v", c.descr, c.shape, err)
			continue
		}
		if got := x.Float64s(); !slices.Equal(got, c.want) || !slices.Equal(x.Shape, c.dims) {
			t.Errorf("%s %s: %v %v, want %v %v", c.descr, c.shape, x.Shape, got, c.dims, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		data []byte
		want string
	}{
		{[]byte("not an array at all"), "neither an .npy file"},
		{[]byte("\x93NUMPY\x09\x00\x00\x00\x00\x00"), "format version 9.0"},
		{[]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), "header of 4294967295 bytes"},
		{array("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"), `element type "|O"`},
		{array("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }"), `element type "<c8"`},
		{array("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"), "not a plain numeric array"},
		{array("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 0, 0, 0, 0), "4 bytes for shape [3]"},
		{array("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4611686018427387904), }"), "impossible shape"},
		{array("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 1000), }"), "truncated"},
	} {
		f, err := Parse("bad.npy", c.data)
		if err == nil {
			_, err = f.Tensor("")
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "bad.npy") {
			t.Errorf("%.60q: error %v, want one with %q and the file's name", c.data, err, c.want)
		}
	}
}

func TestWriteAndOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npy")
	var buf bytes.Buffer
	if err := WriteFloat32s(&buf, []int{2, 2}, []float32{1, 2, 3, 4.5}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x, err := f.Tensor("")
	if err != nil {
		t.Fatal(err)
	}
	if got := x.Float32s(); !slices.Equal(got, []float32{1, 2, 3, 4.5}) || !slices.Equal(x.Shape, []int{2, 2}) {
		t.Errorf("%v %v", x.Shape, got)
	}
}

func TestArchive(t *testing.T) {
	var buf, one bytes.Buffer
	if err := WriteFloat32s(&one, []int{2}, []float32{7, 8}); err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(&buf)
	for _, name := range []string{"a.npy", "b.npy"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(one.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Parse("x.npz", buf.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	x, err := f.Tensor("b")
	if err != nil || !slices.Equal(f.Names(), []string{"a", "b"}) || !slices.Equal(x.Float32s(), []float32{7, 8}) {
		t.Errorf("names %v, array %v, %v", f.Names(), x, err)
	}
	if _, err := f.Tensor("c"); err == nil || !strings.Contains(err.Error(), "a, b") {
		t.Errorf("array c: %v, want an error that lists the names", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(array("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }", 0, 0, 0, 0, 1, 2, 3, 4))
	f.Add([]byte("PK\x05\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("x", data)
		if err != nil {
			return
		}
		for _, name := range file.Names() {
			if x, err := file.Tensor(name); err == nil && len(x.Float64s()) != x.Len() {
				t.Fatalf("%d elements of %d", len(x.Float64s()), x.Len())
			}
		}
	})
}

func Example() {
	var buf bytes.Buffer
	if err := WriteFloat32s(&buf, []int{2, 2}, []float32{1, 2, 3, 4}); err != nil {
		panic(err)
	}
	f, err := Parse("embeddings.npy", buf.Bytes())
	if err != nil {
		panic(err)
	}
	x, err := f.Tensor("")
	if err != nil {
		panic(err)
	}
	fmt.Println(x.Shape, x.Float32s())
	// Output: [2 2] [1 2 3 4]
}
