package retrieve

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// embeddings draws n rows, a share of which copy an earlier row and some of which
// are zero.
func embeddings(seed uint64, n, dim int, duplicates float64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n*dim)
	for i := range n {
		switch {
		case i > 0 && r.Float64() < duplicates:
			copy(x[i*dim:(i+1)*dim], x[r.IntN(i)*dim:])
		case i%97 == 50:
		default:
			for d := range dim {
				x[i*dim+d] = float32(r.NormFloat64())
			}
		}
	}
	return x
}

// normalised repeats the definition in the package comment.
func normalised(x []float32, dim int) []float32 {
	out := make([]float32, len(x))
	for i := range len(x) / dim {
		l := euclidean(x[i*dim : (i+1)*dim])
		for d := i * dim; d < (i+1)*dim; d++ {
			out[d] = float32(float64(x[d]) / l)
		}
	}
	return out
}

// naive sorts all similarities of each row, in float64 unless they are needed to
// the last bit.
func naive(x []float32, dim, k int, self bool) (index []int32, sim []float64) {
	x = normalised(x, dim)
	n := len(x) / dim
	for i := range n {
		ids, row := make([]int32, 0, n), make([]float64, n)
		for j := range n {
			for d := range dim {
				row[j] += float64(x[i*dim+d]) * float64(x[j*dim+d])
			}
			if self || j != i {
				ids = append(ids, int32(j))
			}
		}
		slices.SortStableFunc(ids, func(a, b int32) int { return cmp.Compare(row[b], row[a]) })
		for _, id := range ids[:k] {
			index, sim = append(index, id), append(sim, row[id])
		}
	}
	return index, sim
}

func eachKernel(t *testing.T, test func(t *testing.T, k *kernel)) {
	for _, k := range kernels() {
		t.Run(k.name, func(t *testing.T) { test(t, k) })
	}
}

func TestCosineAgreesWithSorting(t *testing.T) {
	for _, c := range []struct{ n, dim, k int }{{2, 1, 1}, {3, 5, 2}, {17, 3, 4}, {225, 8, 1}, {513, 7, 9}, {530, 300, 3}} {
		x := embeddings(uint64(c.n), c.n, c.dim, 0)
		for _, self := range []bool{false, true} {
			want, sims := naive(x, c.dim, c.k, self)
			for _, kern := range kernels() {
				got, err := Cosine(x, c.dim, c.k, Options{IncludeSelf: self, Workers: 3, kernel: kern})
				if err != nil {
					t.Fatal(err)
				}
				for i, s := range got.Similarity {
					if math.Abs(float64(s)-sims[i]) > 1e-6 {
						t.Fatalf("%s %+v self %v: similarity %d is %v, want %v", kern.name, c, self, i, s, sims[i])
					}
					// Rows of few dimensions tie closely; the index is checked where it is certain.
					clear := (i%c.k == 0 || sims[i-1]-sims[i] > 1e-5) && (i%c.k < c.k-1 && sims[i]-sims[i+1] > 1e-5)
					if clear && got.Index[i] != want[i] {
						t.Fatalf("%s %+v self %v: neighbour %d is row %d, want %d", kern.name, c, self, i, got.Index[i], want[i])
					}
				}
			}
		}
	}
}

// TestTiesGoToTheLowerIndex uses rows on the axes, whose similarities are exact.
func TestTiesGoToTheLowerIndex(t *testing.T) {
	eachKernel(t, func(t *testing.T, kern *kernel) {
		const n, dim = 1200, 6
		r := rand.New(rand.NewPCG(3, 4))
		x := make([]float32, n*dim)
		for i := range n {
			x[i*dim+r.IntN(dim)] = []float32{1, -1, 0.5, 3}[r.IntN(4)]
		}
		for _, self := range []bool{false, true} {
			want, _ := naive(x, dim, 5, self)
			got, err := Cosine(x, dim, 5, Options{IncludeSelf: self, Workers: 2, kernel: kern})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Index, want) {
				t.Fatalf("self %v: tied neighbours are not in the order of the index", self)
			}
		}
	})
}

