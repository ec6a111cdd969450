package vmf

import (
	"fmt"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/urlkit/nn"
	"urlbench/urlkit/semantics"
)

// BenchmarkSample is 16 draws for each of 128 embeddings and their gradient, as a
// training step of the sampling losses makes them.
func BenchmarkSample(b *testing.B) {
	d := anyDevice(b)
	for _, dim := range []int{512, 2048} {
		b.Run(fmt.Sprintf("%s/D=%d", d.Kind, dim), func(b *testing.B) {
			exec, err := model.NewExec(d.Backend, model.NewStore(), func(scope *model.Scope, g *Graph) *Node {
				mu := Direction(AddScalar(Sin(IotaFull(g, shapes.Make(dtypes.Float32, 128, dim))), .1))
				kappa := AddScalar(MulScalar(IotaFull(g, shapes.Make(dtypes.Float32, 128)), 10), 1)
				z := NewSampler(nn.ScopeRandom{Scope: scope}, semantics.Corrected)(mu, kappa, 16)
				return ReduceAllSum(Gradient(ReduceAllSum(Square(z)), mu)[0])
			})
			if err != nil {
				b.Fatal(err)
			}
			defer exec.Finalize()
			for b.Loop() {
				out, err := exec.Exec()
				if err != nil {
					b.Fatal(err)
				}
				out[0].MustFinalizeAll()
			}
		})
	}
}
