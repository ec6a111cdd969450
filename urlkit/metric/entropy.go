package metric

import (
	"math"
	"slices"
)

// Entropies returns the entropy in nats of each row of counts, the votes of
// several annotators, [rows, classes] row after row. A row without votes has none:
// NaN. Equal distributions give equal entropies to the last bit, whatever the
// order of their classes and the number of their votes; the original's float32
// sums can part them, which moves its rcorr_entropy by some 1e-3.
//
// Negative or infinite or NaN counts are errors.
func Entropies(counts []float64, classes int) ([]float64, error) {
	switch {
	case classes < 1:
		return nil, inputError("soft labels", -1, "%d classes, want at least 1", classes)
	case len(counts) == 0:
		return nil, inputError("soft labels", -1, "empty")
	case len(counts)%classes != 0:
		return nil, inputError("soft labels", -1, "%d values are no whole number of rows of %d classes", len(counts), classes)
	}
	out, p := make([]float64, len(counts)/classes), make([]float64, classes)
	for i := range out {
		copy(p, counts[i*classes:])
		slices.Sort(p)
		sum := 0.0
		for c, v := range counts[i*classes : (i+1)*classes] {
			if !(v >= 0) || math.IsInf(v, 1) {
				return nil, inputError("soft labels", i, "%v votes for class %d, want a count", v, c)
			}
		}
		for _, v := range p {
			sum += v
		}
		if math.IsInf(sum, 1) {
			return nil, inputError("soft labels", i, "the sum of the votes overflows")
		}
		if sum == 0 {
			out[i] = math.NaN()
			continue
		}
		for _, v := range p {
			if v > 0 {
				out[i] -= v / sum * math.Log(v/sum)
			}
		}
	}
	return out, nil
}
