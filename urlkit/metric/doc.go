// Package metric measures embeddings and their uncertainties on plain slices, as
// the URL benchmark does: does a high uncertainty tell that the nearest neighbour
// of an image has another class?
//
//	report, err := metric.URL(embeddings, uncertainties, labels)
//	if err != nil { … }
//	fmt.Println(report.R1, report.RAUROC)
//
// R@1 is the share of rows whose nearest other row, by cosine similarity, has
// their class. R-AUROC is the probability that of a row with a wrong neighbour and
// a row with a right one, drawn at random, the wrong one is the more uncertain
// (Kirchhof et al., URL: A Representation Learning Benchmark for Transferable
// Uncertainty Estimates, NeurIPS 2023, section 3). [Dictionary] computes every
// metric of the benchmark under its published name.
//
// A metric is right or it is an error: bad input (no rows, lengths that differ,
// NaN) gives an [*InputError] that names the row; a metric that has no value for
// good input gives NaN and an [Undefined] that says why. Apart from retrieval
// everything is O(n log n).
package metric

import (
	"fmt"
	"math"
)

// Float is a type of scores and uncertainties.
type Float interface{ ~float32 | ~float64 }

// Integer is a type of class labels.
type Integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32
}

// InputError says what is wrong with one of the inputs.
type InputError struct {
	Input   string // "embeddings", "uncertainties", "labels", …
	Row     int    // -1 if it isn't about one row
	Problem string
}

func (e *InputError) Error() string {
	if e.Row < 0 {
		return fmt.Sprintf("metric: %s: %s", e.Input, e.Problem)
	}
	return fmt.Sprintf("metric: %s, row %d: %s", e.Input, e.Row, e.Problem)
}

func inputError(input string, row int, format string, args ...any) error {
	return &InputError{input, row, fmt.Sprintf(format, args...)}
}

// Undefined is the reason why a metric has no value; the value beside it is NaN.
type Undefined string

func (u Undefined) Error() string { return "metric: undefined: " + string(u) }

func undefined(format string, args ...any) (float64, error) {
	return math.NaN(), Undefined(fmt.Sprintf(format, args...))
}

// noNaN returns an error for the first NaN.
func noNaN[F Float](input string, x []F) error {
	for i, v := range x {
		if v != v {
			return inputError(input, i, "NaN, want a number")
		}
	}
	return nil
}

// sameLength returns an error unless got is the wanted number of rows, at least 1.
func sameLength(input string, got int, than string, want int) error {
	if got == 0 {
		return inputError(input, -1, "empty")
	}
	if got != want {
		return inputError(input, -1, "%d rows, but %d %s", got, want, than)
	}
	return nil
}

func count(x []bool) int {
	n := 0
	for _, v := range x {
		if v {
			n++
		}
	}
	return n
}

func share(x []bool) float64 { return float64(count(x)) / float64(len(x)) }
