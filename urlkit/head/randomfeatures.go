package head

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/mat"
)

// OrthogonalFeatures draws a [rows, columns] weight, row-major, of orthogonal random
// features (Yu et al., NeurIPS 2016): columns that are orthogonal, in blocks of at
// most rows of them, and as long as those of a Gaussian matrix, i.e. of norms drawn
// from χ(rows).
func OrthogonalFeatures(r *rand.Rand, rows, columns int) []float64 {
	out := make([]float64, rows*columns)
	for start := 0; start < columns; start += rows {
		// The original draws whole square blocks and drops what is too much of the
		// last; its first columns are distributed as a narrower block's.
		n := min(rows, columns-start)
		gaussian := mat.NewDense(rows, n, nil)
		for i := range rows {
			for j := range n {
				gaussian.Set(i, j, r.NormFloat64())
			}
		}
		var qr mat.QR
		qr.Factorize(gaussian)
		var q, upper mat.Dense
		qr.QTo(&q)
		qr.RTo(&upper)
		for j := range n {
			squares := 0.0
			for range rows {
				x := r.NormFloat64()
				squares += x * x
			}
			// With R's diagonal made positive, Q is uniformly distributed.
			length := math.Copysign(math.Sqrt(squares), upper.At(j, j))
			for i := range rows {
				out[i*columns+start+j] = q.At(i, j) * length
			}
		}
	}
	return out
}

// orthogonalFeatures initialises a variable with OrthogonalFeatures. GoMLX has no QR
// decomposition, so they are drawn here, seeded by the Store's stream and the
// variable's name.
func orthogonalFeatures(name string) model.VariableInitializer {
	return func(g *Graph, shape shapes.Shape) *Node {
		r := rand.New(rand.NewPCG(streamSeed(model.GetStore(g)), nameSeed(name)))
		values := OrthogonalFeatures(r, shape.Dim(0), shape.Dim(1))
		return ConvertDType(ConstTensor(g, tensors.FromFlatDataAndDimensions(values, shape.Dimensions...)), shape.DType)
	}
}

func nameSeed(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}

// streamSeed condenses the state of the Store's random stream.
func streamSeed(store *model.Store) uint64 {
	v := store.GetVariable("/" + model.RNGStateVariableName)
	if v == nil || !v.HasValue() {
		if err := store.ResetRNGState(); err != nil {
			panic(err)
		}
		v = store.GetVariable("/" + model.RNGStateVariableName)
	}
	seed := uint64(0)
	for _, word := range tensors.MustCopyFlatData[uint64](v.MustValue()) {
		seed = seed*0x9E3779B97F4A7C15 + word
	}
	return seed
}
