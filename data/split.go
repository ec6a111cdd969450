package data

import "math"

// trainIndices returns which of a class's n images train on, in the original's
// order: about half of them, spread evenly from the first to the last, at
// round-half-even(linspace(0, n-1, n/2)). Validation has the others.
//
// The original passes the numbers through a Python set, so their order is that of
// CPython's hash table: ascending for most n, but not for all (9, 33 to 37, and
// most from 129 on).
func trainIndices(n int) []int {
	k := n / 2
	var set cpythonSet
	set.init(8)
	for i := range k {
		x := 0.0
		if k > 1 {
			x = float64(i) * (float64(n-1) / float64(k-1))
			if i == k-1 {
				x = float64(n - 1)
			}
		}
		set.add(uint64(math.RoundToEven(x)))
	}
	var order []int
	for _, e := range set.table {
		if e > 0 {
			order = append(order, int(e-1))
		}
	}
	return order
}

// validationIndices returns the images that trainIndices leaves, in order.
func validationIndices(n int) []int {
	train := make([]bool, n)
	for _, i := range trainIndices(n) {
		train[i] = true
	}
	var rest []int
	for i, t := range train {
		if !t {
			rest = append(rest, i)
		}
	}
	return rest
}

// cpythonSet places whole numbers as CPython 3.11's set does (Objects/setobject.c):
// the hash of a whole number is itself; linear probing for up to nine places, then
// a jump; the table grows fourfold when three fifths are full.
type cpythonSet struct {
	table []uint64 // number + 1, 0 for an empty place
	used  int
}

func (s *cpythonSet) init(size int) { s.table, s.used = make([]uint64, size), 0 }

func (s *cpythonSet) add(x uint64) {
	if !s.place(x) {
		return
	}
	if mask := len(s.table) - 1; s.used*5 < mask*3 {
		return
	}
	wanted := s.used * 4
	if s.used > 50000 {
		wanted = s.used * 2
	}
	size := 8
	for size <= wanted {
		size *= 2
	}
	old := s.table
	s.init(size)
	for _, e := range old {
		if e > 0 {
			s.place(e - 1)
		}
	}
}

// place reports whether x was new.
func (s *cpythonSet) place(x uint64) bool {
	const probes, shift = 9, 5
	mask := uint64(len(s.table) - 1)
	perturb := x
	for i := x & mask; ; {
		last := i
		if i+probes <= mask {
			last += probes
		}
		for at := i; at <= last; at++ {
			switch s.table[at] {
			case 0:
				s.table[at] = x + 1
				s.used++
				return true
			case x + 1:
				return false
			}
		}
		perturb >>= shift
		i = (i*5 + 1 + perturb) & mask
	}
}
