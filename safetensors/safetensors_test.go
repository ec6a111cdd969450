package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// file puts a header before a body.
func file(header string, body ...byte) []byte {
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), body...)
}

func TestRoundTrip(t *testing.T) {
	in := []*Tensor{
		FromFloat32s("z", []int{2, 2}, []float32{1, -2, float32(math.Inf(1)), 3e-40}),
		{Name: "a \"quoted\" ü", DType: I64, Shape: []int{}, Data: []byte{255, 255, 255, 255, 255, 255, 255, 255}},
		FromFloat32s("empty", []int{0, 3}, nil),
		{Name: "half", DType: F16, Shape: []int{4}, Data: []byte{0, 0x3c, 1, 0, 0, 0x7c, 0, 0xc0}},
		{Name: "brain", DType: BF16, Shape: []int{2}, Data: []byte{0x80, 0x3f, 0x20, 0xc0}},
	}
	var buf bytes.Buffer
	if err := Write(&buf, in, map[string]string{"format": "pt"}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Metadata["format"] != "pt" || len(f.Names()) != len(in) || f.Has("none") || !f.Has("z") {
		t.Errorf("metadata %v, names %v", f.Metadata, f.Names())
	}
	for _, want := range in {
		got, err := f.Tensor(want.Name)
		if err != nil {
			t.Fatal(err)
		}
		if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("%s: %+v, want %+v", want.Name, got, want)
		}
	}
	for name, want := range map[string][]float64{"half": {1, 0x1p-24, math.Inf(1), -2}, "brain": {1, -2.5}} {
		x, err := f.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := x.Float64s(); !slices.Equal(got, want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if _, err := f.Tensor("none"); err == nil || !strings.Contains(err.Error(), "x.safetensors") || !strings.Contains(err.Error(), "none") {
		t.Errorf("error %v, want one with file and tensor", err)
	}
}

func TestIntegers(t *testing.T) {
	for _, c := range []struct {
		dtype DType
		data  []byte
		want  int64
	}{
		{I64, []byte{254, 255, 255, 255, 255, 255, 255, 255}, -2}, {I32, []byte{254, 255, 255, 255}, -2}, {I16, []byte{254, 255}, -2}, {I8, []byte{254}, -2},
		{U64, []byte{1, 0, 0, 0, 0, 0, 0, 0x40}, 1<<62 + 1}, {U32, []byte{0, 0, 0, 128}, 1 << 31}, {U16, []byte{0, 128}, 1 << 15}, {U8, []byte{254}, 254}, {Bool, []byte{1}, 1},
	} {
		x := &Tensor{Name: "x", DType: c.dtype, Shape: []int{1}, Data: c.data}
		ints, err := x.Int64s()
		if err != nil || ints[0] != c.want || x.Float64s()[0] != float64(c.want) || x.Float32s()[0] != float32(c.want) {
			t.Errorf("%s: %v, %v, %v, want %d", c.dtype, ints, x.Float64s(), err, c.want)
		}
	}
	for _, x := range []*Tensor{FromFloat32s("f", []int{1}, []float32{1}), {Name: "u", DType: U64, Shape: []int{1}, Data: bytes.Repeat([]byte{255}, 8)}} {
		if _, err := x.Int64s(); err == nil || !strings.Contains(err.Error(), x.Name) {
			t.Errorf("integers of %s: error %v", x.DType, err)
		}
	}
}

func TestBadFiles(t *testing.T) {
	entry := `{"w":{"dtype":"%s","shape":%s,"data_offsets":%s}}`
	for _, c := range []struct {
		data []byte
		want string
	}{
		{nil, "too short"},
		{[]byte("1234567"), "too short"},
		{binary.LittleEndian.AppendUint64(nil, 1<<62), "header of 4611686018427387904 bytes"},
		{binary.LittleEndian.AppendUint64(nil, 10), "truncated"},
		{file("[1, 2]"), "header is not JSON"},
		{file(`{"w":7}`), `tensor "w"`},
		{file(fmt.Sprintf(entry, "F7", "[1]", "[0,4]"), 0, 0, 0, 0), `tensor "w": unknown dtype "F7"`},
		{file(fmt.Sprintf(entry, "F32", "[1]", "[0,8]"), 0, 0, 0, 0), `tensor "w": bytes 0 to 8 lie outside`},
		{file(fmt.Sprintf(entry, "F32", "[1]", "[4,0]"), 0, 0, 0, 0), `tensor "w": bytes 4 to 0`},
		{file(fmt.Sprintf(entry, "F32", "[1]", "[-4,0]"), 0, 0, 0, 0), `tensor "w": bytes -4 to 0`},
		{file(fmt.Sprintf(entry, "F32", "[2]", "[0,4]"), 0, 0, 0, 0), `tensor "w": 4 bytes for shape [2]`},
		{file(fmt.Sprintf(entry, "F32", "[-1]", "[0,4]"), 0, 0, 0, 0), `tensor "w": impossible shape`},
		{file(fmt.Sprintf(entry, "F32", "[1000000000,1000000000,1000000000]", "[0,4]"), 0, 0, 0, 0), `tensor "w": impossible shape`},
		{file(fmt.Sprintf(entry, "F32", "[1000000000]", "[0,4000000000]"), 0, 0, 0, 0), `tensor "w": bytes 0 to 4000000000 lie outside`},
		{file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 0, 0, 0), "overlap"},
		{file(`{"__metadata__":{"x":1}}`), "__metadata__"},
	} {
		if _, err := Parse("bad.safetensors", c.data); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "bad.safetensors") {
			t.Errorf("%.60q: error %v, want one with %q and the file's name", c.data, err, c.want)
		}
	}
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%s): %v", path, err)
		}
	}
}

