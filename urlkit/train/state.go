package train

import (
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/safetensors"
	"urlbench/urlkit/evaluate"
	"urlbench/urlkit/nn"
	"urlbench/urlkit/optim"
	"urlbench/urlkit/run"
	"urlbench/urlkit/uncertainty"
)

// snapshot copies the Store into a checkpoint: the model's entries, and everything
// else. Running sums of gradients are left out between epochs, where they are zero.
func snapshot(store *model.Store, withSums bool) (weights, state []*safetensors.Tensor, err error) {
	for v := range store.IterVariables() {
		if !v.HasValue() {
			continue
		}
		path := v.Path()
		if !withSums && strings.HasPrefix(path, optim.AccumulateScope+"/") {
			continue
		}
		value, err := v.Value()
		if err != nil {
			return nil, nil, err
		}
		name, isWeight := strings.CutPrefix(path, nn.ModelScope+"/")
		t, err := fromTensor(name, value)
		if err != nil {
			return nil, nil, err
		}
		if isWeight {
			weights = append(weights, t)
		} else {
			state = append(state, t)
		}
	}
	byName := func(a, b *safetensors.Tensor) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(weights, byName)
	slices.SortFunc(state, byName)
	return weights, state, nil
}

// fromTensor copies a tensor's bytes from the device.
func fromTensor(name string, value *tensors.Tensor) (*safetensors.Tensor, error) {
	t := &safetensors.Tensor{Name: name, Shape: slices.Clone(value.Shape().Dimensions)}
	le := binary.LittleEndian
	var err error
	copyErr := value.ConstFlatData(func(flat any) {
		switch x := flat.(type) {
		case []float32:
			t.DType, t.Data = safetensors.F32, make([]byte, 4*len(x))
			for i, v := range x {
				le.PutUint32(t.Data[4*i:], math.Float32bits(v))
			}
		case []float64:
			t.DType, t.Data = safetensors.F64, make([]byte, 8*len(x))
			for i, v := range x {
				le.PutUint64(t.Data[8*i:], math.Float64bits(v))
			}
		case []int64:
			t.DType, t.Data = safetensors.I64, make([]byte, 8*len(x))
			for i, v := range x {
				le.PutUint64(t.Data[8*i:], uint64(v))
			}
		case []uint64: // the random state: the format's type is the same bits, signed
			t.DType, t.Data = safetensors.I64, make([]byte, 8*len(x))
			for i, v := range x {
				le.PutUint64(t.Data[8*i:], v)
			}
		case []int32:
			t.DType, t.Data = safetensors.I32, make([]byte, 4*len(x))
			for i, v := range x {
				le.PutUint32(t.Data[4*i:], uint32(v))
			}
		default:
			err = fmt.Errorf("variable %s: no place in a checkpoint for dtype %s", name, value.DType())
		}
	})
	if copyErr != nil {
		err = copyErr
	}
	return t, err
}

// restore fills the Store from a checkpoint's folder.
func restore(m *evaluate.Model, dir string, withOptimizer bool) error {
	for _, file := range []string{"model.safetensors", "state.safetensors"} {
		f, err := safetensors.Open(filepath.Join(dir, file))
		if err != nil {
			return err
		}
		defer f.Close()
		for _, name := range f.Names() {
			t, err := f.Tensor(name)
			if err != nil {
				return err
			}
			path := name
			if file == "model.safetensors" {
				path = nn.ModelScope + "/" + name
			} else if !withOptimizer && (strings.HasPrefix(name, optim.StateScope+"/") || strings.HasPrefix(name, optim.AccumulateScope+"/")) {
				continue
			}
			if err := evaluate.SetVariable(m.Store, path, t); err != nil {
				return fmt.Errorf("%s: %w", filepath.Join(dir, file), err)
			}
		}
	}
	return nil
}

// metadata goes into model.safetensors: what the weights are of, and the pred-net's
// scale, which is no entry of the state_dict.
func metadata(m *evaluate.Model, t *trainer) (map[string]string, error) {
	scale, err := uncertainty.Scaler(m.Store)
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"format": "pt", "model": t.cfg.Model, "loss": t.cfg.Loss, "unc_module": t.cfg.UncModule,
		"num_classes": fmt.Sprint(m.Classes), "unc_scaler": run.FormatFloat(scale), "written_by": "urlbench",
	}, nil
}
