package figures

import "urlbench/urlkit/results"

// BenchmarkR1 is Benchmark for the embeddings' quality: R@1 on unseen data, for the
// hyper-parameters with the best validation R@1.
func BenchmarkR1(t results.Table, style ...Style) (*Figure, error) {
	return bars(t, styleOf(style), barSpec{
		name: "benchmark_r1", height: 3.0, metric: testR1, choice: results.ChoiceR1,
		label: "Downstream R@1", floor: 0, line: 0.538, lineText: 0.01, groupBelow: 0.6622, bottom: 0.7156,
	})
}
