package metric

import (
	"fmt"
	"math"
	"slices"
)

// Extended computes what the original doesn't, for --metrics extended:
//
//	r1_low, r1_high, auroc_correct_low, auroc_correct_high
//	                     95 % intervals over queries, 1,000 resamples: see Bootstrap
//	aurc, augrc          of the uncertainty against R@1 correctness
//	knn5, knn20, knn100  see KNN; those below the number of rows
//	ood_auroc            how well the uncertainty tells these rows from Upstream,
//	                     where that is given: see OODAUROC
//	ece, brier           of the logits' softmax, 15 bins; where logits are given
//	                     and every label is one of their classes
//
// The neighbour leaves out the query. As in Dictionary a NaN uncertainty makes what
// it reaches NaN, with a note. Values are not rounded. o.SecondHit has no effect.
func Extended(s Samples, o Options) (Metrics, error) {
	if err := checkRows(s.Features, s.Dim, len(s.Labels)); err != nil {
		return nil, err
	}
	if err := sameLength("uncertainties", len(s.Uncertainty), "embeddings", len(s.Labels)); err != nil {
		return nil, err
	}
	var ks []int
	for _, k := range []int{5, 20, 100} {
		if k < len(s.Labels) {
			ks = append(ks, k)
		}
	}
	hits, err := search(s.Features, s.Dim, slices.Max(append([]int{1}, ks...)), o)
	if err != nil {
		return nil, err
	}
	correct := make([]bool, len(s.Labels))
	for i := range correct {
		ids, _ := hits.Row(i)
		correct[i] = s.Labels[ids[0]] == s.Labels[i]
	}
	m, err := selective(s.Uncertainty, correct)
	if err != nil {
		return nil, err
	}
	for i, share := range vote(hits, s.Labels, ks) {
		m = append(m, Metric{Name: fmt.Sprintf("knn%d", ks[i]), Value: share})
	}
	if len(s.Upstream) > 0 {
		if note := nanNote(s.Uncertainty, ""); note != "" {
			m = append(m, Metric{"ood_auroc", math.NaN(), note})
		} else if note := nanNote(s.Upstream, "upstream "); note != "" {
			m = append(m, Metric{"ood_auroc", math.NaN(), note})
		} else if err := m.put("ood_auroc")(OODAUROC(s.Upstream, s.Uncertainty)); err != nil {
			return nil, err
		}
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

// selective returns the intervals and the areas under the risk-coverage curves.
func selective(uncertainty []float32, correct []bool) (Metrics, error) {
	note := nanNote(uncertainty, "")
	if note != "" {
		uncertainty = make([]float32, len(uncertainty)) // R@1 needs none
	}
	r1, rauroc, err := Bootstrap(uncertainty, correct, 1000, 0.95, 1)
	if err != nil {
		return nil, err
	}
	aurc, err := AURC(uncertainty, correct)
	if err != nil {
		return nil, err
	}
	augrc, err := AUGRC(uncertainty, correct)
	if err != nil {
		return nil, err
	}
	m := Metrics{{Name: "r1_low", Value: r1.Low}, {Name: "r1_high", Value: r1.High}}
	for _, x := range (Metrics{{Name: "auroc_correct_low", Value: rauroc.Low}, {Name: "auroc_correct_high", Value: rauroc.High}, {Name: "aurc", Value: aurc}, {Name: "augrc", Value: augrc}}) {
		if note != "" {
			x.Value, x.Note = math.NaN(), note
		} else if x.Value != x.Value {
			x.Note = "every resample is all right or all wrong"
		}
		m = append(m, x)
	}
	return m, nil
}

// nanNote names the first NaN, "" if there is none.
func nanNote(uncertainty []float32, whose string) string {
	if i := firstNaN(uncertainty); i >= 0 {
		return fmt.Sprintf("the %suncertainty of row %d is NaN", whose, i)
	}
	return ""
}

func withinClasses(labels []int, classes int) bool {
	for _, l := range labels {
		if l < 0 || l >= classes {
			return false
		}
	}
	return true
}
