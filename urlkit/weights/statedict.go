package weights

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"urlbench/safetensors"
)

// StateDict is the weights of a file, by timm's names.
type StateDict struct {
	// Path is the file.
	Path string
	// Metadata is a safetensors file's, nil for PyTorch's files.
	Metadata map[string]string
	// EMA says that the averaged weights of a checkpoint were taken.
	EMA bool

	names   []string
	tensors map[string]*safetensors.Tensor
	data    []byte // the mapped file
}

// Open reads the names and shapes of a .safetensors, .pth or .pth.tar file, which
// it tells apart by their first bytes, or of a checkpoint's folder. In a checkpoint
// state_dict_ema is preferred to state_dict, as timm does. Close it when its tensors
// aren't needed any more.
func Open(path string) (*StateDict, error) {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		path = filepath.Join(path, "model.safetensors")
	}
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
	if st.Size() == 0 {
		return nil, fmt.Errorf("%s: empty file", path)
	}
	data, err := unix.Mmap(int(fh.Fd()), 0, int(st.Size()), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("%s: map: %w", path, err)
	}
	s, err := Parse(path, data)
	if err != nil {
		unix.Munmap(data)
		return nil, err
	}
	s.data = data
	return s, nil
}

// Parse is Open on a file's bytes; name appears in errors.
func Parse(name string, data []byte) (*StateDict, error) {
	s := &StateDict{Path: name, tensors: map[string]*safetensors.Tensor{}}
	var err error
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		err = s.readZip(data)
	case bytes.HasPrefix(data, legacyMagic):
		err = s.readLegacy(data)
	default:
		err = s.readSafetensors(data)
	}
	if err != nil {
		return nil, err
	}
	return s, s.stripPrefixes()
}

func (s *StateDict) readSafetensors(data []byte) error {
	f, err := safetensors.Parse(s.Path, data)
	if err != nil {
		return err
	}
	s.Metadata = f.Metadata
	for _, name := range f.Names() {
		t, err := f.Tensor(name)
		if err != nil {
			return err
		}
		if err := s.add(t); err != nil {
			return err
		}
	}
	return nil
}

func (s *StateDict) add(t *safetensors.Tensor) error {
	if s.tensors[t.Name] != nil {
		return fmt.Errorf("%s: two tensors are named %q", s.Path, t.Name)
	}
	s.names = append(s.names, t.Name)
	s.tensors[t.Name] = t
	return nil
}

// Close releases the mapped file; its tensors become invalid.
func (s *StateDict) Close() error {
	if s.data == nil {
		return nil
	}
	data := s.data
	s.data = nil
	return unix.Munmap(data)
}

// Names lists the entries in the file's order.
func (s *StateDict) Names() []string { return s.names }

// Has reports whether there is an entry of that name.
func (s *StateDict) Has(name string) bool { return s.tensors[name] != nil }

// Tensor returns an entry, valid until Close, or an error that names file and tensor.
func (s *StateDict) Tensor(name string) (*safetensors.Tensor, error) {
	if t := s.tensors[name]; t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("%s: no tensor %q", s.Path, name)
}

// drop tells the system that an entry's pages may go: they are read again from the
// file if anybody looks.
func (s *StateDict) drop(t *safetensors.Tensor) {
	if s.data == nil || len(t.Data) == 0 {
		return
	}
	start := offsetIn(s.data, t.Data)
	if start < 0 {
		return
	}
	page := os.Getpagesize()
	from, to := start/page*page, min((start+len(t.Data))/page*page, len(s.data))
	if from < to {
		// Advice only: an error changes nothing but the memory in use.
		_ = unix.Madvise(s.data[from:to], unix.MADV_DONTNEED)
	}
}

// Strip removes what wrappers put before timm's names: DataParallel's "module.",
// and "model." of the original's uncertainty wrapper, twice under an ensemble.
func Strip(name string) string {
	name = strings.TrimPrefix(name, "module.")
	for strings.HasPrefix(name, "model.") {
		name = name[len("model."):]
	}
	return name
}

func (s *StateDict) stripPrefixes() error {
	old := s.names
	tensors := s.tensors
	s.names, s.tensors = nil, make(map[string]*safetensors.Tensor, len(old))
	for _, name := range old {
		t := tensors[name]
		t.Name = Strip(name)
		if err := s.add(t); err != nil {
			return err
		}
	}
	return nil
}
