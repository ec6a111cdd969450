package metric

import (
	"math"
	"slices"
)

// AUROC returns the area under the receiver operating characteristic: the
// probability that a positive drawn at random scores above a negative drawn at
// random, an equal score counting one half. It is exact: the pairs are counted in
// integers by ranks, so any strictly increasing map of the scores leaves it as it
// is. Infinite scores are ordinary values at the ends.
//
// It is undefined without positives or without negatives. NaN scores and lengths
// that differ are errors.
func AUROC[F Float](score []F, positive []bool) (float64, error) {
	if err := sameLength("scores", len(score), "labels", len(positive)); err != nil {
		return math.NaN(), err
	}
	if err := noNaN("scores", score); err != nil {
		return math.NaN(), err
	}
	pos := count(positive)
	switch neg := len(positive) - pos; {
	case pos == 0:
		return undefined("all %d labels are negative", neg)
	case neg == 0:
		return undefined("all %d labels are positive", pos)
	}
	return area(score, positive), nil
}

// RAUROC returns the AUROC of -uncertainty as a score for correct: the
// probability that a right row is less uncertain than a wrong one. It is 1 if the
// uncertainty separates them, 0.5 if it knows nothing. Errors are those of AUROC.
func RAUROC[F Float](uncertainty []F, correct []bool) (float64, error) {
	if err := sameLength("uncertainties", len(uncertainty), "correctness labels", len(correct)); err != nil {
		return math.NaN(), err
	}
	if err := noNaN("uncertainties", uncertainty); err != nil {
		return math.NaN(), err
	}
	switch r := share(correct); r {
	case 0:
		return undefined("all %d rows are wrong", len(correct))
	case 1:
		return undefined("all %d rows are right", len(correct))
	}
	return area(negated(uncertainty), correct), nil
}

// AUROCOriginal returns what the original's torchmetrics 0.11.3 prints. Scores are
// float32. If one of them lies outside [0, 1], or is NaN, all are passed through a
// float32 sigmoid, which ties whatever it rounds or saturates to one value:
// uncertainties near 150 give exactly 0.5. With one class only it is 0. NaN scores
// come first, each for itself (in their order; the original's sort leaves the order
// of several NaNs open). Lengths that differ are errors.
func AUROCOriginal[F Float](score []F, positive []bool) (float64, error) {
	if err := sameLength("scores", len(score), "labels", len(positive)); err != nil {
		return math.NaN(), err
	}
	if pos := count(positive); pos == 0 || pos == len(positive) {
		return 0, nil
	}
	return area(squash(score), positive), nil
}

// RAUROCOriginal is AUROCOriginal of -uncertainty for correct, published as
// auroc_correct.
func RAUROCOriginal[F Float](uncertainty []F, correct []bool) (float64, error) {
	if err := sameLength("uncertainties", len(uncertainty), "correctness labels", len(correct)); err != nil {
		return math.NaN(), err
	}
	return AUROCOriginal(negated(uncertainty), correct)
}

// squash does to scores what torchmetrics 0.11.3 does before it ranks them.
func squash[F Float](score []F) []float32 {
	out, inside := make([]float32, len(score)), true
	for i, s := range score {
		out[i] = float32(s)
		inside = inside && out[i] >= 0 && out[i] <= 1
	}
	if inside {
		return out
	}
	for i, s := range out {
		out[i] = 1 / (1 + float32(math.Exp(-float64(s))))
	}
	return out
}

// area is the area under the curve for any scores, with both kinds of labels. A
// NaN ranks above all numbers and ties with nothing.
func area[F Float](score []F, positive []bool) float64 {
	order := ascending(score)
	// Twice the number of (positive, negative) pairs in the right order.
	var pairs, below, pos int64
	for i := 0; i < len(order); {
		j, p := i, int64(0)
		for ; j < len(order) && (j == i || score[order[j]] == score[order[i]]); j++ {
			if positive[order[j]] {
				p++
			}
		}
		n := int64(j-i) - p
		pairs += p * (2*below + n)
		below += n
		pos += p
		i = j
	}
	return float64(pairs) / 2 / (float64(pos) * float64(below))
}

// ascending returns the order that sorts x, NaN last. NaNs that follow one
// another are reversed, so that read downwards the first one comes first.
func ascending[F Float](x []F) []int {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch u, v := x[a], x[b]; {
		case u < v:
			return -1
		case u > v:
			return 1
		case u != u && v != v:
			return b - a
		case u != u:
			return 1
		case v != v:
			return -1
		}
		return a - b
	})
	return order
}

func negated[F Float](x []F) []F {
	out := make([]F, len(x))
	for i, v := range x {
		out[i] = -v
	}
	return out
}
