package method

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/internal/fixture"
	"urlbench/urlkit/nn"
)

// The fixtures store no weights, images or masks: they follow from a formula over
// splitmix64 of the case's seed, the entry's number k and the element's number j
// (README of the models' fixtures, section 1).

func splitmix64(x uint64) uint64 {
	z := x + 0x9E3779B97F4A7C15
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB
	return z ^ (z >> 31)
}

func n24(seed, k, j uint64) uint64 { return splitmix64(seed<<48+k<<32+j) >> 40 }

func symmetric(seed, k, j uint64) float64 { return float64(n24(seed, k, j))/(1<<24)*2 - 1 }

// entry is a tensor of the manifest: a line of the wrapped model's state_dict.
type entry struct {
	K     uint64
	Name  string
	Shape []int
	Kind  string
	Type  string
}

// key is the entry's name without the wrappers' prefixes.
func (e entry) key() string {
	name := e.Name
	for strings.HasPrefix(name, "model.") {
		name = strings.TrimPrefix(name, "model.")
	}
	return name
}

func (e entry) size() int {
	n := 1
	for _, d := range e.Shape {
		n *= d
	}
	return n
}

// values are the entry's elements.
func (e entry) values(t testing.TB, seed uint64, cMult float64) []float64 {
	fanIn := 1
	if len(e.Shape) > 1 {
		fanIn = e.size() / e.Shape[0]
	}
	var offset, scale float64
	switch e.Kind {
	case "weight":
		scale = math.Sqrt(3 / float64(fanIn))
	case "bias", "norm_bias", "running_mean", "pos_embed":
		scale = 0.1
	case "norm_weight", "running_var", "hetxl_temp":
		offset, scale = 1, 0.1
	case "layer_scale":
		offset, scale = 0.5, 0.1
	case "zero_i64", "gp_precision":
	case "hetxl_C":
		scale = cMult * math.Sqrt(3)
	case "gp_rf_weight", "sn_u", "sn_v":
		scale = math.Sqrt(3)
	case "gp_rf_bias":
		offset, scale = math.Pi, math.Pi
	case "gp_covariance":
		scale = 500
	default:
		t.Fatalf("%s: unknown kind %q", e.Name, e.Kind)
	}
	out := make([]float64, e.size())
	if scale == 0 {
		return out
	}
	for j := range out {
		out[j] = offset + scale*symmetric(seed, e.K, uint64(j))
	}
	return out
}

func readManifest(t testing.TB, name string) []entry {
	t.Helper()
	data, err := os.ReadFile(fixture.Path("models/" + name))
	if err != nil {
		t.Fatal(err)
	}
	var entries []entry
	if err := json.Unmarshal(data, &entries); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return entries
}

// image is the case's batch, channels last, times factor.
func image(seed uint64, n, h, w int, factor float64) []float64 {
	out := make([]float64, n*h*w*3)
	for i := range n {
		for c := range 3 {
			for y := range h {
				for x := range w {
					j := ((i*3+c)*h+y)*w + x
					v := symmetric(seed, 65535, uint64(j)) +
						1.5*math.Sin(0.05*float64(i+1)*float64(y+2*x)+float64(c)+float64(i))
					out[((i*h+y)*w+x)*3+c] = factor * v
				}
			}
		}
	}
	return out
}

func labels(seed uint64, n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(n24(seed, 65534, uint64(i)) % 1000)
	}
	return out
}

// recorded stands in for the random numbers of a graph: dropout's masks by the
// formula, in the order of the calls, and HET-XL's noise as it was stored.
type recorded struct {
	t            testing.TB
	seed         *Node // scalar; an input of the graph, or XLA would work out the masks while it compiles
	channelsLast bool  // rank-4 masks are of images
	batch        int   // of one pass; a site's mask of several passes is in their order
	perPass      int   // dropout calls of one pass
	calls        int
	sites        []string // shape and passes of each call, for checking
	noise        []*Node
}

