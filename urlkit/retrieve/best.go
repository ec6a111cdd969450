package retrieve

import "math"

// best holds the k best pairs seen so far of a range of rows, best first: the
// larger similarity, or the lower index where two are equal. That order is total,
// so that the result doesn't depend on the order of arrival.
type best struct {
	k   int
	sim []float32 // [rows, k], -inf where none yet
	id  []int32   // [rows, k]
}

func newBest(rows, k int) *best {
	b := &best{k: k, sim: make([]float32, rows*k), id: make([]int32, rows*k)}
	b.clear()
	return b
}

func (b *best) clear() {
	for i := range b.sim {
		b.sim[i] = float32(math.Inf(-1))
		b.id[i] = math.MaxInt32
	}
}

// worst returns the similarity that a newcomer must reach.
func (b *best) worst(row int) float32 { return b.sim[row*b.k+b.k-1] }

// offer puts the pair in its place, if it has one.
func (b *best) offer(row int, s float32, id int32) {
	sim, ids := b.sim[row*b.k:(row+1)*b.k], b.id[row*b.k:(row+1)*b.k]
	at := len(sim) - 1
	if s < sim[at] || s == sim[at] && id > ids[at] {
		return
	}
	for ; at > 0 && (s > sim[at-1] || s == sim[at-1] && id < ids[at-1]); at-- {
		sim[at], ids[at] = sim[at-1], ids[at-1]
	}
	sim[at], ids[at] = s, id
}
