// Package figures draws the figures of the URL benchmark's paper from its results and
// from your own, and a few that teach: each takes a table of results or plain slices.
//
//	fig, err := figures.Benchmark(paper.Results().With(mine)) // mine: results.ReadRuns(...)
//	if err != nil {
//		return err
//	}
//	err = fig.Save("benchmark.png") // or .svg, .pdf; figures.Show(fig) in a notebook
//
// Runs of one's own are marked: hatched bars, marks with a black edge. A table that
// lacks methods or metrics is drawn with what is there, and Figure.Missing says what is
// not. All lists the paper's figures by name; a Style chooses between the paper's
// looks (Faithful) and a mended, colour-blind safe version (Clean).
package figures

import "urlbench/urlkit/results"

// Spec is one of the paper's figures.
type Spec struct {
	Name string
	Draw func(t results.Table, style ...Style) (*Figure, error)
}

func styleOf(style []Style) Style {
	if len(style) == 0 {
		return Faithful
	}
	return style[0]
}

// All lists the paper's figures by name.
func All() []Spec {
	return []Spec{
		{"benchmark", Benchmark},
		{"benchmark_poster", BenchmarkPoster},
		{"benchmark_r1", BenchmarkR1},
		{"human", Human},
		{"human_poster", HumanPoster},
		{"upstream_vs_downstream", Upstream},
		{"upstream_vs_downstream_poster", UpstreamPoster},
		{"overview", Overview},
		{"overview_final_hyperparameters", OverviewFinal},
		{"overview_tradeoff", Tradeoff},
		{"overview_tradeoff_poster", TradeoffPoster},
		{"overview_tradeoff_resnet", TradeoffResNet},
		{"overview_tradeoff_vit", TradeoffViT},
		{"correlations", Correlations},
	}
}
