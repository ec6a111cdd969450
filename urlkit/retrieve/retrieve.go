// Package retrieve finds every row's nearest neighbours among the other rows of
// one set of embeddings, by cosine similarity, exactly.
//
//	hits, err := retrieve.Cosine(embeddings, dim, 1, retrieve.Options{})
//	if err != nil { … }
//	neighbour := hits.Index[i] // of row i; its similarity is hits.Similarity[i]
//
// The n x n similarities are computed in tiles and never held: beside the data
// the search needs one packed, normalised copy of it and the n x k answer. Since
// similarity is symmetric, each pair is multiplied once and offered to both rows.
//
// The similarity of two rows is the float32 inner product of the rows, each
// divided by its length and rounded to float32 (a zero row stays zero), summed in
// the order of the dimensions. It doesn't depend on the rows' places, the tiles or
// the number of workers, so that equal rows tie exactly. Ties go to the lower
// index. Only machines with and without fused multiply-add may differ, in the
// last bit.
package retrieve

import (
	"errors"
	"fmt"
	"math"
	"runtime"
)

// Options changes how a search runs. The zero value is ready to use.
type Options struct {
	// Workers is the number of goroutines, GOMAXPROCS if 0. It doesn't change
	// the answer.
	Workers int
	// IncludeSelf lets a row find itself, as the original's search does.
	IncludeSelf bool

	length func(row []float32) float64 // what rows are divided by; nil is the Euclidean length
	kernel *kernel                     // tests choose one; nil is the fastest that this machine has
}

// Hits are the neighbours of n rows, K each, row after row, from the most similar
// to the least; ties in the order of the index.
type Hits struct {
	K          int
	Index      []int32   // [n, K]
	Similarity []float32 // [n, K]
}

// Row returns the neighbours of row i and their similarities.
func (h *Hits) Row(i int) ([]int32, []float32) {
	return h.Index[i*h.K : (i+1)*h.K], h.Similarity[i*h.K : (i+1)*h.K]
}

// Check tells what is wrong with Cosine's input, nil if nothing is.
func Check(x []float32, dim, k int) error {
	n, err := check(x, dim)
	if err == nil && (k < 1 || k > n-1) {
		err = fmt.Errorf("retrieve: %d neighbours wanted of %d rows, want 1 to %d", k, n, n-1)
	}
	return err
}

// maxRows keeps row numbers within int32.
const maxRows = math.MaxInt32 - 1<<16

// Cosine finds the k nearest other rows of each row of x, n rows of dim values
// each, one after the other. An error says what is wrong with the input: no rows,
// fewer than k others, a length that is no multiple of dim, a NaN or an infinity.
func Cosine(x []float32, dim, k int, o Options) (*Hits, error) {
	n, err := check(x, dim)
	if err != nil {
		return nil, err
	}
	others := n - 1
	if o.IncludeSelf {
		others = n
	}
	if k < 1 || k > others {
		return nil, fmt.Errorf("retrieve: %d neighbours wanted of %d rows, want 1 to %d", k, n, others)
	}
	return search(x, n, dim, k, o), nil
}

// SecondHit returns the neighbour that the original takes for each row: the
// second hit of faiss's IndexFlatIP when the row itself is in the index. Without
// exact ties it is the nearest other row. With ties it can be the row itself,
// because faiss scans the rows upwards, replaces the worse of the two that it
// holds only by a strictly larger value, drops the lower index first where the
// two are equal, and lists equal values with the higher index first.
//
// Errors are those of Cosine; a single row has no second hit.
func SecondHit(x []float32, dim int, o Options) ([]int32, error) {
	n, err := check(x, dim)
	if err != nil {
		return nil, err
	}
	if n < 2 {
		return nil, errors.New("retrieve: the second hit of 1 row, want at least 2 rows")
	}
	o.IncludeSelf, o.length = true, originalLength
	k := min(3, n)
	hits := search(x, n, dim, k, o)
	second := make([]int32, n)
	for i := range second {
		id, sim := hits.Row(i)
		switch {
		case sim[0] == sim[1]:
			// The two lowest of the tied rows were kept, listed in descending order.
			second[i] = id[0]
		case k == 3 && sim[1] == sim[2] && id[0] > id[2]:
			// Both of the tied rows were held when the best one arrived, and the
			// lower one left.
			second[i] = id[2]
		default:
			second[i] = id[1]
		}
	}
	return second, nil
}

// check returns the number of rows, or an error that names the first bad value.
func check(x []float32, dim int) (int, error) {
	if dim < 1 {
		return 0, fmt.Errorf("retrieve: embeddings of dimension %d, want at least 1", dim)
	}
	if len(x) == 0 {
		return 0, errors.New("retrieve: no embeddings")
	}
	if len(x)%dim != 0 {
		return 0, fmt.Errorf("retrieve: %d values are no whole number of rows of %d", len(x), dim)
	}
	if len(x)/dim > maxRows {
		return 0, fmt.Errorf("retrieve: %d rows, want at most %d", len(x)/dim, maxRows)
	}
	for i, v := range x {
		// v-v is 0 for every finite number and NaN for the others.
		if v-v != 0 {
			return 0, fmt.Errorf("retrieve: row %d holds %v at column %d, want finite numbers", i/dim, v, i%dim)
		}
	}
	return len(x) / dim, nil
}

// euclidean returns the length of a row, 1 for a zero row.
func euclidean(row []float32) float64 {
	sum := 0.0
	for _, v := range row {
		sum += float64(v) * float64(v)
	}
	if sum == 0 {
		return 1
	}
	return math.Sqrt(sum)
}

// originalLength is the length that sklearn 1.2's normalize divides by.
func originalLength(row []float32) float64 {
	sum := 0.0
	for _, v := range row {
		sum += float64(v) * float64(v)
	}
	const epsilon = 0x1p-23
	length := float32(math.Sqrt(float64(float32(sum))))
	if length < 10*epsilon {
		return 1
	}
	return float64(length)
}

func (o Options) workers() int {
	if o.Workers > 0 {
		return o.Workers
	}
	return runtime.GOMAXPROCS(0)
}
