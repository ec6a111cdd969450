package weights

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unsafe"

	"github.com/nlpodyssey/gopickle/types"

	"urlbench/safetensors"
)

// readZip reads the format of torch.save since 1.6: an archive of a pickle and one
// file per storage.
func (s *StateDict) readZip(data []byte) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return fmt.Errorf("%s: %w: truncated or corrupt", s.Path, err)
	}
	files, prefix := map[string]*zip.File{}, ""
	for _, f := range z.File {
		if base, ok := strings.CutSuffix(f.Name, "data.pkl"); ok && (base == "" || strings.HasSuffix(base, "/")) {
			prefix = base
		}
		files[f.Name] = f
	}
	pkl := files[prefix+"data.pkl"]
	if pkl == nil {
		return fmt.Errorf("%s: an archive without data.pkl, not written by torch.save", s.Path)
	}
	if f := files[prefix+"byteorder"]; f != nil {
		order, err := zipBytes(data, f, 16)
		if err != nil || string(order) != "little" {
			return fmt.Errorf("%s: byte order %q, want little (%v)", s.Path, order, err)
		}
	}
	text, err := zipBytes(data, pkl, maxPickle)
	if err != nil {
		return fmt.Errorf("%s: data.pkl: %w", s.Path, err)
	}
	if _, err := checkPickle(text); err != nil {
		return fmt.Errorf("%s: data.pkl: %w", s.Path, err)
	}
	storages := map[string]*storage{}
	root, err := unpickle(text, storages)
	if err != nil {
		return fmt.Errorf("%s: data.pkl: %w", s.Path, err)
	}
	return s.collect(root, len(data), func(st *storage) error {
		f := files[prefix+"data/"+st.key]
		if f == nil {
			return fmt.Errorf("storage %q is not in the archive", st.key)
		}
		if f.Method != zip.Store {
			return fmt.Errorf("storage %q is compressed, which torch.save never does: save the file again with it", st.key)
		}
		if st.data, err = zipBytes(data, f, int64(len(data))); err != nil {
			return err
		}
		if st.count > len(st.data)/st.dtype.Size() {
			return fmt.Errorf("storage %q has %d bytes, want %d of %s: truncated", st.key, len(st.data), st.count, st.dtype)
		}
		return nil
	})
}

// zipBytes returns the content of an archive's file: a part of data where it is
// stored as it is, as PyTorch does; else unpacked, at most limit bytes.
func zipBytes(data []byte, f *zip.File, limit int64) ([]byte, error) {
	if f.Method == zip.Store {
		start, err := f.DataOffset()
		if err != nil {
			return nil, err
		}
		size := f.UncompressedSize64
		if start < 0 || start > int64(len(data)) || size > uint64(int64(len(data))-start) || int64(size) > limit {
			return nil, fmt.Errorf("%s: %d bytes at offset %d lie outside the file's %d", f.Name, size, start, len(data))
		}
		return data[start : start+int64(size) : start+int64(size)], nil
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var buf bytes.Buffer
	if n, err := io.Copy(&buf, io.LimitReader(r, limit+1)); err != nil || n > limit {
		return nil, fmt.Errorf("%s: more than %d bytes, or damaged (%v)", f.Name, limit, err)
	}
	return buf.Bytes(), nil
}

// legacyMagic begins a file of torch.save before 1.6: a pickle of the number
// 0x1950a86a20f9469cfc6c.
var legacyMagic = []byte("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")

// readLegacy reads that format: pickles of a magic number, the protocol, the
// system's sizes, the object and the storages' keys, then each storage.
func (s *StateDict) readLegacy(data []byte) error {
	at := 0
	storages := map[string]*storage{}
	next := func(what string) (any, error) {
		n, err := checkPickle(data[at:])
		if err == nil {
			var v any
			if v, err = unpickle(data[at:at+n], storages); err == nil {
				at += n
				return v, nil
			}
		}
		return nil, fmt.Errorf("%s: %s: %w", s.Path, what, err)
	}
	if _, err := next("magic number"); err != nil {
		return err
	}
	if v, err := next("protocol"); err != nil {
		return err
	} else if v != 1001 {
		return fmt.Errorf("%s: protocol %v, want 1001", s.Path, v)
	}
	sizes, err := next("system")
	if err != nil {
		return err
	}
	if d, ok := sizes.(*types.Dict); ok {
		if little, ok := d.Get("little_endian"); ok && little != true {
			return fmt.Errorf("%s: big-endian storages, want little-endian ones", s.Path)
		}
	}
	root, err := next("state_dict")
	if err != nil {
		return err
	}
	keys, err := next("storage keys")
	if err != nil {
		return err
	}
	list, ok := keys.(*types.List)
	if !ok {
		return fmt.Errorf("%s: the storages' keys are no list", s.Path)
	}
	for _, key := range *list {
		name, _ := key.(string)
		st := storages[name]
		if st == nil {
			return fmt.Errorf("%s: storage %.40q belongs to no tensor", s.Path, name)
		}
		if len(data)-at < 8 {
			return fmt.Errorf("%s: storage %q is missing: truncated", s.Path, name)
		}
		count := binary.LittleEndian.Uint64(data[at:])
		at += 8
		if size := st.dtype.Size(); count != uint64(st.count) || st.count > (len(data)-at)/size {
			return fmt.Errorf("%s: storage %q has %d elements and %d bytes are left, want %d of %s: truncated or corrupt", s.Path, name, count, len(data)-at, st.count, st.dtype)
		}
		size := st.count * st.dtype.Size()
		st.data = data[at : at+size : at+size]
		at += size
	}
	return s.collect(root, len(data), func(st *storage) error {
		if st.data == nil && st.count > 0 {
			return fmt.Errorf("storage %q is not in the file", st.key)
		}
		return nil
	})
}

// collect finds the state_dict in what was unpickled and takes its tensors; fetch
// sets a storage's data, size is the file's.
func (s *StateDict) collect(root any, size int, fetch func(*storage) error) error {
	entries, err := items(root)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Path, err)
	}
	for _, key := range []string{"state_dict_ema", "model_ema", "state_dict", "model"} {
		if inner, ok := find(entries, key); ok {
			if entries, err = items(inner); err != nil {
				return fmt.Errorf("%s: %s: %w", s.Path, key, err)
			}
			s.EMA = strings.HasSuffix(key, "_ema")
			break
		}
	}
	copied := 0
	for _, e := range entries {
		name, ok := e.key.(string)
		v, isTensor := e.value.(*view)
		if !ok || !isTensor {
			continue
		}
		if v.storage.data == nil {
			if err := fetch(v.storage); err != nil {
				return fmt.Errorf("%s: tensor %q: %w", s.Path, name, err)
			}
		}
		t, err := v.tensor()
		if err != nil {
			return fmt.Errorf("%s: tensor %q: %w", s.Path, name, err)
		}
		t.Name = name
		if offsetIn(v.storage.data, t.Data) < 0 {
			// Many views of one storage must not cost more than the file.
			if copied += len(t.Data); copied > size {
				return fmt.Errorf("%s: tensor %q: the strided tensors are larger than the file", s.Path, name)
			}
		}
		if err := s.add(t); err != nil {
			return err
		}
	}
	if len(s.names) == 0 {
		return fmt.Errorf("%s: no tensors: want a state_dict, or a checkpoint with one under \"state_dict\"", s.Path)
	}
	return nil
}

