package vmf

import (
	"fmt"
	"math"
)

// LogNorm is log C_D(κ) of one number, exactly (see LogNormConst): kappa >= 0, dim >=
// 2. It needs no graph.
func LogNorm(kappa float64, dim int) float64 {
	f, _ := logBesselScalar(kappa, float64(dim)/2-1)
	half := float64(dim) / 2
	lgamma, _ := math.Lgamma(half)
	return lgamma - math.Ln2 - half*math.Log(math.Pi) - f
}

// A is the mean resultant length A_D(κ) of one number (see MeanResultant).
func A(kappa float64, dim int) float64 {
	_, a := logBesselScalar(kappa, float64(dim)/2-1)
	return a
}

// logBesselScalar is logBessel on plain numbers.
func logBesselScalar(kappa, order float64) (f, a float64) {
	steps := int(math.Max(0, math.Ceil(minOrder-order)))
	n := order + float64(steps)
	e := newExpansion(n)
	z := kappa / n
	s := math.Hypot(1, z)
	q, p := z/(1+s)*z/2, 1/s
	f = n*(2*q-math.Log1p(q)) - math.Log1p(2*q)/2 + math.Log1p(-2*q*p*e.rest.at(p)/e.one)
	a = z/(1+s) - z*p*p/(2*n) - z*p*p*p/n*e.slope.at(p)/e.s.at(p)
	for j := steps - 1; j >= 0; j-- {
		twice := 2 * (order + float64(j) + 1)
		f += math.Log1p(kappa * a / twice)
		a = kappa / (twice + kappa*a)
	}
	return f, a
}

// Status says where the original's log C_D gives up.
type Status int

// The original's errors.
const (
	NumeratorInf   Status = 1 // κ^{D/2-1} is infinite
	DenominatorInf Status = 2 // the Bessel function over- or underflows
	ConstantZero   Status = 3 // C_D itself underflows
)

// Error names the failure.
func (s Status) Error() string {
	switch s {
	case NumeratorInf:
		return "vmf: the normaliser's numerator is infinite: use --semantics=corrected"
	case DenominatorInf:
		return "vmf: the normaliser's Bessel function leaves float64's range: use --semantics=corrected"
	}
	return "vmf: the normaliser underflows to 0: use --semantics=corrected"
}

// OriginalLogNorm is log C_D(κ) of one number as the original computes it in the
// dimensions for which it has no fitted curve: it forms C_D itself in float64, so
// that it fails with a Status where that, or a part of it, leaves the range, and
// is +Inf where C_D overflows. LogNorm is the same number wherever this is finite.
func OriginalLogNorm(kappa float64, dim int) (float64, error) {
	if dim < 2 {
		return math.NaN(), fmt.Errorf("vmf: dimension %d, want at least 2", dim)
	}
	kappa = math.Max(kappa, 1e-15)
	order := float64(dim)/2 - 1
	numerator := order * math.Log(kappa)
	if math.IsInf(numerator, 0) {
		return math.NaN(), NumeratorInf
	}
	f, _ := logBesselScalar(kappa, order)
	lgamma, _ := math.Lgamma(order + 1)
	logI := f + order*math.Log(kappa/2) - lgamma
	// I_0 is taken as it is, the other orders scaled by e^{-κ} and down to where the
	// AMOS library calls it an underflow.
	const amosUnderflow, logMax = -700.92, 709.782712893384
	if dim == 2 && logI > logMax || dim > 2 && logI-kappa < amosUnderflow {
		return math.NaN(), DenominatorInf
	}
	logC := numerator - float64(dim)/2*math.Log(2*math.Pi) - logI
	const logSmallest = -745.1332191019412
	switch {
	case logC < logSmallest:
		return math.NaN(), ConstantZero
	case logC > logMax:
		return math.Inf(1), nil
	}
	return logC, nil
}