// TestBitwiseTheSame checks that neither workers nor places nor tiles change a bit.
func TestBitwiseTheSame(t *testing.T) {
	eachKernel(t, func(t *testing.T, kern *kernel) {
		const n, dim = 900, 270
		x := embeddings(5, n, dim, 0.3)
		one, err := Cosine(x, dim, 4, Options{Workers: 1, kernel: kern})
		if err != nil {
			t.Fatal(err)
		}
		four, err := Cosine(x, dim, 4, Options{Workers: 4, kernel: kern})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(one.Index, four.Index) || !slices.Equal(one.Similarity, four.Similarity) {
			t.Error("the number of workers changes the answer")
		}
		perm := rand.New(rand.NewPCG(8, 8)).Perm(n)
		y := make([]float32, len(x))
		for to, from := range perm {
			copy(y[to*dim:(to+1)*dim], x[from*dim:])
		}
		moved, err := Cosine(y, dim, 4, Options{kernel: kern})
		if err != nil {
			t.Fatal(err)
		}
		for to, from := range perm {
			_, got := moved.Row(to)
			_, want := one.Row(from)
			if !slices.Equal(got, want) {
				t.Fatalf("row %d has other similarities at place %d", from, to)
			}
		}
	})
}

// TestSecondHit plays faiss's rule as SecondHit describes it.
func TestSecondHit(t *testing.T) {
	for n := 2; n < 60; n++ {
		const dim = 2
		r := rand.New(rand.NewPCG(uint64(n), 0))
		x := make([]float32, n*dim)
		for i := range n {
			// Few directions, exact similarities: 1, 0, -1 and products of 0.6, 0.8.
			copy(x[i*dim:], [][]float32{{1, 0}, {0, 1}, {-1, 0}, {0, -2}, {0, 0}}[r.IntN(5)])
		}
		unit := normalised(x, dim)
		got, err := SecondHit(x, dim, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			type hit struct {
				s  float32
				id int
			}
			held := []hit{{float32(math.Inf(-1)), -1}, {float32(math.Inf(-1)), -1}}
			for j := range n {
				s := unit[i*dim]*unit[j*dim] + unit[i*dim+1]*unit[j*dim+1]
				out := 0
				if held[1].s < held[0].s || held[1].s == held[0].s && held[1].id < held[0].id {
					out = 1
				}
				if s > held[out].s {
					held[out] = hit{s, j}
				}
			}
			second := held[0]
			if held[0].s > held[1].s || held[0].s == held[1].s && held[0].id > held[1].id {
				second = held[1]
			}
			if int(got[i]) != second.id {
				t.Fatalf("n %d: second hit of row %d is %d, want %d", n, i, got[i], second.id)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		x      []float32
		dim, k int
		want   string
	}{
		{nil, 3, 1, "no embeddings"},
		{[]float32{1, 2, 3}, 0, 1, "dimension 0"},
		{[]float32{1, 2, 3}, 2, 1, "no whole number of rows"},
		{[]float32{1, 2}, 2, 1, "1 neighbours wanted of 1 rows"},
		{[]float32{1, 2, 3, 4}, 2, 2, "2 neighbours wanted of 2 rows"},
		{[]float32{1, 2, 3, nan}, 2, 1, "row 1 holds NaN at column 1"},
		{[]float32{1, 2, inf, 4}, 2, 1, "row 1 holds +Inf at column 0"},
	} {
		if _, err := Cosine(c.x, c.dim, c.k, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Cosine(%v, %d, %d): error %v, want one with %q", c.x, c.dim, c.k, err, c.want)
		}
	}
	if _, err := SecondHit([]float32{1}, 1, Options{}); err == nil {
		t.Error("SecondHit of a single row: no error")
	}
}

func FuzzCosine(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8}, 2, 1)
	f.Add([]byte{}, 0, 0)
	f.Fuzz(func(t *testing.T, data []byte, dim, k int) {
		x := make([]float32, len(data)/2)
		for i := range x {
			x[i] = math.Float32frombits(uint32(data[2*i])<<24 | uint32(data[2*i+1])<<16)
		}
		hits, err := Cosine(x, dim, k, Options{Workers: 2})
		if err != nil {
			return
		}
		n := len(x) / dim
		for i := range n {
			ids, sims := hits.Row(i)
			for at, id := range ids {
				if int(id) == i || id < 0 || int(id) >= n || slices.Contains(ids[:at], id) {
					t.Fatalf("neighbours %v of row %d of %d", ids, i, n)
				}
				if s := sims[at]; !(s >= -1.001 && s <= 1.001) || at > 0 && s > sims[at-1] {
					t.Fatalf("similarities %v of row %d", sims, i)
				}
			}
		}
		if _, err := SecondHit(x, dim, Options{}); err != nil {
			t.Fatal(err)
		}
	})
}

func ExampleCosine() {
	embeddings := []float32{ // three rows of two values
		1, 0,
		3, 1,
		0, 2,
	}
	hits, err := Cosine(embeddings, 2, 1, Options{})
	if err != nil {
		panic(err)
	}
	fmt.Println(hits.Index)
	// Output: [1 0 1]
}
