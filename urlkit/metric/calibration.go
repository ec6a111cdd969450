package metric

import (
	"fmt"
	"math"
)

// Confidences returns, of each row of logits [rows, classes], the largest softmax
// probability and whether its class is the label; of equal logits the lower class
// counts.
func Confidences[F Float, L Integer](logits []F, classes int, labels []L) (confidence []float64, correct []bool, err error) {
	if err := checkLogits(logits, classes, len(labels)); err != nil {
		return nil, nil, err
	}
	p := make([]float64, classes)
	for i, label := range labels {
		if err := softmax(p, logits[i*classes:(i+1)*classes], i); err != nil {
			return nil, nil, err
		}
		top := 0
		for c, v := range p {
			if v > p[top] {
				top = c
			}
		}
		confidence, correct = append(confidence, p[top]), append(correct, place(logits[i*classes:(i+1)*classes], int(label)) == 0)
	}
	return confidence, correct, nil
}

// softmax fills p; infinite logits leave it without a value and are errors.
func softmax[F Float](p []float64, row []F, i int) error {
	high := math.Inf(-1)
	for _, v := range row {
		high = max(high, float64(v))
	}
	if math.IsInf(high, 0) {
		return inputError("logits", i, "the largest is %v: its softmax has no value", high)
	}
	sum := 0.0
	for c, v := range row {
		p[c] = math.Exp(float64(v) - high)
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
	return nil
}

// ECE returns the expected calibration error: rows are put into bins of equal
// width by their confidence, ((b-1)/bins, b/bins]; it is the mean over rows of the
// distance between their bin's accuracy and mean confidence (Guo et al., On
// Calibration of Modern Neural Networks, ICML 2017, equation 3; 15 bins there).
// Confidences outside [0, 1] and NaN are errors.
func ECE(confidence []float64, correct []bool, bins int) (float64, error) {
	if err := sameLength("confidences", len(confidence), "correctness labels", len(correct)); err != nil {
		return math.NaN(), err
	}
	if bins < 1 {
		return math.NaN(), fmt.Errorf("metric: %d bins, want at least 1", bins)
	}
	gap := make([]float64, bins) // sum of correctness less confidence
	for i, p := range confidence {
		if !(p >= 0 && p <= 1) {
			return math.NaN(), inputError("confidences", i, "%v, want 0 to 1", p)
		}
		b := max(0, int(math.Ceil(p*float64(bins)))-1)
		gap[min(b, bins-1)] -= p
		if correct[i] {
			gap[min(b, bins-1)]++
		}
	}
	sum := 0.0
	for _, g := range gap {
		sum += math.Abs(g)
	}
	return sum / float64(len(confidence)), nil
}

// Brier returns the Brier score of the softmax of logits [rows, classes]: the mean
// over rows of the squared distance between the probabilities and the label's unit
// vector (Brier, Verification of Forecasts Expressed in Terms of Probability, 1950,
// with the sum over all classes: 0 is best, 2 worst). A label that isn't a class,
// NaN, and lengths that differ are errors.
func Brier[F Float, L Integer](logits []F, classes int, labels []L) (float64, error) {
	if err := checkLogits(logits, classes, len(labels)); err != nil {
		return math.NaN(), err
	}
	p, sum := make([]float64, classes), 0.0
	for i, label := range labels {
		if int(label) < 0 || int(label) >= classes {
			return math.NaN(), inputError("labels", i, "class %d, want 0 to %d", label, classes-1)
		}
		if err := softmax(p, logits[i*classes:(i+1)*classes], i); err != nil {
			return math.NaN(), err
		}
		p[label]--
		for _, v := range p {
			sum += v * v
		}
	}
	return sum / float64(len(labels)), nil
}
