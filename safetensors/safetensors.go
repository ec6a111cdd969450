// Package safetensors reads and writes the safetensors format: a JSON header of
// tensor names, types, shapes and offsets, then the bytes.
//
//	f, err := safetensors.Open("model.safetensors")
//	if err != nil { … }
//	defer f.Close()
//	w, err := f.Tensor("conv1.weight") // w.Shape, w.Float32s()
//
// A file is mapped, not read: a tensor's bytes come into memory when they are
// looked at. Everything a header claims is checked against the file's size
// before it is believed, so a hostile file costs no more memory than its size.
//
// The package knows neither GoMLX nor any model; go-huggingface's reader needs
// both a hub repository and a backend, which plain metrics must not link.
package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sort"

	"golang.org/x/sys/unix"
)

// maxHeader bounds the JSON header, as the reference implementation does.
const maxHeader = 100 << 20

// DType is a tensor's element type as the format spells it.
type DType string

// The element types that the format defines and this package converts.
const (
	F64  DType = "F64"
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	I64  DType = "I64"
	I32  DType = "I32"
	I16  DType = "I16"
	I8   DType = "I8"
	U64  DType = "U64"
	U32  DType = "U32"
	U16  DType = "U16"
	U8   DType = "U8"
	Bool DType = "BOOL"
)

// Size returns the bytes of one element, 0 for an unknown type.
func (d DType) Size() int {
	switch d {
	case F64, I64, U64:
		return 8
	case F32, I32, U32:
		return 4
	case F16, BF16, I16, U16:
		return 2
	case I8, U8, Bool:
		return 1
	}
	return 0
}

// Tensor is a named array, row-major, little-endian.
type Tensor struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte // len = Len() * DType.Size(); of an open File: valid until Close
}

