package figures

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
)

// axis is one axis of a panel. Ticks are placed by autoTicks where none are given.
type axis struct {
	label    string
	min, max float64
	ticks    []tick
	fixed    bool    // ticks are given, even if there are none
	hide     bool    // no tick labels and no axis label
	turn     float64 // of the tick labels, radians
	log      bool
}

type tick struct {
	at    float64
	label string
}

// fit sets the limits to the range of the values with 5 % of it on each side, as
// matplotlib does. Values that are not finite are left out; without any the limits
// are 0 and 1.
func (a *axis) fit(values ...[]float64) {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, vs := range values {
		for _, v := range vs {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				lo, hi = math.Min(lo, v), math.Max(hi, v)
			}
		}
	}
	if lo > hi {
		lo, hi = 0, 1
	}
	if lo == hi {
		d := math.Abs(lo) * 0.05
		if d == 0 {
			d = 0.05
		}
		lo, hi = lo-d, hi+d
	}
	m := (hi - lo) * 0.05
	a.min, a.max = lo-m, hi+m
}

// place fills in the ticks of an axis of the given length: at most one per two (y) or
// three (x) font sizes, and at most ten.
func (a *axis) place(length, fontSize vg.Length, horizontal bool) {
	if a.fixed || a.ticks != nil {
		return
	}
	if a.log {
		a.ticks = logTicks(a.min, a.max)
		return
	}
	per := 2.0
	if horizontal {
		per = 3
	}
	n := int(math.Floor(float64(length) / (float64(fontSize) * per)))
	a.ticks = autoTicks(a.min, a.max, min(max(n, 1), 9))
}

// autoTicks places ticks as matplotlib's AutoLocator: the finest step among 1, 2, 2.5
// and 5 times a power of ten with at most bins intervals. Labels have as many decimals
// as the finest needs, and a true minus sign.
func autoTicks(lo, hi float64, bins int) []tick {
	if !(hi > lo) || math.IsInf(hi-lo, 0) {
		return nil
	}
	raw := (hi - lo) / float64(bins)
	scale := math.Pow(10, math.Floor(math.Log10(raw)))
	steps := []float64{0.1, 0.2, 0.25, 0.5, 1, 2, 2.5, 5, 10, 20}
	i := 0
	for i < len(steps)-1 && steps[i]*scale < raw {
		i++
	}
	var at []float64
	for ; i >= 0; i-- {
		step := steps[i] * scale
		first := math.Floor(lo/step) * step
		at = at[:0]
		const slack = 1e-10 // of a step: a limit on a tick keeps the tick
		for k := 0; ; k++ {
			v := first + float64(k)*step
			if v > hi+slack*step {
				break
			}
			if v >= lo-slack*step {
				at = append(at, v)
			}
		}
		if len(at) >= 2 {
			break
		}
	}
	d := decimals(at)
	ticks := make([]tick, len(at))
	for k, v := range at {
		ticks[k] = tick{v, number(v, d)}
	}
	return ticks
}

// decimals is how many digits after the point tell all the values apart.
func decimals(at []float64) int {
	if len(at) == 0 {
		return 0
	}
	span := at[len(at)-1] - at[0]
	if span == 0 {
		span = math.Max(math.Abs(at[0]), 1)
	}
	oom := int(math.Floor(math.Log10(span)))
	d := max(0, 3-oom)
	for ; d > 0; d-- {
		p := math.Pow(10, float64(d-1))
		for _, v := range at {
			if math.Abs(v-math.Round(v*p)/p) >= 1e-3*math.Pow(10, float64(oom)) {
				return d
			}
		}
	}
	return 0
}

func number(v float64, d int) string {
	s := strconv.FormatFloat(v, 'f', d, 64)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return strings.Replace(s, "-", "−", 1)
}

func logTicks(lo, hi float64) []tick {
	var out []tick
	for e := int(math.Ceil(math.Log10(lo) - 1e-9)); e <= int(math.Floor(math.Log10(hi)+1e-9)); e++ {
		v := math.Pow(10, float64(e))
		out = append(out, tick{v, strconv.FormatFloat(v, 'g', -1, 64)})
	}
	return out
}