// TestHostileHeaderCostsNoMemory claims a billion elements.
func TestHostileHeaderCostsNoMemory(t *testing.T) {
	data := file(`{"w":{"dtype":"F64","shape":[1000000000],"data_offsets":[0,8000000000]}}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Parse("x", data); err == nil {
		t.Error("no error")
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d bytes were reserved", used)
	}
}

func TestWriteRefuses(t *testing.T) {
	x := FromFloat32s("x", []int{1}, []float32{1})
	for name, list := range map[string][]*Tensor{
		"two of a name": {x, x},
		"wrong length":  {{Name: "y", DType: F32, Shape: []int{2}, Data: []byte{1}}},
		"unknown type":  {{Name: "y", DType: "F7", Shape: []int{1}, Data: []byte{1}}},
	} {
		if err := Write(&bytes.Buffer{}, list, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(file(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 1, 2, 3, 4))
	f.Add(file(`{"__metadata__":{"a":"b"},"w":{"dtype":"BF16","shape":[0,9],"data_offsets":[0,0]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("x", data)
		if err != nil {
			return
		}
		for _, name := range file.Names() {
			x, err := file.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(x.Float64s()) != x.Len() || len(x.Data) != x.Len()*x.DType.Size() {
				t.Fatalf("%s: %d bytes for %v of %s", name, len(x.Data), x.Shape, x.DType)
			}
		}
		// What was read can be written and read again.
		var list []*Tensor
		for _, name := range file.Names() {
			x, _ := file.Tensor(name)
			list = append(list, x)
		}
		var buf bytes.Buffer
		if err := Write(&buf, list, file.Metadata); err != nil {
			t.Fatal(err)
		}
		if _, err := Parse("again", buf.Bytes()); err != nil {
			t.Fatal(err)
		}
	})
}

func ExampleOpen() {
	var buf bytes.Buffer
	if err := Write(&buf, []*Tensor{FromFloat32s("fc.bias", []int{2}, []float32{0.5, -1})}, nil); err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "model.safetensors")
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		panic(err)
	}
	f, err := Open(path)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	w, err := f.Tensor("fc.bias")
	if err != nil {
		panic(err)
	}
	fmt.Println(w.Shape, w.Float32s())
	// Output: [2] [0.5 -1]
}
