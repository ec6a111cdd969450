package metric

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Interval is a confidence interval.
type Interval struct{ Low, High float64 }

// Bootstrap returns percentile confidence intervals of R@1 and R-AUROC at a level
// such as 0.95 (Efron, Better Bootstrap Confidence Intervals, JASA 1987, section 1):
// queries are drawn with replacement and both metrics recomputed, resamples times.
// The gallery stays as it is, as a copy of a query would be its own neighbour; so
// the intervals tell how the answer would vary over other queries, not over other
// galleries or trainings. Resamples in which all queries are right, or all wrong,
// have no R-AUROC and are left out of its interval; if all are, it is NaN.
//
// The same seed gives the same intervals. It sorts once and takes O(n) per resample.
func Bootstrap[F Float](uncertainty []F, correct []bool, resamples int, level float64, seed uint64) (r1, rauroc Interval, err error) {
	if err := sameLength("uncertainties", len(uncertainty), "correctness labels", len(correct)); err != nil {
		return r1, rauroc, err
	}
	if err := noNaN("uncertainties", uncertainty); err != nil {
		return r1, rauroc, err
	}
	if resamples < 1 || !(level > 0 && level < 1) {
		return r1, rauroc, fmt.Errorf("metric: bootstrap of %d resamples at level %v, want at least 1 and a level between 0 and 1", resamples, level)
	}
	n := len(correct)
	order := ascending(uncertainty)
	group := make([]int, n) // of each row, its place among the distinct uncertainties
	groups := 0
	for at, i := range order {
		if at > 0 && uncertainty[order[at-1]] != uncertainty[i] {
			groups++
		}
		group[i] = groups
	}
	groups++
	right, wrong := make([]int64, groups), make([]int64, groups)
	random := rand.New(rand.NewPCG(seed, 0x75726c))
	var recalls, areas []float64
	for range resamples {
		clear(right)
		clear(wrong)
		for range n {
			if i := random.IntN(n); correct[i] {
				right[group[i]]++
			} else {
				wrong[group[i]]++
			}
		}
		// Twice the pairs of a right row and a more uncertain wrong one.
		var pairs, rights, wrongs int64
		for g := range groups {
			pairs += wrong[g] * (2*rights + right[g])
			rights += right[g]
			wrongs += wrong[g]
		}
		recalls = append(recalls, float64(rights)/float64(n))
		if rights > 0 && wrongs > 0 {
			areas = append(areas, float64(pairs)/2/(float64(rights)*float64(wrongs)))
		}
	}
	return percentiles(recalls, level), percentiles(areas, level), nil
}

func percentiles(x []float64, level float64) Interval {
	slices.Sort(x)
	return Interval{quantile(x, (1-level)/2), quantile(x, (1+level)/2)}
}

// quantile interpolates linearly between order statistics, as numpy does.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
