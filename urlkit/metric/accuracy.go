package metric

import (
	"fmt"
	"math"
)

// TopK returns the share of rows whose label is among the k largest of their
// logits, logits being [rows, classes] row after row. Of equal logits the lower
// class comes first; k above the number of classes means all of them. A label that
// isn't a class of the logits is never among them. NaN logits and lengths that
// differ are errors.
func TopK[F Float, L Integer](logits []F, classes int, labels []L, k int) (float64, error) {
	if err := checkLogits(logits, classes, len(labels)); err != nil {
		return math.NaN(), err
	}
	if k < 1 {
		return math.NaN(), fmt.Errorf("metric: top-%d accuracy, want k of at least 1", k)
	}
	hits := 0
	for i, label := range labels {
		if at := place(logits[i*classes:(i+1)*classes], int(label)); at < k {
			hits++
		}
	}
	return float64(hits) / float64(len(labels)), nil
}

// place returns how many classes come before the label, or more than any k if the
// label isn't a class.
func place[F Float](row []F, label int) int {
	if label < 0 || label >= len(row) {
		return math.MaxInt
	}
	before := 0
	for c, v := range row {
		if v > row[label] || v == row[label] && c < label {
			before++
		}
	}
	return before
}

func checkLogits[F Float](logits []F, classes, rows int) error {
	switch {
	case classes < 1:
		return inputError("logits", -1, "%d classes, want at least 1", classes)
	case len(logits)%classes != 0:
		return inputError("logits", -1, "%d values are no whole number of rows of %d classes", len(logits), classes)
	}
	if err := sameLength("logits", len(logits)/classes, "labels", rows); err != nil {
		return err
	}
	if at := firstNaN(logits); at >= 0 {
		return inputError("logits", at/classes, "NaN at class %d", at%classes)
	}
	return nil
}

// CroppedHasBiggerUnc returns the share of rows whose cropped image is strictly
// more uncertain than the whole one. NaN and lengths that differ are errors.
func CroppedHasBiggerUnc[F Float](uncertainty, cropped []F) (float64, error) {
	if err := sameLength("uncertainties", len(uncertainty), "of the cropped images", len(cropped)); err != nil {
		return math.NaN(), err
	}
	if err := noNaN("uncertainties", uncertainty); err != nil {
		return math.NaN(), err
	}
	if err := noNaN("cropped uncertainties", cropped); err != nil {
		return math.NaN(), err
	}
	return biggerShare(uncertainty, cropped), nil
}

// biggerShare counts a NaN on either side as not bigger, as the original does.
func biggerShare[F Float](uncertainty, cropped []F) float64 {
	n := 0
	for i, u := range uncertainty {
		if u < cropped[i] {
			n++
		}
	}
	return float64(n) / float64(len(uncertainty))
}
