// Package npy reads numpy's array files, .npy and .npz, and writes .npy.
//
//	f, err := npy.Open("embeddings.npy")
//	if err != nil { … }
//	defer f.Close()
//	x, err := f.Tensor("") // x.Shape, x.Float32s()
//
// The arrays of an .npz file have names; the one of an .npy file has none. An
// array comes as a safetensors.Tensor, row-major and little-endian whatever the
// file holds. Headers are checked against the file's size before memory is
// reserved. Pickled objects, strings, complex and structured arrays are refused.
package npy

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"urlbench/safetensors"
)

// maxHeader bounds an array's header; numpy's own limit is 10,000 characters.
const maxHeader = 1 << 20

// File is an open file of arrays.
type File struct {
	name  string
	data  []byte
	unmap bool
	zip   *zip.Reader
	names []string
}

// Open maps an .npy or .npz file, which it tells apart by the first bytes.
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
	if !st.Mode().IsRegular() || st.Size() < 10 {
		return nil, fmt.Errorf("%s: %d bytes, too short for a numpy file", path, st.Size())
	}
	data, err := unix.Mmap(int(fh.Fd()), 0, int(st.Size()), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("%s: map: %w", path, err)
	}
	f, err := Parse(path, data)
	if err != nil {
		unix.Munmap(data)
		return nil, err
	}
	f.unmap = true
	return f, nil
}

