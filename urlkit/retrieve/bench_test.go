package retrieve

import (
	"fmt"
	"testing"
)

func BenchmarkMultiply(b *testing.B) {
	for _, k := range kernels() {
		b.Run(k.name, func(b *testing.B) {
			x, y, c := make([]float32, k.mr*sliceDepth), make([]float32, k.nr*sliceDepth), make([]float32, k.mr*k.nr)
			for b.Loop() {
				k.multiply(sliceDepth, x, y, c, k.nr, true)
			}
			b.ReportMetric(2e-9*float64(k.mr*k.nr*sliceDepth)*float64(b.N)/b.Elapsed().Seconds(), "GFLOP/s")
		})
	}
}

// The command "urlbench bench retrieve" compares with faiss.
func BenchmarkCosine(b *testing.B) {
	for _, size := range []struct{ n, dim int }{{10000, 512}, {10000, 2048}} {
		x := embeddings(1, size.n, size.dim, 0)
		b.Run(fmt.Sprintf("%dx%d", size.n, size.dim), func(b *testing.B) {
			for b.Loop() {
				if _, err := Cosine(x, size.dim, 1, Options{}); err != nil {
					b.Fatal(err)
				}
			}
			flops := float64(size.n) * float64(size.n) * float64(size.dim)
			b.ReportMetric(1e-9*flops*float64(b.N)/b.Elapsed().Seconds(), "GFLOP/s")
		})
	}
}
