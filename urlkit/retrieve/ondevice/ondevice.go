// Package ondevice is urlkit/retrieve with the products on a GPU, or whatever
// device GoMLX runs.
//
//	hits, err := ondevice.Cosine(ctx, dev.Backend, embeddings, dim, 1)
//
// The answer is retrieve.Cosine's, bit for bit, whatever the device's precision:
// the device proposes a few neighbours more than are asked for, they are ranked
// again by retrieve's own arithmetic, and a row for which that doesn't prove the
// rest to be farther is searched in full on the CPU. On the CPU plugins
// retrieve.Cosine is the faster one: it multiplies each pair once.
package ondevice

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"urlbench/urlkit/retrieve"
)

const (
	// extra neighbours that the device proposes: the more, the fewer rows are open.
	extra = 7
	// queries per step: the device holds queries x rows similarities.
	queries = 1024
)

// Cosine is retrieve.Cosine with the products on a device, which holds the
// normalised rows and 1,024 rows of similarities at a time. It stops between steps
// when ctx is done.
func Cosine(ctx context.Context, backend compute.Backend, x []float32, dim, k int) (*retrieve.Hits, error) {
	if err := retrieve.Check(x, dim, k); err != nil {
		return nil, err
	}
	n := len(x) / dim
	c := min(k+extra, n-1)
	candidates, bound, err := propose(ctx, backend, x, dim, c)
	if err != nil {
		return nil, fmt.Errorf("retrieve on %s: %w", backend.Name(), err)
	}
	if c == n-1 {
		// All other rows are candidates.
		for i := range bound {
			bound[i] = float32(math.Inf(-1))
		}
	}
	hits, _, err := retrieve.Refine(x, dim, k, candidates, bound, retrieve.Options{})
	return hits, err
}

// margin is how much a device's similarity of two unit rows may be off: factors
// rounded to the 10 bits of TF32 and sums of dim terms in float32, on both sides.
func margin(dim int) float64 { return 0x1p-9 + float64(dim)*0x1p-22 }

// propose returns the c best other rows of each row by the device's arithmetic, and
// a bound of the similarity of all others.
func propose(ctx context.Context, backend compute.Backend, x []float32, dim, c int) (candidates []int32, bound []float32, err error) {
	n := len(x) / dim
	block := min(queries, n)
	// The last block is moved back so that every step has one shape.
	step, err := graph.NewExec(backend, func(rows, first *graph.Node) (*graph.Node, *graph.Node) {
		return nearest(rows, first, block, c)
	})
	if err != nil {
		return nil, nil, err
	}
	defer step.Finalize()
	unit, err := normalised(backend, x, dim)
	if err != nil {
		return nil, nil, err
	}
	defer unit.FinalizeAll()
	candidates, bound = make([]int32, n*c), make([]float32, n)
	for at := 0; at < n; at += block {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		first := min(at, n-block)
		out, err := step.Call(unit, int32(first))
		if err != nil {
			return nil, nil, err
		}
		ids, lowest := tensors.MustCopyFlatData[int32](out[0]), tensors.MustCopyFlatData[float32](out[1])
		out[0].FinalizeAll()
		out[1].FinalizeAll()
		copy(candidates[first*c:], ids)
		for i, v := range lowest {
			bound[first+i] = float32(float64(v) + margin(dim))
		}
	}
	return candidates, bound, nil
}

// nearest returns the places [block, c] of the largest products of rows first to
// first+block with all rows [n, dim] but themselves, and the least of these
// products [block].
func nearest(rows, first *graph.Node, block, c int) (ids, lowest *graph.Node) {
	g, n := rows.Graph(), rows.Shape().Dim(0)
	// Gathered, as the Go backend has no DynamicSlice.
	some := graph.Gather(rows, graph.Add(graph.Iota(g, shapes.Make(dtypes.Int32, block, 1), 0), first))
	s := graph.Einsum("ad,bd->ab", some, rows)
	column := graph.Iota(g, shapes.Make(dtypes.Int32, block, n), 1)
	self := graph.Add(graph.Iota(g, shapes.Make(dtypes.Int32, block, n), 0), first)
	minus := graph.Scalar(g, dtypes.Float32, -3) // below every cosine
	s = graph.Where(graph.Equal(column, self), graph.BroadcastToShape(minus, s.Shape()), s)
	// One pass per neighbour: TopK would sort all n columns.
	var places []*graph.Node
	for range c {
		at := graph.ArgMax(s, 1, dtypes.Int32)
		lowest = graph.ReduceMax(s, 1)
		places = append(places, graph.Reshape(at, block, 1))
		taken := graph.Equal(column, graph.BroadcastToShape(graph.Reshape(at, block, 1), column.Shape()))
		s = graph.Where(taken, graph.BroadcastToShape(minus, s.Shape()), s)
	}
	return graph.Concatenate(places, 1), lowest
}

// normalised puts the rows, divided by their lengths, on the device.
func normalised(backend compute.Backend, x []float32, dim int) (*tensors.Tensor, error) {
	t := tensors.FromShape(shapes.Make(dtypes.Float32, len(x)/dim, dim))
	err := t.MutableFlatData(func(flat any) {
		out := flat.([]float32)
		for i := 0; i < len(x); i += dim {
			sum := 0.0
			for _, v := range x[i : i+dim] {
				sum += float64(v) * float64(v)
			}
			length := math.Sqrt(sum)
			if sum == 0 {
				length = 1
			}
			for d, v := range x[i : i+dim] {
				out[i+d] = float32(float64(v) / length)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return t, t.MaterializeOnDevice(backend, false, 0)
}
