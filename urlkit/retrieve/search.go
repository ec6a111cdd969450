package retrieve

import (
	"math"
	"math/bits"
	"sync"
)

// Tile sizes: a block of rows times a slice of dimensions of the left side stays
// in the second-level cache, one panel's slice of the right side in the first.
const (
	tileCols   = 512
	sliceDepth = 256
)

// newSearcher prepares a search on checked input.
func newSearcher(x []float32, n, dim, k int, o Options) *searcher {
	kern := o.kernel
	if kern == nil {
		kern = fastest()
	}
	length := o.length
	if length == nil {
		length = euclidean
	}
	s := &searcher{
		kernel: kern, x: x, n: n, dim: dim, self: o.IncludeSelf,
		length: length,
		rows:   224 / kern.mr * kern.mr,
		found:  newBest(n, k),
		worst:  make([]float32, (n+tileCols-1)/tileCols*tileCols),
		locks:  make([]sync.Mutex, (n+tileCols-1)/tileCols),
	}
	for i := range s.worst {
		// The padding behind the last row never gets above its threshold.
		s.worst[i] = float32(math.Inf(1))
		if i < n {
			s.worst[i] = float32(math.Inf(-1))
		}
	}
	return s
}

// search is Cosine on checked input.
func search(x []float32, n, dim, k int, o Options) *Hits {
	s := newSearcher(x, n, dim, k, o)
	blocks := (n + s.rows - 1) / s.rows
	workers := min(o.workers(), blocks)
	s.packAll(workers)

	// The first blocks have the most columns right of them: they go first, so that
	// the workers end together.
	next := make(chan int, blocks)
	for b := range blocks {
		next <- b
	}
	close(next)
	parallel(workers, func(int) {
		w := s.newWorker(k)
		for b := range next {
			w.block(b*s.rows, min(n, (b+1)*s.rows))
		}
	})
	return &Hits{K: k, Index: s.found.id, Similarity: s.found.sim}
}

func parallel(workers int, work func(worker int)) {
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { work(w) })
	}
	wg.Wait()
}

type searcher struct {
	kernel *kernel
	x      []float32
	n, dim int
	rows   int // of a block
	self   bool
	length func(row []float32) float64
	packed []float32    // all rows in panels of kernel.nr
	found  *best        // rows of tile t under locks[t]
	worst  []float32    // found.worst of each row, +inf behind the last
	locks  []sync.Mutex // one for each tileCols rows
}

// packAll normalises and packs all rows as right sides.
func (s *searcher) packAll(workers int) {
	nr := s.kernel.nr
	panels := (s.n + nr - 1) / nr
	s.packed = make([]float32, panels*nr*s.dim)
	parallel(workers, func(w int) {
		for p := w; p < panels; p += workers {
			s.pack(s.packed[p*nr*s.dim:(p+1)*nr*s.dim], nr, func(r int) int { return p*nr + r })
		}
	})
}

// pack writes width rows, normalised, as one panel: at says which; rows behind the
// last are zeros.
func (s *searcher) pack(panel []float32, width int, at func(r int) int) {
	for r := range width {
		i := at(r)
		if i >= s.n {
			for d := range s.dim {
				panel[d*width+r] = 0
			}
			continue
		}
		row := s.x[i*s.dim : (i+1)*s.dim]
		length := s.length(row)
		for d, v := range row {
			panel[d*width+r] = float32(float64(v) / length)
		}
	}
}

type worker struct {
	*searcher
	left  []float32 // the block's rows in panels of kernel.mr
	tile  []float32 // [rows, tileCols]
	mine  *best     // of the block's rows
	floor []float32 // what the block's rows had reached elsewhere when it began
	mask  []uint16
}

func (s *searcher) newWorker(k int) *worker {
	return &worker{
		searcher: s,
		left:     make([]float32, s.rows*s.dim),
		tile:     make([]float32, s.rows*tileCols),
		mine:     newBest(s.rows, k),
		floor:    make([]float32, s.rows),
		mask:     make([]uint16, tileCols/16),
	}
}

// block compares rows first to last with all rows from first on.
func (w *worker) block(first, last int) {
	mr := w.kernel.mr
	for p := 0; p*mr < last-first; p++ {
		w.pack(w.left[p*mr*w.dim:(p+1)*mr*w.dim], mr, func(r int) int { return first + p*mr + r })
	}
	w.mine.clear()
	w.eachLocked(first, last, func(i int) { w.floor[i-first] = w.found.worst(i) })
	for t := first / tileCols; t*tileCols < w.n; t++ {
		w.multiply(first, last, t)
		w.locks[t].Lock()
		w.scan(first, last, t)
		w.locks[t].Unlock()
	}
	w.eachLocked(first, last, func(i int) {
		for at := (i - first) * w.mine.k; at < (i-first+1)*w.mine.k; at++ {
			if w.mine.id[at] != math.MaxInt32 {
				w.found.offer(i, w.mine.sim[at], w.mine.id[at])
			}
		}
		w.worst[i] = w.found.worst(i)
	})
}

// eachLocked calls f for each row with its tile's lock held.
func (w *worker) eachLocked(first, last int, f func(i int)) {
	for i := first; i < last; {
		t := i / tileCols
		w.locks[t].Lock()
		for ; i < last && i < (t+1)*tileCols; i++ {
			f(i)
		}
		w.locks[t].Unlock()
	}
}

// multiply fills the tile with the similarities of the block's rows and the rows
// of tile t, as far as they lie right of the diagonal.
func (w *worker) multiply(first, last, t int) {
	mr, nr := w.kernel.mr, w.kernel.nr
	from, to := t*tileCols, min((t+1)*tileCols, (w.n+nr-1)/nr*nr)
	if first > from {
		from += (first - from) / nr * nr
	}
	for d := 0; d < w.dim; d += sliceDepth {
		depth := min(sliceDepth, w.dim-d)
		for col := from; col < to; col += nr {
			b := w.packed[col*w.dim+d*nr:]
			for row := 0; row < last-first; row += mr {
				w.kernel.multiply(depth, w.left[row*w.dim+d*mr:], b, w.tile[row*tileCols+col-t*tileCols:], tileCols, d > 0)
			}
		}
	}
}

// scan offers the tile's pairs to both of their rows.
func (w *worker) scan(first, last, t int) {
	base := t * tileCols
	for i := first; i < last; i++ {
		r := i - first
		from := base // columns left of the diagonal belong to another block
		if i >= base {
			from = i
			if !w.self {
				from = i + 1
			}
		}
		if from >= min(base+tileCols, w.n) {
			continue
		}
		row := w.tile[r*tileCols : (r+1)*tileCols]
		floor := max(w.floor[r], w.mine.worst(r))
		g0 := (from - base) / 16
		w.kernel.above(w.mask[g0:], row[16*g0:], w.worst[base+16*g0:base+tileCols], floor)
		for g := g0; g < len(w.mask); g++ {
			for m := w.mask[g]; m != 0; m &= m - 1 {
				j := base + 16*g + bits.TrailingZeros16(m)
				if j < from || j >= w.n {
					continue
				}
				v := row[j-base]
				w.mine.offer(r, v, int32(j))
				if j != i {
					w.found.offer(j, v, int32(i))
					w.worst[j] = w.found.worst(j)
				}
			}
		}
	}
}

// fastest returns the best kernel of this machine.
func fastest() *kernel { return kernels()[0] }