// Parse reads a file that is already in memory; name appears in errors.
func Parse(name string, data []byte) (*File, error) {
	f := &File{name: name}
	if bytes.HasPrefix(data, []byte("\x93NUMPY")) {
		f.names = []string{""}
		f.data = data
		return f, nil
	}
	if !bytes.HasPrefix(data, []byte("PK")) {
		return nil, fmt.Errorf("%s: neither an .npy file (it doesn't begin with \\x93NUMPY) nor an .npz archive", name)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f.zip, f.data = z, data
	for _, e := range z.File {
		if key, ok := strings.CutSuffix(e.Name, ".npy"); ok && !slices.Contains(f.names, key) {
			f.names = append(f.names, key)
		}
	}
	return f, nil
}

// Close releases the mapping of an opened file. Tensors of an .npy file become
// invalid.
func (f *File) Close() error {
	if !f.unmap {
		return nil
	}
	f.unmap = false
	return unix.Munmap(f.data)
}

// Names lists the arrays in the file's order; an .npy file's only one is "".
func (f *File) Names() []string { return f.names }

// Tensor returns an array by its name, or an error that names file and array.
func (f *File) Tensor(name string) (*safetensors.Tensor, error) {
	if !slices.Contains(f.names, name) {
		return nil, fmt.Errorf("%s: no array %q, choose one of %s", f.name, name, strings.Join(f.names, ", "))
	}
	if f.zip == nil {
		return parseArray(f.name, name, f.data)
	}
	for _, e := range f.zip.File {
		if e.Name != name+".npy" {
			continue
		}
		r, err := e.Open()
		if err != nil {
			return nil, fmt.Errorf("%s: array %q: %w", f.name, name, err)
		}
		defer r.Close()
		// The buffer grows with what is really there, not with what an entry claims.
		var buf bytes.Buffer
		if _, err := io.Copy(&buf, r); err != nil {
			return nil, fmt.Errorf("%s: array %q: %w", f.name, name, err)
		}
		return parseArray(f.name, name, buf.Bytes())
	}
	return nil, fmt.Errorf("%s: no array %q", f.name, name)
}

var (
	descrRE   = regexp.MustCompile(`'descr'\s*:\s*'([^']*)'`)
	fortranRE = regexp.MustCompile(`'fortran_order'\s*:\s*(True|False)`)
	shapeRE   = regexp.MustCompile(`'shape'\s*:\s*\(([0-9L,\s]*)\)`)
)

// parseArray reads the bytes of one .npy file.
func parseArray(file, name string, data []byte) (*safetensors.Tensor, error) {
	where := file
	if name != "" {
		where = fmt.Sprintf("%s: array %q", file, name)
	}
	fail := func(format string, args ...any) (*safetensors.Tensor, error) {
		return nil, fmt.Errorf("%s: "+format, append([]any{where}, args...)...)
	}
	if len(data) < 12 || !bytes.HasPrefix(data, []byte("\x93NUMPY")) {
		return fail("not an .npy array")
	}
	length, at := int(binary.LittleEndian.Uint16(data[8:])), 10
	switch data[6] {
	case 1:
	case 2, 3:
		length, at = int(binary.LittleEndian.Uint32(data[8:])), 12
	default:
		return fail("format version %d.%d, want 1 to 3", data[6], data[7])
	}
	if length > maxHeader || length > len(data)-at {
		return fail("header of %d bytes in %d: truncated or corrupt", length, len(data))
	}
	header, body := string(data[at:at+length]), data[at+length:]
	descr, fortran, dims := descrRE.FindStringSubmatch(header), fortranRE.FindStringSubmatch(header), shapeRE.FindStringSubmatch(header)
	if descr == nil || fortran == nil || dims == nil {
		return fail("header %.80q is not a plain numeric array's: structured arrays and objects aren't read", strings.TrimSpace(header))
	}
	dtype, big, err := elementType(descr[1])
	if err != nil {
		return fail("%v", err)
	}
	t := &safetensors.Tensor{Name: filepath.Base(where), DType: dtype}
	if name != "" {
		t.Name = name
	}
	elems := int64(1)
	for _, d := range strings.FieldsFunc(dims[1], func(r rune) bool { return r == ',' || r == ' ' || r == 'L' }) {
		n, err := strconv.ParseInt(d, 10, 64)
		if err != nil || n > 0 && elems > math.MaxInt64/8/n {
			return fail("impossible shape (%s)", dims[1])
		}
		elems *= n
		t.Shape = append(t.Shape, int(n))
	}
	if want := elems * int64(dtype.Size()); int64(len(body)) < want {
		return fail("%d bytes for shape %v of %s, want %d: truncated", len(body), t.Shape, descr[1], want)
	}
	t.Data = body[: elems*int64(dtype.Size()) : elems*int64(dtype.Size())]
	if big {
		t.Data = swapped(t.Data, dtype.Size())
	}
	if fortran[1] == "True" && len(t.Shape) > 1 {
		t.Data = rowMajor(t.Data, t.Shape, dtype.Size())
	}
	return t, nil
}

// elementType reads numpy's type string, such as "<f4".
func elementType(descr string) (dtype safetensors.DType, big bool, err error) {
	if descr == "" {
		return "", false, errors.New("element type is missing")
	}
	types := map[string]safetensors.DType{
		"f2": safetensors.F16, "f4": safetensors.F32, "f8": safetensors.F64,
		"i1": safetensors.I8, "i2": safetensors.I16, "i4": safetensors.I32, "i8": safetensors.I64,
		"u1": safetensors.U8, "u2": safetensors.U16, "u4": safetensors.U32, "u8": safetensors.U64,
		"b1": safetensors.Bool,
	}
	dtype, ok := types[strings.TrimLeft(descr, "<>|=")]
	if !ok {
		return "", false, fmt.Errorf("element type %q, want floats, integers or booleans", descr)
	}
	return dtype, descr[0] == '>', nil
}

func swapped(data []byte, size int) []byte {
	out := slices.Clone(data)
	for i := 0; i+size <= len(out); i += size {
		slices.Reverse(out[i : i+size])
	}
	return out
}

// rowMajor reorders an array whose first index runs fastest.
func rowMajor(data []byte, shape []int, size int) []byte {
	out := make([]byte, len(data))
	index := make([]int, len(shape))
	for to := 0; to < len(data); to += size {
		from, stride := 0, size
		for d, i := range index {
			from += i * stride
			stride *= shape[d]
		}
		copy(out[to:to+size], data[from:from+size])
		for d := len(index) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
	return out
}

// WriteFloat32s writes a float32 array in version 1.0 of the format.
func WriteFloat32s(w io.Writer, shape []int, values []float32) error {
	n := 1
	for _, d := range shape {
		n *= d
	}
	if n != len(values) {
		return fmt.Errorf("npy: %d values for shape %v", len(values), shape)
	}
	if err := WriteHeader(w, shape); err != nil {
		return err
	}
	return WriteValues(w, values)
}

// WriteHeader begins a float32 array whose values follow by WriteValues, in as
// many parts as the caller likes.
func WriteHeader(w io.Writer, shape []int) error {
	var dims strings.Builder
	for _, d := range shape {
		fmt.Fprintf(&dims, "%d, ", d)
	}
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", dims.String())
	// Magic, version, length and header fill a multiple of 64 bytes, for alignment.
	header += strings.Repeat(" ", (64-(10+len(header)+1)%64)%64) + "\n"
	prefix := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(header)))
	_, err := w.Write(append(prefix, header...))
	return err
}

// WriteValues writes values of an array after its header.
func WriteValues(w io.Writer, values []float32) error {
	return binary.Write(w, binary.LittleEndian, values)
}