// Uniform implements nn.Random: u with u >= p where the formula keeps the element.
func (r *recorded) Uniform(g *Graph, shape shapes.Shape) *Node {
	site := r.calls
	r.calls++
	dims := shape.Dimensions
	passes := dims[0] / r.batch
	r.sites = append(r.sites, fmt.Sprint(dims))
	torch := append([]int{passes, r.batch}, dims[1:]...)
	isImage := r.channelsLast && len(dims) == 4
	if isImage {
		torch = []int{passes, r.batch, dims[3], dims[1], dims[2]}
	}
	size := 1
	for _, d := range torch[1:] {
		size *= d
	}
	at := shapes.Make(dtypes.Uint64, passes, size)
	k := Add(Mul(Iota(g, at, 0), Const(g, uint64(r.perPass))), Const(g, uint64(16384+site)))
	x := Add(BitwiseShiftLeft(k, Const(g, uint64(32))), Iota(g, at, 1))
	x = Add(x, BitwiseShiftLeft(r.seed, Const(g, uint64(48))))
	u := DivScalar(ConvertDType(ConvertDType(splitmixGraph(x, 40), dtypes.Int64), shape.DType), 1<<24)
	u = Reshape(u, torch...)
	if isImage {
		u = TransposeAllAxes(u, 0, 1, 3, 4, 2)
	}
	return Reshape(u, dims...)
}

// splitmixGraph is splitmix64(x) >> shift.
func splitmixGraph(x *Node, shift uint64) *Node {
	g := x.Graph()
	right := func(x *Node, bits uint64) *Node { return BitwiseShiftRightLogical(x, Const(g, bits)) }
	z := Add(x, Const(g, uint64(0x9E3779B97F4A7C15)))
	z = Mul(BitwiseXor(z, right(z, 30)), Const(g, uint64(0xBF58476D1CE4E5B9)))
	z = Mul(BitwiseXor(z, right(z, 27)), Const(g, uint64(0x94D049BB133111EB)))
	return right(BitwiseXor(z, right(z, 31)), shift)
}

// Normal implements nn.Random: the stored draws, in their order.
func (r *recorded) Normal(_ *Graph, shape shapes.Shape) *Node {
	if len(r.noise) == 0 {
		r.t.Fatalf("a draw of %s, but the case has no more noise", shape)
	}
	next := r.noise[0]
	r.noise = r.noise[1:]
	next.AssertDims(shape.Dimensions...)
	return ConvertDType(next, shape.DType)
}

func tensor(values []float64, dtype dtypes.DType, dims ...int) *tensors.Tensor {
	switch dtype {
	case dtypes.Int64:
		flat := make([]int64, len(values))
		for i, v := range values {
			flat[i] = int64(v)
		}
		return tensors.FromFlatDataAndDimensions(flat, dims...)
	case dtypes.Float32:
		flat := make([]float32, len(values))
		for i, v := range values {
			flat[i] = float32(v)
		}
		return tensors.FromFlatDataAndDimensions(flat, dims...)
	}
	return tensors.FromFlatDataAndDimensions(values, dims...)
}

func float64s(t testing.TB, x *tensors.Tensor) []float64 {
	t.Helper()
	switch x.DType() {
	case dtypes.Float64:
		return tensors.MustCopyFlatData[float64](x)
	case dtypes.Float32:
		var out []float64
		for _, v := range tensors.MustCopyFlatData[float32](x) {
			out = append(out, float64(v))
		}
		return out
	case dtypes.Int64:
		var out []float64
		for _, v := range tensors.MustCopyFlatData[int64](x) {
			out = append(out, float64(v))
		}
		return out
	}
	t.Fatalf("no float64s of %s", x.Shape())
	return nil
}

// fill sets the Store's model to the manifest's weights.
func fill(t testing.TB, store *model.Store, manifest []entry, seed uint64, cMult float64, dtype dtypes.DType) {
	t.Helper()
	for _, e := range manifest {
		as := dtype
		if e.Kind == "zero_i64" {
			as = dtypes.Int64
		}
		value := tensor(e.values(t, seed, cMult), as, e.Shape...)
		path := nn.ModelScope + "/" + e.key()
		if v := store.GetVariable(path); v != nil {
			if err := v.SetValue(value); err != nil {
				t.Fatal(err)
			}
		} else if _, err := store.CreateVariable(path, value); err != nil {
			t.Fatal(err)
		}
	}
}
