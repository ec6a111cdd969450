package metric

import (
	"fmt"
	"slices"

	"urlbench/urlkit/retrieve"
)

// Extended computes what the original doesn't, for --metrics extended:
//
//	r1_low, r1_high, auroc_correct_low, auroc_correct_high
//	                     95 % intervals over queries, 1,000 resamples: see Bootstrap
//	aurc, augrc          of the uncertainty against R@1 correctness
//	knn5, knn20, knn100  see KNN; those below the number of rows
//	ece, brier           of the logits' softmax, 15 bins; where logits are given
//	                     and every label is one of their classes
//
// The neighbour leaves out the query. NaN uncertainties are errors.
func Extended(s Samples) (Metrics, error) {
	if err := checkRows(s.Features, s.Dim, len(s.Labels)); err != nil {
		return nil, err
	}
	var ks []int
	for _, k := range []int{5, 20, 100} {
		if k < len(s.Labels) {
			ks = append(ks, k)
		}
	}
	hits, err := retrieve.Cosine(s.Features, s.Dim, slices.Max(append([]int{1}, ks...)), retrieve.Options{})
	if err != nil {
		return nil, err
	}
	correct := make([]bool, len(s.Labels))
	for i := range correct {
		ids, _ := hits.Row(i)
		correct[i] = s.Labels[ids[0]] == s.Labels[i]
	}
	r1, rauroc, err := Bootstrap(s.Uncertainty, correct, 1000, 0.95, 1)
	if err != nil {
		return nil, err
	}
	note := ""
	if rauroc.Low != rauroc.Low {
		note = "every resample is all right or all wrong"
	}
	m := Metrics{
		{Name: "r1_low", Value: r1.Low}, {Name: "r1_high", Value: r1.High},
		{"auroc_correct_low", rauroc.Low, note}, {"auroc_correct_high", rauroc.High, note},
	}
	if err := m.put("aurc")(AURC(s.Uncertainty, correct)); err != nil {
		return nil, err
	}
	if err := m.put("augrc")(AUGRC(s.Uncertainty, correct)); err != nil {
		return nil, err
	}
	for i, share := range vote(hits, s.Labels, ks) {
		m = append(m, Metric{Name: fmt.Sprintf("knn%d", ks[i]), Value: share})
	}
	if len(s.Logits) == 0 || !withinClasses(s.Labels, s.Classes) {
		return m, nil
	}
	confidence, right, err := Confidences(s.Logits, s.Classes, s.Labels)
	if err != nil {
		return nil, err
	}
	if err := m.put("ece")(ECE(confidence, right, 15)); err != nil {
		return nil, err
	}
	if err := m.put("brier")(Brier(s.Logits, s.Classes, s.Labels)); err != nil {
		return nil, err
	}
	return m, nil
}

func withinClasses(labels []int, classes int) bool {
	for _, l := range labels {
		if l < 0 || l >= classes {
			return false
		}
	}
	return true
}
