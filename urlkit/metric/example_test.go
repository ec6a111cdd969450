package metric_test

import (
	"fmt"

	"urlbench/urlkit/metric"
)

// Four lines, whatever framework the embeddings come from.
func ExampleURL() {
	embeddings := [][]float32{{1, 0.1}, {1, 0.2}, {0.1, 1}, {0.2, 1}, {0.8, 0.9}} // one row per image
	uncertainties := []float32{0.1, 0.2, 0.1, 0.3, 0.9}                           // larger: less sure
	labels := []int{0, 0, 1, 1, 0}
	report, err := metric.URL(embeddings, uncertainties, labels)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("R@1 %.2f, R-AUROC %.2f\n", report.R1, report.RAUROC)
	// Output: R@1 0.80, R-AUROC 1.00
}

// Constant uncertainties know nothing; where every neighbour is right there is
// nothing to know.
func ExampleRAUROC() {
	fmt.Println(metric.RAUROC([]float64{1, 1, 1}, []bool{true, false, true}))
	fmt.Println(metric.RAUROC([]float64{1, 2, 3}, []bool{true, true, true}))
	// Output:
	// 0.5 <nil>
	// NaN metric: undefined: all 3 rows are right
}

func ExampleDictionary() {
	m, err := metric.Dictionary(metric.Samples{
		Features:    []float32{1, 0, 0.9, 0.1, 0, 1, 0.1, 1, 0.8, 0.9},
		Dim:         2,
		Uncertainty: []float32{0.1, 0.2, 0.1, 0.3, 0.9},
		Labels:      []int{0, 0, 1, 1, 0},
		Soft:        []float64{9, 1, 8, 2, 0, 10, 2, 8, 5, 5}, // votes of ten annotators
		SoftClasses: 2,
	}, metric.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, x := range m.Rounded() {
		fmt.Println(x.Name, x.Value)
	}
	// Output:
	// r1 0.8
	// auroc_correct 1
	// auroc_correct_original 1
	// min_unc 0.10000000149011612
	// max_unc 0.8999999761581421
	// avg_unc 0.3199999928474426
	// rcorr_entropy 0.9474
}
