package retrieve

import (
	"fmt"
	"math"
	"sync/atomic"
)

// Refine turns a search that was made elsewhere with less care, such as on a
// device in reduced precision, into Cosine's answer. candidates are c other rows
// for each row, [n, c]; bound[i] is at least the similarity of row i with every
// other row that is not among its candidates. Rows whose k-th best candidate
// doesn't exceed the bound are searched in full; Refine returns their number.
func Refine(x []float32, dim, k int, candidates []int32, bound []float32, o Options) (*Hits, int, error) {
	n, err := check(x, dim)
	if err != nil {
		return nil, 0, err
	}
	c := len(candidates) / n
	switch {
	case len(candidates)%n != 0 || c < k || k < 1 || k > n-1:
		return nil, 0, fmt.Errorf("retrieve: %d candidates for %d rows don't give %d neighbours each", len(candidates), n, k)
	case len(bound) != n:
		return nil, 0, fmt.Errorf("retrieve: %d bounds for %d rows", len(bound), n)
	}
	for at, j := range candidates {
		if j < 0 || int(j) >= n || int(j) == at/c {
			return nil, 0, fmt.Errorf("retrieve: candidate %d of row %d, want another one of %d rows", j, at/c, n)
		}
	}
	o.IncludeSelf = false
	s := newSearcher(x, n, dim, k, o)
	var open []int // rows that the candidates don't decide
	undecided := make([]atomic.Bool, n)
	workers := min(o.workers(), n)
	parallel(workers, func(at int) {
		r := s.newRefiner(c)
		for i := at; i < n; i += workers {
			if r.rank(i, candidates[i*c:(i+1)*c]); s.found.worst(i) <= bound[i] {
				undecided[i].Store(true)
			}
		}
	})
	for i := range undecided {
		if undecided[i].Load() {
			open = append(open, i)
		}
	}
	if len(open) > 0 {
		s.searchRows(open, o.workers())
	}
	return &Hits{K: k, Index: s.found.id, Similarity: s.found.sim}, len(open), nil
}

// refiner ranks one row's candidates with the kernel, for its exact bits.
type refiner struct {
	*searcher
	left, right, tile []float32
}

func (s *searcher) newRefiner(c int) *refiner {
	panels := (c + s.kernel.nr - 1) / s.kernel.nr
	return &refiner{s, make([]float32, s.kernel.mr*s.dim), make([]float32, panels*s.kernel.nr*s.dim), make([]float32, s.kernel.mr*panels*s.kernel.nr)}
}

func (r *refiner) rank(i int, candidates []int32) {
	mr, nr := r.kernel.mr, r.kernel.nr
	r.pack(r.left, mr, func(at int) int {
		if at == 0 {
			return i
		}
		return math.MaxInt
	})
	width := len(r.tile) / mr
	for first := 0; first < width; first += nr {
		right := r.right[first*r.dim : (first+nr)*r.dim]
		r.pack(right, nr, func(at int) int {
			if first+at < len(candidates) {
				return int(candidates[first+at])
			}
			return math.MaxInt
		})
		// The same slices of dimensions as in a search, though any give the same bits.
		for d := 0; d < r.dim; d += sliceDepth {
			r.kernel.multiply(min(sliceDepth, r.dim-d), r.left[d*mr:], right[d*nr:], r.tile[first:], width, d > 0)
		}
	}
	for at, j := range candidates {
		r.found.offer(i, r.tile[at], j)
	}
}

// searchRows searches the given rows among all, without the use of symmetry.
func (s *searcher) searchRows(rows []int, workers int) {
	s.packAll(workers)
	blocks := (len(rows) + s.rows - 1) / s.rows
	var next atomic.Int64
	parallel(min(workers, blocks), func(int) {
		w := s.newWorker(s.found.k)
		for b := int(next.Add(1)) - 1; b < blocks; b = int(next.Add(1)) - 1 {
			some := rows[b*s.rows : min(len(rows), (b+1)*s.rows)]
			mr := s.kernel.mr
			for p := 0; p*mr < len(some); p++ {
				w.pack(w.left[p*mr*w.dim:(p+1)*mr*w.dim], mr, func(r int) int {
					if p*mr+r < len(some) {
						return some[p*mr+r]
					}
					return math.MaxInt
				})
			}
			w.mine.clear()
			for t := 0; t*tileCols < s.n; t++ {
				w.multiply(0, len(some), t)
				for r, i := range some {
					for j := t * tileCols; j < min(s.n, (t+1)*tileCols); j++ {
						if j != i {
							w.mine.offer(r, w.tile[r*tileCols+j-t*tileCols], int32(j))
						}
					}
				}
			}
			for r, i := range some {
				k := s.found.k
				copy(s.found.sim[i*k:(i+1)*k], w.mine.sim[r*k:])
				copy(s.found.id[i*k:(i+1)*k], w.mine.id[r*k:])
			}
		}
	})
}
