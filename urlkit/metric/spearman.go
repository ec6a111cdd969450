package metric

import "math"

// Spearman returns the rank correlation of a and b: Pearson's correlation of
// their ranks, ties sharing the mean of their ranks. Infinite values are ordinary
// values at the ends. A NaN or a constant side leaves it undefined, as in scipy;
// lengths that differ and fewer than two rows are errors.
func Spearman[A, B Float](a []A, b []B) (float64, error) {
	if err := sameLength("first ranking", len(a), "rows in the second", len(b)); err != nil {
		return math.NaN(), err
	}
	if len(a) < 2 {
		return math.NaN(), inputError("first ranking", -1, "1 row, want at least 2 for a correlation")
	}
	if at := firstNaN(a); at >= 0 {
		return undefined("row %d of the first ranking is NaN", at)
	}
	if at := firstNaN(b); at >= 0 {
		return undefined("row %d of the second ranking is NaN", at)
	}
	x, y := centredRanks(a), centredRanks(b)
	var xx, yy, xy float64
	for i := range x {
		xx += x[i] * x[i]
		yy += y[i] * y[i]
		xy += x[i] * y[i]
	}
	switch {
	case xx == 0:
		return undefined("the first ranking is constant")
	case yy == 0:
		return undefined("the second ranking is constant")
	}
	return max(-1, min(1, xy/math.Sqrt(xx)/math.Sqrt(yy))), nil
}

// centredRanks returns twice the ranks less their mean: whole numbers, so that
// their sums are exact in float64 and don't depend on the order of the rows.
func centredRanks[F Float](x []F) []float64 {
	order := ascending(x)
	ranks := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for _, at := range order[i:j] {
			ranks[at] = float64(i + j - len(x))
		}
		i = j
	}
	return ranks
}

func firstNaN[F Float](x []F) int {
	for i, v := range x {
		if v != v {
			return i
		}
	}
	return -1
}
