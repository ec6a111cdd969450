package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/nlpodyssey/gopickle/pickle"
	"github.com/nlpodyssey/gopickle/types"

	"urlbench/safetensors"
)

// Bounds on a pickle, far above those of any checkpoint's: a ResNet-50's with its
// optimiser has 50,000 instructions in half a megabyte.
const (
	maxPickle       = 64 << 20
	maxInstructions = 1 << 20
	maxMarks        = 1 << 12
	maxLong         = 1 << 10
	maxLine         = 1 << 16
)

// argument says what follows an instruction of a pickle.
type argument byte

const (
	refused argument = iota
	none
	bytes1
	bytes2
	bytes4
	bytes8
	counted1 // a count of 1, 4 or 8 bytes, then as many
	counted4
	counted8
	long4 // as counted4, but arithmetic on it is quadratic
	frame // a count of 8 bytes; what it counts are further instructions
	line
	lines2
)

// instructions lists what follows each instruction (Python's pickletools). What
// isn't here is refused: text identifiers of persistent objects, the extension
// registry, out-of-band buffers.
var instructions = func() (table [256]argument) {
	for kind, codes := range map[argument]string{
		none:     "(.012NQRabd}elo]stu)\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94",
		bytes1:   "Khq\x80",
		bytes2:   "M",
		bytes4:   "Jjr",
		bytes8:   "G",
		counted1: "CU\x8a\x8c",
		counted4: "BTX",
		counted8: "\x8d\x8e\x96",
		long4:    "\x8b",
		frame:    "\x95",
		line:     "FILSVgp",
		lines2:   "ci",
	} {
		for _, code := range []byte(codes) {
			table[code] = kind
		}
	}
	return table
}()

// checkPickle walks the instructions of one pickle without running them and
// returns its length. It refuses what would make a reader reserve memory that the
// data don't fill: gopickle believes counts.
func checkPickle(data []byte) (int, error) {
	at, marks := 0, 0
	need := func(n uint64) error {
		if n > uint64(len(data)-at) {
			return fmt.Errorf("pickle is truncated: %d bytes wanted at offset %d of %d", n, at, len(data))
		}
		return nil
	}
	for range maxInstructions {
		if err := need(1); err != nil {
			return 0, err
		}
		code := data[at]
		at++
		kind := instructions[code]
		width := map[argument]int{bytes1: 1, bytes2: 2, bytes4: 4, bytes8: 8, counted1: 1, counted4: 4, counted8: 8, long4: 4, frame: 8}[kind]
		if err := need(uint64(width)); err != nil {
			return 0, err
		}
		var wide [8]byte
		copy(wide[:], data[at:at+width])
		count := binary.LittleEndian.Uint64(wide[:])
		at += width
		switch kind {
		case refused:
			return 0, fmt.Errorf("pickle instruction %q at offset %d isn't one of a checkpoint's", code, at-1)
		case counted1, counted4, counted8, long4, frame:
			if kind == long4 && count > maxLong {
				return 0, fmt.Errorf("pickle holds a number of %d bytes", count)
			}
			if err := need(count); err != nil {
				return 0, err
			}
			if code == '\x8a' && count == 0 {
				return 0, errors.New("pickle holds a number of 0 bytes")
			}
			if kind != frame {
				at += int(count)
			}
		case line, lines2:
			for range int(kind-line) + 1 {
				n := bytes.IndexByte(data[at:min(len(data), at+maxLine)], '\n')
				if n < 0 {
					return 0, fmt.Errorf("pickle has an endless line at offset %d", at)
				}
				at += n + 1
			}
		}
		switch code {
		case '(':
			marks++
		case 't', 'l', 'd', 'e', 'u', 'o', 'i', '1', '\x90', '\x91':
			marks--
		case '.':
			return at, nil
		}
		if marks > maxMarks || at > maxPickle {
			return 0, fmt.Errorf("pickle of %d bytes with %d open marks is no checkpoint's", at, marks)
		}
	}
	return 0, fmt.Errorf("pickle of more than %d instructions is no checkpoint's", maxInstructions)
}

// storage is the memory that tensors of a PyTorch file share.
type storage struct {
	dtype safetensors.DType
	key   string
	count int
	data  []byte // set once it is found in the file
}

// view is a tensor in a storage, as PyTorch writes it.
type view struct {
	storage *storage
	offset  int
	shape   []int
	stride  []int
}

