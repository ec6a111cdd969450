package weights

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/safetensors"
	"urlbench/urlkit/nn"
)

// FromStore copies the model's entries of a Store: a state_dict by timm's names,
// in the order of the names.
func FromStore(store *model.Store) ([]*safetensors.Tensor, error) {
	var out []*safetensors.Tensor
	for v := range store.Scope(nn.ModelScope).IterVariables() {
		name, ok := strings.CutPrefix(v.Path(), nn.ModelScope+"/")
		if !ok {
			continue
		}
		value, err := v.Value()
		if err != nil {
			return nil, fmt.Errorf("weights: %s: %w", name, err)
		}
		t, err := fromTensor(name, value)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b *safetensors.Tensor) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func fromTensor(name string, value *tensors.Tensor) (*safetensors.Tensor, error) {
	t := &safetensors.Tensor{Name: name, Shape: slices.Clone(value.Shape().Dimensions)}
	var typeErr error
	err := value.ConstFlatData(func(flat any) {
		le := binary.LittleEndian
		switch x := flat.(type) {
		case []float32:
			t.DType = safetensors.F32
			for _, v := range x {
				t.Data = le.AppendUint32(t.Data, math.Float32bits(v))
			}
		case []float64:
			t.DType = safetensors.F64
			for _, v := range x {
				t.Data = le.AppendUint64(t.Data, math.Float64bits(v))
			}
		case []int64:
			t.DType = safetensors.I64
			for _, v := range x {
				t.Data = le.AppendUint64(t.Data, uint64(v))
			}
		default:
			typeErr = fmt.Errorf("weights: %s is %s, want floats or int64", name, value.DType())
		}
	})
	if err != nil {
		return nil, err
	}
	return t, typeErr
}

// Export writes a file's weights as safetensors that timm's
// create_model(...).load_state_dict takes strictly: under timm's names, without
// what the benchmark adds to the model (the pred-net, an ensemble's heads), unless
// all is set. left names what was left out. The file appears under its name when
// it is complete.
func Export(s *StateDict, path string, all bool) (left []string, err error) {
	var kept []*safetensors.Tensor
	for _, name := range s.names {
		if !all && (strings.HasPrefix(name, "unc_module.") || strings.HasPrefix(name, "classifier.")) {
			left = append(left, name)
			continue
		}
		kept = append(kept, s.tensors[name])
	}
	if len(kept) == 0 {
		return nil, fmt.Errorf("%s: nothing to export", s.Path)
	}
	metadata := map[string]string{"format": "pt"}
	for k, v := range s.Metadata {
		metadata[k] = v
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-"+filepath.Base(path)+"-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(tmp.Name())
	if err := writeAndClose(tmp, kept, metadata); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return left, os.Rename(tmp.Name(), path)
}

func writeAndClose(f *os.File, kept []*safetensors.Tensor, metadata map[string]string) error {
	err := safetensors.Write(io.Writer(f), kept, metadata)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
