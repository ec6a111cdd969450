// Package semantics names the two ways in which urlbench computes what the
// original computes with a slip: as it did, or as the paper says.
//
//	s, err := semantics.Parse("corrected")
//
// The published hyper-parameters were found with the slips in place, so Original
// is the zero value and the default. Each slip lives beside the right formula in
// the package that owns it; this package holds only the switch.
package semantics

import "fmt"

// Semantics chooses between the original's behaviour and the papers'.
type Semantics int

const (
	// Original repeats the reference implementation (commit 28cc630), slips included.
	Original Semantics = iota
	// Corrected does what the methods' papers and the datasets' authors say.
	Corrected
)

// String returns the flag's spelling.
func (s Semantics) String() string {
	if s == Corrected {
		return "corrected"
	}
	return "original"
}

// Parse reads the value of --semantics.
func Parse(text string) (Semantics, error) {
	switch text {
	case "original":
		return Original, nil
	case "corrected":
		return Corrected, nil
	}
	return Original, fmt.Errorf("--semantics=%q: choose original or corrected", text)
}