// unpickle runs a checked pickle. Persistent objects become storages, which are
// collected by their keys.
func unpickle(data []byte, storages map[string]*storage) (result any, err error) {
	defer func() {
		// gopickle indexes and asserts where a well-formed pickle allows it.
		if r := recover(); r != nil {
			err = fmt.Errorf("pickle is malformed: %v", r)
		}
	}()
	u := pickle.NewUnpickler(bytes.NewReader(data))
	u.FindClass = findClass
	u.PersistentLoad = func(id any) (any, error) { return persistent(id, storages) }
	return u.Load()
}

// persistent reads ("storage", type, key, location, count[, view]).
func persistent(id any, storages map[string]*storage) (any, error) {
	t, ok := id.(*types.Tuple)
	if !ok || t.Len() < 5 || t.Get(0) != "storage" {
		return nil, errors.New("pickle refers to something that isn't a storage")
	}
	dtype, ok1 := t.Get(1).(storageType)
	key, ok2 := t.Get(2).(string)
	count, ok3 := t.Get(4).(int)
	if !ok1 || !ok2 || !ok3 || count < 0 {
		return nil, errors.New("pickle refers to a malformed storage, or one of a type that isn't read")
	}
	if t.Len() > 5 && t.Get(5) != nil {
		return nil, errors.New("pickle refers to a view of a storage: written by PyTorch before 0.4, save it again with a newer one")
	}
	if s := storages[key]; s != nil {
		if s.dtype != safetensors.DType(dtype) || s.count != count {
			return nil, fmt.Errorf("pickle describes storage %q in two ways", key)
		}
		return s, nil
	}
	s := &storage{dtype: safetensors.DType(dtype), key: key, count: count}
	storages[key] = s
	return s, nil
}

type storageType safetensors.DType

var storageTypes = map[string]storageType{
	"FloatStorage": storageType(safetensors.F32), "DoubleStorage": storageType(safetensors.F64),
	"HalfStorage": storageType(safetensors.F16), "BFloat16Storage": storageType(safetensors.BF16),
	"LongStorage": storageType(safetensors.I64), "IntStorage": storageType(safetensors.I32),
	"ShortStorage": storageType(safetensors.I16), "CharStorage": storageType(safetensors.I8),
	"ByteStorage": storageType(safetensors.U8), "BoolStorage": storageType(safetensors.Bool),
}

// findClass knows tensors. All else (argparse.Namespace, numpy's scalars, a path, and
// whatever a hostile file names) becomes a placeholder that does nothing.
func findClass(module, name string) (any, error) {
	switch {
	case module == "torch._utils" && (name == "_rebuild_tensor_v2" || name == "_rebuild_tensor"):
		return rebuildTensor{}, nil
	case module == "torch._utils" && name == "_rebuild_parameter":
		return rebuildParameter{}, nil
	case module == "torch" && storageTypes[name] != "":
		return storageTypes[name], nil
	}
	return placeholder{}, nil
}

type rebuildParameter struct{}

func (rebuildParameter) Call(args ...any) (any, error) {
	if len(args) < 1 {
		return nil, errors.New("pickle makes a parameter of nothing")
	}
	return args[0], nil
}

type rebuildTensor struct{}

// Call reads (storage, offset, shape, stride, …).
func (rebuildTensor) Call(args ...any) (any, error) {
	if len(args) < 4 {
		return nil, errors.New("pickle makes a tensor of fewer than 4 values")
	}
	s, ok1 := args[0].(*storage)
	offset, ok2 := args[1].(int)
	shape, ok3 := lengths(args[2])
	stride, ok4 := lengths(args[3])
	if !ok1 || !ok2 || !ok3 || !ok4 || offset < 0 || len(shape) != len(stride) {
		return nil, errors.New("pickle describes a malformed tensor")
	}
	return &view{s, offset, shape, stride}, nil
}

func lengths(v any) ([]int, bool) {
	t, ok := v.(*types.Tuple)
	if !ok || t.Len() > 32 {
		return nil, false
	}
	out := make([]int, t.Len())
	for i := range out {
		n, ok := t.Get(i).(int)
		if !ok || n < 0 || n > math.MaxInt32 {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}

// placeholder stands for a class, a function or an object that isn't a tensor.
type placeholder struct{}

// Call makes another one, whatever the arguments.
func (p placeholder) Call(...any) (any, error) { return p, nil }

// PyNew is Call.
func (p placeholder) PyNew(...any) (any, error) { return p, nil }

// PySetState forgets an object's state.
func (placeholder) PySetState(any) error { return nil }

// Set forgets an item.
func (placeholder) Set(_, _ any) {}

// Append forgets an item.
func (placeholder) Append(any) {}

// Add forgets an item.
func (placeholder) Add(any) {}