type item struct{ key, value any }

// items lists a dict's entries in their order.
func items(v any) ([]item, error) {
	var out []item
	switch d := v.(type) {
	case *types.OrderedDict:
		for e := d.List.Front(); e != nil; e = e.Next() {
			entry := e.Value.(*types.OrderedDictEntry)
			out = append(out, item{entry.Key, entry.Value})
		}
	case *types.Dict:
		for _, e := range *d {
			out = append(out, item{e.Key, e.Value})
		}
	default:
		return nil, errors.New("holds no dict: want a state_dict or a checkpoint")
	}
	return out, nil
}

func find(entries []item, key string) (any, bool) {
	for _, e := range entries {
		if e.key == key {
			return e.value, true
		}
	}
	return nil, false
}

// tensor returns the view's elements, row-major: a part of the storage if they lie
// so, else a copy (a checkpoint trained with channels last has strided weights).
func (v *view) tensor() (*safetensors.Tensor, error) {
	size := v.storage.dtype.Size()
	t := &safetensors.Tensor{DType: v.storage.dtype, Shape: v.shape}
	if slices.Contains(v.shape, 0) {
		return t, nil
	}
	n, last, contiguous := 1, v.offset, true
	for i := len(v.shape) - 1; i >= 0; i-- {
		d := v.shape[i]
		contiguous = contiguous && (d == 1 || v.stride[i] == n)
		// Every product stays below the storage's size before it grows again.
		if n *= d; n > v.storage.count {
			return nil, fmt.Errorf("shape %v has more elements than its storage's %d", v.shape, v.storage.count)
		}
		if d > 1 {
			if v.stride[i] > v.storage.count/(d-1) {
				return nil, fmt.Errorf("shape %v, strides %v, leaves its storage of %d", v.shape, v.stride, v.storage.count)
			}
			last += (d - 1) * v.stride[i]
		}
	}
	if v.offset > v.storage.count || last >= v.storage.count {
		return nil, fmt.Errorf("shape %v at offset %d, strides %v, leaves its storage of %d", v.shape, v.offset, v.stride, v.storage.count)
	}
	data := v.storage.data
	if contiguous {
		t.Data = data[v.offset*size : (v.offset+n)*size : (v.offset+n)*size]
		return t, nil
	}
	t.Data = make([]byte, n*size)
	index := make([]int, len(v.shape))
	from := v.offset
	for to := 0; to < len(t.Data); to += size {
		copy(t.Data[to:to+size], data[from*size:(from+1)*size])
		for d := len(index) - 1; d >= 0; d-- {
			from += v.stride[d]
			if index[d]++; index[d] < v.shape[d] {
				break
			}
			from -= v.shape[d] * v.stride[d]
			index[d] = 0
		}
	}
	return t, nil
}

// offsetIn returns where part begins within whole, -1 if it lies elsewhere.
func offsetIn(whole, part []byte) int {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(part))) - uintptr(unsafe.Pointer(unsafe.SliceData(whole)))
	if at >= uintptr(len(whole)) {
		return -1
	}
	return int(at)
}
