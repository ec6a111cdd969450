package data

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// array is a numpy array: numbers, or text.
type array struct {
	shape   []int
	numbers []float64 // in C order, nil for text
	text    []string
}

// maxArray bounds the elements of an array, against files that lie about their size.
const maxArray = 1 << 27

// readNPZ reads the arrays of a .npz file (numpy's format, version 1 to 3: a zip
// of .npy files) without pickles.
func readNPZ(file []byte) (map[string]*array, error) {
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, fmt.Errorf("not a .npz file: %w", err)
	}
	arrays := map[string]*array{}
	for _, entry := range z.File {
		name, ok := strings.CutSuffix(entry.Name, ".npy")
		if !ok {
			continue
		}
		r, err := entry.Open()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name, err)
		}
		arrays[name], err = readNPY(r)
		r.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name, err)
		}
	}
	return arrays, nil
}

var (
	npyDescr   = regexp.MustCompile(`'descr':\s*'([<>|=]?)([a-zA-Z?])(\d*)'`)
	npyFortran = regexp.MustCompile(`'fortran_order':\s*(True|False)`)
	npyShape   = regexp.MustCompile(`'shape':\s*\(([\d,\s]*)\)`)
)

// readNPY reads one array of integers, floats, bools or fixed-width text.
func readNPY(r io.Reader) (*array, error) {
	var magic [8]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil || string(magic[:6]) != "\x93NUMPY" {
		return nil, errors.New("not a numpy array")
	}
	width := 2
	if magic[6] >= 2 {
		width = 4
	}
	var size [4]byte
	if _, err := io.ReadFull(r, size[:width]); err != nil {
		return nil, errors.New("the header ends early")
	}
	n := binary.LittleEndian.Uint32(size[:])
	if n > 1<<16 {
		return nil, fmt.Errorf("a header of %d bytes, want at most 65536", n)
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, errors.New("the header ends early")
	}
	descr, fortran, shape := npyDescr.FindSubmatch(header), npyFortran.FindSubmatch(header), npyShape.FindSubmatch(header)
	if descr == nil || fortran == nil || shape == nil {
		return nil, fmt.Errorf("header %.100q, want a plain type, an order and a shape", header)
	}
	a := &array{}
	count := 1
	for _, field := range strings.Split(string(shape[1]), ",") {
		if field = strings.TrimSpace(field); field == "" {
			continue
		}
		d, err := strconv.Atoi(field)
		if err != nil || d > maxArray || count > 0 && d > maxArray/count {
			return nil, fmt.Errorf("shape (%s): more than %d elements", shape[1], maxArray)
		}
		a.shape = append(a.shape, d)
		count *= d
	}
	var order binary.ByteOrder = binary.LittleEndian
	if string(descr[1]) == ">" {
		order = binary.BigEndian
	}
	kind := string(descr[2])
	itemSize := 1
	if len(descr[3]) > 0 {
		s, err := strconv.Atoi(string(descr[3]))
		if err != nil || s > 4096 {
			return nil, fmt.Errorf("type %s%s: too wide", kind, descr[3])
		}
		itemSize = s
	}
	if kind == "U" {
		itemSize *= 4
	}
	if itemSize > 0 && count > math.MaxInt32/itemSize {
		return nil, fmt.Errorf("shape (%s) of type %s%s: more than 2 GiB", shape[1], kind, descr[3])
	}
	// The bytes are read before anything of the claimed size is allocated.
	raw, err := io.ReadAll(io.LimitReader(r, int64(count*itemSize)))
	if err != nil {
		return nil, err
	}
	if len(raw) != count*itemSize {
		return nil, fmt.Errorf("%d bytes of values, want %d: the file is truncated", len(raw), count*itemSize)
	}
	if itemSize == 0 {
		return nil, fmt.Errorf("type %s%s holds nothing", kind, descr[3])
	}
	decode, err := npyNumber(kind, itemSize, order)
	switch {
	case err == nil:
		a.numbers = make([]float64, count)
		for i := range a.numbers {
			a.numbers[i] = decode(raw[i*itemSize:])
		}
	case kind == "U" || kind == "S":
		a.text = make([]string, count)
		for i := range a.text {
			a.text[i] = npyText(raw[i*itemSize:(i+1)*itemSize], kind, order)
		}
	default:
		return nil, err
	}
	if string(fortran[1]) == "True" && len(a.shape) > 1 {
		a.toC()
	}
	return a, nil
}

func npyNumber(kind string, size int, order binary.ByteOrder) (func([]byte) float64, error) {
	switch kind + strconv.Itoa(size) {
	case "b1", "?1", "u1":
		return func(b []byte) float64 { return float64(b[0]) }, nil
	case "i1":
		return func(b []byte) float64 { return float64(int8(b[0])) }, nil
	case "u2":
		return func(b []byte) float64 { return float64(order.Uint16(b)) }, nil
	case "i2":
		return func(b []byte) float64 { return float64(int16(order.Uint16(b))) }, nil
	case "u4":
		return func(b []byte) float64 { return float64(order.Uint32(b)) }, nil
	case "i4":
		return func(b []byte) float64 { return float64(int32(order.Uint32(b))) }, nil
	case "u8":
		return func(b []byte) float64 { return float64(order.Uint64(b)) }, nil
	case "i8":
		return func(b []byte) float64 { return float64(int64(order.Uint64(b))) }, nil
	case "f4":
		return func(b []byte) float64 { return float64(math.Float32frombits(order.Uint32(b))) }, nil
	case "f8":
		return func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) }, nil
	}
	return nil, fmt.Errorf("type %s%d: want integers, floats, bools or text", kind, size)
}

// npyText decodes an item of fixed width, UCS-4 or bytes, without trailing zeros.
func npyText(b []byte, kind string, order binary.ByteOrder) string {
	if kind == "S" {
		return string(bytes.TrimRight(b, "\x00"))
	}
	var s []byte
	for ; len(b) >= 4; b = b[4:] {
		s = utf8.AppendRune(s, rune(order.Uint32(b)))
	}
	return strings.TrimRight(string(s), "\x00")
}

// toC puts an array in Fortran order, where the first axis runs fastest, into C order.
func (a *array) toC() {
	numbers, text := a.numbers, a.text
	a.numbers, a.text = make([]float64, len(numbers)), make([]string, len(text))
	at := make([]int, len(a.shape))
	for i := range max(len(numbers), len(text)) {
		from, stride := 0, 1
		for axis, x := range at {
			from += x * stride
			stride *= a.shape[axis]
		}
		if numbers != nil {
			a.numbers[i] = numbers[from]
		} else {
			a.text[i] = text[from]
		}
		for axis := len(at) - 1; axis >= 0; axis-- {
			if at[axis]++; at[axis] < a.shape[axis] {
				break
			}
			at[axis] = 0
		}
	}
	if numbers == nil {
		a.numbers = nil
	} else {
		a.text = nil
	}
}
