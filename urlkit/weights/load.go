package weights

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"urlbench/safetensors"
	"urlbench/urlkit/nn"
)

// Entry is a variable that a model wants.
type Entry struct {
	Name  string
	Shape shapes.Shape
}

// Wanted lists a model's entries by building its graph, without compiling it, for
// float32 images of the given dimensions [batch, height, width, 3] in a Store of
// its own. build makes the graph; its variables lie under nn.ModelScope.
func Wanted(backend compute.Backend, build func(scope *model.Scope, images *graph.Node), dims ...int) (entries []Entry, err error) {
	store := model.NewStore()
	g := graph.NewGraph(backend, "wanted")
	defer g.Finalize()
	if err := exceptions.TryCatch[error](func() {
		build(store.RootScope(), graph.Parameter(g, "images", shapes.Make(dtypes.Float32, dims...)))
	}); err != nil {
		return nil, err
	}
	return Entries(store), nil
}

// Entries lists the model's entries of a Store in which its graph was built.
func Entries(store *model.Store) []Entry {
	var entries []Entry
	for v := range store.Scope(nn.ModelScope).IterVariables() {
		if name, ok := strings.CutPrefix(v.Path(), nn.ModelScope+"/"); ok {
			entries = append(entries, Entry{name, v.Shape()})
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries
}

// Options says how far a file may differ from the model. The zero value is strict.
type Options struct {
	// Head is the name of the classifier, "fc" or "head": where it is set, a
	// classifier of another number of classes or another kind keeps its start
	// values, as timm does with pretrained weights.
	Head string
	// Fresh lists prefixes of entries that may be missing and then keep their
	// start values: what a method adds to a pretrained backbone, such as "unc_module.".
	Fresh []string
}

// Pretrained are the options for a backbone's weights in any method's model: the
// classifier may differ, and what the method adds starts afresh.
func Pretrained(head string) Options {
	return Options{Head: head, Fresh: []string{"unc_module.", "classifier."}}
}

// Load puts a file's tensors into the Store, under nn.ModelScope, for all wanted
// entries; floats are converted to the wanted float type, counters of batches that
// old files lack become 0, and a ViT's position embedding is resampled to the
// wanted number of tokens. said lists what was replaced or left as it was, for the
// user to read.
//
// Missing, unexpected and misshapen tensors are named in one error, and the Store
// is then as it was. Beside the Store's values no more than one tensor is held.
func Load(store *model.Store, s *StateDict, wanted []Entry, o Options) (said []string, err error) {
	plan, said, err := match(s, wanted, o)
	if err != nil {
		return nil, err
	}
	for _, p := range plan {
		value := tensors.FromShape(p.want.Shape)
		if p.from != nil {
			convertErr := error(nil)
			if err := value.MutableBytes(func(data []byte) { convertErr = convert(data, p.want.Shape.DType, p.from) }); err != nil {
				return nil, fmt.Errorf("%s: tensor %q: %w", s.Path, p.want.Name, err)
			}
			if convertErr != nil {
				return nil, fmt.Errorf("%s: tensor %q: %w", s.Path, p.want.Name, convertErr)
			}
			s.drop(p.from)
		}
		path := nn.ModelScope + "/" + p.want.Name
		if v := store.GetVariable(path); v != nil {
			err = v.SetValue(value)
		} else {
			_, err = store.CreateVariable(path, value)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: tensor %q: %w", s.Path, p.want.Name, err)
		}
	}
	return said, nil
}

// assignment is one entry of a plan: a nil tensor means zeros.
type assignment struct {
	want Entry
	from *safetensors.Tensor
}

// match compares the file's entries with the wanted ones.
func match(s *StateDict, wanted []Entry, o Options) (plan []assignment, said []string, err error) {
	var missing, unexpected, misshapen []string
	isHead := func(name string) bool { return o.Head != "" && strings.HasPrefix(name, o.Head+".") }
	seen := map[string]bool{}
	for _, w := range wanted {
		seen[w.Name] = true
		t := s.tensors[w.Name]
		switch fresh := slices.ContainsFunc(o.Fresh, func(p string) bool { return strings.HasPrefix(w.Name, p) }); {
		case t == nil && strings.HasSuffix(w.Name, ".num_batches_tracked"):
			plan = append(plan, assignment{w, nil})
			continue
		case t == nil && (fresh || isHead(w.Name)):
			said = append(said, fmt.Sprintf("%s is not in the file and keeps its start values", w.Name))
			continue
		case t == nil:
			missing = append(missing, w.Name)
			continue
		}
		if w.Name == "pos_embed" && !slices.Equal(t.Shape, w.Shape.Dimensions) {
			r, err := resampled(t, w.Shape.Dimensions)
			if err == nil {
				said = append(said, fmt.Sprintf("pos_embed is resampled from %v to %v", t.Shape, w.Shape.Dimensions))
				plan = append(plan, assignment{w, r})
				continue
			}
		}
		switch {
		case !slices.Equal(t.Shape, w.Shape.Dimensions) && isHead(w.Name):
			said = append(said, fmt.Sprintf("%s has shape %v in the file, want %v: it keeps its start values", w.Name, t.Shape, w.Shape.Dimensions))
		case !slices.Equal(t.Shape, w.Shape.Dimensions):
			misshapen = append(misshapen, fmt.Sprintf("%s %v, want %v", w.Name, t.Shape, w.Shape.Dimensions))
		case isFloat(t.DType) != w.Shape.DType.IsFloat():
			misshapen = append(misshapen, fmt.Sprintf("%s is %s, want %s", w.Name, t.DType, w.Shape.DType))
		default:
			plan = append(plan, assignment{w, t})
		}
	}
	for _, name := range s.names {
		switch {
		case seen[name]:
		case isHead(name):
			said = append(said, fmt.Sprintf("%s of the file is not used", name))
		default:
			unexpected = append(unexpected, name)
		}
	}
	if len(missing)+len(unexpected)+len(misshapen) == 0 {
		return plan, said, nil
	}
	var parts []string
	for _, p := range []struct {
		what  string
		names []string
	}{{"missing", missing}, {"unexpected", unexpected}, {"misshapen", misshapen}} {
		if len(p.names) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s: %s", len(p.names), p.what, strings.Join(p.names, ", ")))
		}
	}
	return nil, nil, fmt.Errorf("%s does not fit the model: %s", s.Path, strings.Join(parts, "; "))
}

func isFloat(d safetensors.DType) bool {
	switch d {
	case safetensors.F64, safetensors.F32, safetensors.F16, safetensors.BF16:
		return true
	}
	return false
}

// resampled brings a position embedding [1, tokens, width] to another number of tokens.
func resampled(t *safetensors.Tensor, want []int) (*safetensors.Tensor, error) {
	if len(t.Shape) != 3 || len(want) != 3 || t.Shape[0] != 1 || want[0] != 1 || t.Shape[2] != want[2] {
		return nil, fmt.Errorf("position embedding %v, want %v", t.Shape, want)
	}
	from, to := int(math.Sqrt(float64(t.Shape[1]))+0.5), int(math.Sqrt(float64(want[1]))+0.5)
	if from*from != t.Shape[1] || to*to != want[1] {
		return nil, fmt.Errorf("position embeddings of %d and %d tokens are no squares", t.Shape[1], want[1])
	}
	return safetensors.FromFloat32s(t.Name, want, ResamplePosition(t.Float32s(), from, to, want[2])), nil
}

// convert writes a tensor's elements as dtype, in the machine's little-endian order.
func convert(out []byte, dtype dtypes.DType, t *safetensors.Tensor) error {
	same := map[dtypes.DType]safetensors.DType{dtypes.Float32: safetensors.F32, dtypes.Float64: safetensors.F64, dtypes.Int64: safetensors.I64}
	if same[dtype] == t.DType {
		copy(out, t.Data)
		return nil
	}
	switch dtype {
	case dtypes.Float32:
		for i, v := range t.Float32s() {
			binary.LittleEndian.PutUint32(out[4*i:], math.Float32bits(v))
		}
	case dtypes.Float64:
		for i, v := range t.Float64s() {
			binary.LittleEndian.PutUint64(out[8*i:], math.Float64bits(v))
		}
	case dtypes.Int64:
		ints, err := t.Int64s()
		if err != nil {
			return err
		}
		for i, v := range ints {
			binary.LittleEndian.PutUint64(out[8*i:], uint64(v))
		}
	default:
		return fmt.Errorf("the model wants %s, which no file holds", dtype)
	}
	return nil
}
