package metric

import "math"

// Point is a point of a curve over coverage, the share of rows that are kept when
// the least certain ones are turned away.
type Point struct {
	Coverage float64
	Risk     float64 // share of wrong rows among those kept
}

// AbstentionCurve returns the selective risk at every coverage that a threshold on
// the uncertainty can reach, from the surest rows to all of them (El-Yaniv and
// Wiener, On the Foundations of Noise-free Selective Classification, JMLR 2010).
// One minus Risk is the accuracy of the rows that are kept. Rows of equal
// uncertainty come and go together.
func AbstentionCurve[F Float](uncertainty []F, correct []bool) ([]Point, error) {
	groups, err := tieGroups(uncertainty, correct)
	if err != nil {
		return nil, err
	}
	var out []Point
	rows, wrong := 0, 0
	for _, g := range groups {
		rows, wrong = rows+g.rows, wrong+g.wrong
		out = append(out, Point{float64(rows) / float64(len(correct)), float64(wrong) / float64(rows)})
	}
	return out, nil
}

// AURC returns the area under the risk-coverage curve, the mean over k of the risk
// among the k surest rows (Geifman, Uziel and El-Yaniv, Bias-Reduced Uncertainty
// Estimation for Deep Neural Classifiers, ICLR 2019). Within equal uncertainties
// it is the expectation over their orders. 0 is best.
func AURC[F Float](uncertainty []F, correct []bool) (float64, error) {
	groups, err := tieGroups(uncertainty, correct)
	if err != nil {
		return math.NaN(), err
	}
	sum, rows, wrong := 0.0, 0, 0.0
	for _, g := range groups {
		rate := float64(g.wrong) / float64(g.rows)
		for j := 1; j <= g.rows; j++ {
			sum += (wrong + float64(j)*rate) / float64(rows+j)
		}
		rows, wrong = rows+g.rows, wrong+float64(g.wrong)
	}
	return sum / float64(rows), nil
}

// AUGRC returns the area under the generalised risk-coverage curve: over the
// coverage, the probability that a row is kept and wrong (Traub et al., Overcoming
// Common Flaws in the Evaluation of Selective Classification Systems, NeurIPS
// 2024). Unlike AURC it weighs every wrong row alike, wherever it is ranked. It is
// the mean undetected risk of a threshold drawn at random; 0 is best, 1/2 worst.
func AUGRC[F Float](uncertainty []F, correct []bool) (float64, error) {
	groups, err := tieGroups(uncertainty, correct)
	if err != nil {
		return math.NaN(), err
	}
	// Trapezoids from (0, 0), in rows: a tied group is a straight piece.
	twice, wrong := 0.0, 0
	for _, g := range groups {
		twice += float64(g.rows) * float64(2*wrong+g.wrong)
		wrong += g.wrong
	}
	n := float64(len(correct))
	return twice / 2 / (n * n), nil
}

// tieGroup is a run of equal uncertainties.
type tieGroup struct{ rows, wrong int }

// tieGroups returns the groups from the surest rows to the least sure.
func tieGroups[F Float](uncertainty []F, correct []bool) ([]tieGroup, error) {
	if err := sameLength("uncertainties", len(uncertainty), "correctness labels", len(correct)); err != nil {
		return nil, err
	}
	if err := noNaN("uncertainties", uncertainty); err != nil {
		return nil, err
	}
	var out []tieGroup
	order := ascending(uncertainty)
	for at, i := range order {
		if at == 0 || uncertainty[order[at-1]] != uncertainty[i] {
			out = append(out, tieGroup{})
		}
		g := &out[len(out)-1]
		g.rows++
		if !correct[i] {
			g.wrong++
		}
	}
	return out, nil
}

// OODAUROC returns the probability that a row from elsewhere is more uncertain
// than a row of the upstream data, an equal uncertainty counting one half
// (Hendrycks and Gimpel, A Baseline for Detecting Misclassified and
// Out-of-Distribution Examples, ICLR 2017). NaN and empty sides are errors.
func OODAUROC[F Float](upstream, elsewhere []F) (float64, error) {
	if len(upstream) == 0 {
		return math.NaN(), inputError("upstream uncertainties", -1, "empty")
	}
	if len(elsewhere) == 0 {
		return math.NaN(), inputError("downstream uncertainties", -1, "empty")
	}
	score, positive := make([]F, 0, len(upstream)+len(elsewhere)), make([]bool, len(upstream)+len(elsewhere))
	score = append(append(score, upstream...), elsewhere...)
	for i := range elsewhere {
		positive[len(upstream)+i] = true
	}
	return AUROC(score, positive)
}