// Len returns the number of elements: the product of Shape, 1 for a scalar.
func (t *Tensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// File is an open safetensors file.
type File struct {
	// Metadata is the free-form "__metadata__" of the header.
	Metadata map[string]string

	name    string
	data    []byte // the whole file
	unmap   bool
	tensors map[string]*Tensor
	names   []string
}

// Open maps the file and checks its header.
func Open(path string) (*File, error) {
	fh, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer fh.Close()
	st, err := fh.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	if st.Size() < 8 {
		return nil, fmt.Errorf("%s: %d bytes, too short for a safetensors header: truncated or another format", path, st.Size())
	}
	data, err := unix.Mmap(int(fh.Fd()), 0, int(st.Size()), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("%s: map: %w", path, err)
	}
	f, err := parse(path, data)
	if err != nil {
		unix.Munmap(data)
		return nil, err
	}
	f.unmap = true
	return f, nil
}

// Parse checks a file that is already in memory; name appears in errors. Tensors
// share data.
func Parse(name string, data []byte) (*File, error) { return parse(name, data) }

// Close releases the mapping: the Data of every Tensor becomes invalid.
func (f *File) Close() error {
	if !f.unmap {
		return nil
	}
	f.unmap = false
	return unix.Munmap(f.data)
}

// Names lists the tensors in the order of their bytes in the file.
func (f *File) Names() []string { return f.names }

// Has reports whether the file holds a tensor of that name.
func (f *File) Has(name string) bool { return f.tensors[name] != nil }

// Tensor returns the named tensor, or an error that names file and tensor.
func (f *File) Tensor(name string) (*Tensor, error) {
	t := f.tensors[name]
	if t == nil {
		return nil, fmt.Errorf("%s: no tensor %q", f.name, name)
	}
	return t, nil
}

type entry struct {
	DType   DType    `json:"dtype"`
	Shape   []int64  `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

func parse(name string, data []byte) (*File, error) {
	fail := func(format string, args ...any) (*File, error) {
		return nil, fmt.Errorf("%s: "+format, append([]any{name}, args...)...)
	}
	if len(data) < 8 {
		return fail("%d bytes, too short for a safetensors header", len(data))
	}
	n := binary.LittleEndian.Uint64(data)
	if n > maxHeader || n > uint64(len(data)-8) {
		return fail("header of %d bytes in a file of %d: truncated or not a safetensors file", n, len(data))
	}
	header, body := data[8:8+n], data[8+n:]
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(header, &raw); err != nil {
		return fail("header is not JSON: %v", err)
	}
	f := &File{name: name, data: data, tensors: make(map[string]*Tensor, len(raw))}
	starts := make(map[string]int64, len(raw))
	for key, msg := range raw {
		if key == "__metadata__" {
			if err := json.Unmarshal(msg, &f.Metadata); err != nil {
				return fail("__metadata__: %v", err)
			}
			continue
		}
		var e entry
		if err := json.Unmarshal(msg, &e); err != nil {
			return fail("tensor %q: %v", key, err)
		}
		size := e.DType.Size()
		if size == 0 {
			return fail("tensor %q: unknown dtype %q", key, e.DType)
		}
		elems, shape := int64(1), make([]int, len(e.Shape))
		for i, d := range e.Shape {
			if d < 0 || (d > 0 && elems > math.MaxInt64/8/d) {
				return fail("tensor %q: impossible shape %v", key, e.Shape)
			}
			elems *= d
			shape[i] = int(d)
		}
		begin, end := e.Offsets[0], e.Offsets[1]
		if begin < 0 || end < begin || end > int64(len(body)) {
			return fail("tensor %q: bytes %d to %d lie outside the file's %d: truncated or corrupt", key, begin, end, len(body))
		}
		if end-begin != elems*int64(size) {
			return fail("tensor %q: %d bytes for shape %v of %s, want %d", key, end-begin, e.Shape, e.DType, elems*int64(size))
		}
		f.tensors[key] = &Tensor{Name: key, DType: e.DType, Shape: shape, Data: body[begin:end:end]}
		starts[key] = begin
		f.names = append(f.names, key)
	}
	sort.Slice(f.names, func(i, j int) bool {
		a, b := f.names[i], f.names[j]
		if starts[a] != starts[b] {
			return starts[a] < starts[b]
		}
		// Of tensors that start together all but the last must be empty.
		if la, lb := len(f.tensors[a].Data), len(f.tensors[b].Data); la != lb {
			return la < lb
		}
		return a < b
	})
	for i := 1; i < len(f.names); i++ {
		prev := f.names[i-1]
		if starts[f.names[i]] < starts[prev]+int64(len(f.tensors[prev].Data)) {
			return fail("tensors %q and %q overlap", prev, f.names[i])
		}
	}
	return f, nil
}

// Float64s converts the elements of any numeric type.
func (t *Tensor) Float64s() []float64 {
	out := make([]float64, t.Len())
	le := binary.LittleEndian
	for i := range out {
		switch t.DType {
		case F64:
			out[i] = math.Float64frombits(le.Uint64(t.Data[8*i:]))
		case F32:
			out[i] = float64(math.Float32frombits(le.Uint32(t.Data[4*i:])))
		case BF16:
			out[i] = float64(math.Float32frombits(uint32(le.Uint16(t.Data[2*i:])) << 16))
		case F16:
			out[i] = float64(halfToFloat32(le.Uint16(t.Data[2*i:])))
		case I64:
			out[i] = float64(int64(le.Uint64(t.Data[8*i:])))
		case I32:
			out[i] = float64(int32(le.Uint32(t.Data[4*i:])))
		case I16:
			out[i] = float64(int16(le.Uint16(t.Data[2*i:])))
		case I8:
			out[i] = float64(int8(t.Data[i]))
		case U64:
			out[i] = float64(le.Uint64(t.Data[8*i:]))
		case U32:
			out[i] = float64(le.Uint32(t.Data[4*i:]))
		case U16:
			out[i] = float64(le.Uint16(t.Data[2*i:]))
		default: // U8, BOOL
			out[i] = float64(t.Data[i])
		}
	}
	return out
}

// Float32s converts the elements of any numeric type; float64 values are rounded.
func (t *Tensor) Float32s() []float32 {
	out := make([]float32, t.Len())
	if t.DType == F32 {
		for i := range out {
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
		}
		return out
	}
	for i, v := range t.Float64s() {
		out[i] = float32(v)
	}
	return out
}

// Int64s returns the elements of an integer or boolean tensor.
func (t *Tensor) Int64s() ([]int64, error) {
	out := make([]int64, t.Len())
	le := binary.LittleEndian
	for i := range out {
		switch t.DType {
		case I64:
			out[i] = int64(le.Uint64(t.Data[8*i:]))
		case I32:
			out[i] = int64(int32(le.Uint32(t.Data[4*i:])))
		case I16:
			out[i] = int64(int16(le.Uint16(t.Data[2*i:])))
		case I8:
			out[i] = int64(int8(t.Data[i]))
		case U64:
			v := le.Uint64(t.Data[8*i:])
			if v > math.MaxInt64 {
				return nil, fmt.Errorf("tensor %q: element %d is %d, too large for int64", t.Name, i, v)
			}
			out[i] = int64(v)
		case U32:
			out[i] = int64(le.Uint32(t.Data[4*i:]))
		case U16:
			out[i] = int64(le.Uint16(t.Data[2*i:]))
		case U8, Bool:
			out[i] = int64(t.Data[i])
		default:
			return nil, fmt.Errorf("tensor %q is %s, want integers", t.Name, t.DType)
		}
	}
	return out, nil
}

func halfToFloat32(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10)&0x1f, uint32(h)&0x3ff
	switch exp {
	case 0:
		return math.Float32frombits(sign | math.Float32bits(float32(frac)/(1<<24)))
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// FromFloat32s makes an F32 tensor; its length must match the shape.
func FromFloat32s(name string, shape []int, values []float32) *Tensor {
	data := make([]byte, 4*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
	}
	return &Tensor{Name: name, DType: F32, Shape: slices.Clone(shape), Data: data}
}

// Write writes the tensors in the given order, with optional metadata.
func Write(w io.Writer, tensors []*Tensor, metadata map[string]string) error {
	// Built by hand, since encoding/json would sort the keys: readers of the
	// format expect the header in the order of the bytes.
	var header bytes.Buffer
	header.WriteByte('{')
	field := func(key string, value any) error {
		if header.Len() > 1 {
			header.WriteByte(',')
		}
		k, err := json.Marshal(key)
		if err != nil {
			return err
		}
		v, err := json.Marshal(value)
		if err != nil {
			return err
		}
		header.Write(k)
		header.WriteByte(':')
		header.Write(v)
		return nil
	}
	if len(metadata) > 0 {
		if err := field("__metadata__", metadata); err != nil {
			return err
		}
	}
	seen, offset := map[string]bool{}, int64(0)
	for _, t := range tensors {
		if seen[t.Name] {
			return fmt.Errorf("safetensors: two tensors are named %q", t.Name)
		}
		seen[t.Name] = true
		if len(t.Data) != t.Len()*t.DType.Size() {
			return fmt.Errorf("safetensors: tensor %q has %d bytes for shape %v of %s", t.Name, len(t.Data), t.Shape, t.DType)
		}
		shape := make([]int64, len(t.Shape))
		for i, d := range t.Shape {
			shape[i] = int64(d)
		}
		if err := field(t.Name, entry{t.DType, shape, [2]int64{offset, offset + int64(len(t.Data))}}); err != nil {
			return err
		}
		offset += int64(len(t.Data))
	}
	header.WriteByte('}')
	for header.Len()%8 != 0 {
		header.WriteByte(' ')
	}
	var size [8]byte
	binary.LittleEndian.PutUint64(size[:], uint64(header.Len()))
	if _, err := w.Write(size[:]); err != nil {
		return err
	}
	if _, err := w.Write(header.Bytes()); err != nil {
		return err
	}
	for _, t := range tensors {
		if _, err := w.Write(t.Data); err != nil {
			return err
		}
	}
	return nil
}
