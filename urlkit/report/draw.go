package report

import (
	"fmt"
	"html/template"
	"math"
	"slices"

	"urlbench/figures"
	"urlbench/urlkit"
)

// drawing is a figure of the page with what stands below it.
type drawing struct {
	SVG     template.HTML
	Caption string
}

// drawn makes a figure's SVG. The title also keeps the ids of figures on one page
// apart, so it names run and data set.
func drawn(f *figures.Figure, title, caption string) *drawing {
	f.Title = title
	return &drawing{template.HTML(figures.HTML(f)), caption}
}

// abstention draws R@1 against the share of queries turned away, a curve a run.
func abstention(set string, runs []figures.Judged) (*drawing, error) {
	if len(runs) == 0 {
		return nil, nil
	}
	f, err := figures.Rejection(runs...)
	if err != nil {
		return nil, err
	}
	caption := "R@1 of the queries that are kept while the least sure are turned away. The curve of a useful uncertainty rises; it ends where those that are left are few or share one uncertainty."
	if len(runs) > 1 {
		caption += fmt.Sprintf(" The dashed bounds are those of %s: an oracle that turns away the wrong queries first, and chance.", runs[0].Name)
	} else {
		caption += " Dashed: an oracle that turns away the wrong queries first, and chance."
	}
	return drawn(f, "R@1 against the share of queries turned away on "+set, caption), nil
}

// histogram draws the uncertainties of right and of wrong queries. Where most of a
// linear axis would be empty, the logarithm is drawn: only the order counts.
func histogram(run string, a *urlkit.Answers) (*drawing, error) {
	var right, wrong []float64
	for i, u := range a.Samples.Uncertainty {
		if a.Correct[i] {
			right = append(right, float64(u))
		} else {
			wrong = append(wrong, float64(u))
		}
	}
	all := finite(slices.Concat(right, wrong))
	if len(all) == 0 {
		return nil, nil
	}
	quantity, caption := "uncertainty", "Uncertainty of the queries whose nearest neighbour has their class (right) and of those whose neighbour has another (wrong), each as a share of its own."
	move := func(u float64) float64 { return u }
	switch least := slices.Min(all); {
	case nearlyConstant(all):
		quantity = "uncertainty above the least, in millionths of it"
		caption += fmt.Sprintf(" All are nearly the same, %.4g; the axis shows what is above the least of them.", least)
		move = func(u float64) float64 { return (u - least) / math.Abs(least) * 1e6 }
	case skewed(all):
		quantity = "log10 of the uncertainty"
		caption += " The axis is logarithmic."
		move = math.Log10
	}
	for _, v := range [][]float64{right, wrong} {
		for i := range v {
			v[i] = move(v[i])
		}
	}
	var samples []figures.Sample
	if len(right) > 0 {
		samples = append(samples, figures.Sample{Name: "right", Values: right})
	}
	if len(wrong) > 0 {
		samples = append(samples, figures.Sample{Name: "wrong", Values: wrong})
	}
	f, err := figures.Histogram(quantity, samples...)
	if err != nil {
		return nil, err
	}
	for _, missing := range f.Missing {
		caption += " Left out: " + missing + "."
	}
	return drawn(f, "Uncertainty of "+run+"'s right and wrong queries on "+a.Set.Name(), caption), nil
}

// finite returns the values that an axis can show.
func finite(v []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(v), func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
}

// nearlyConstant says whether values differ, but by so little that the ticks of an
// axis would need more digits than they have room for.
func nearlyConstant(v []float64) bool {
	low, high := slices.Min(v), slices.Max(v)
	return low != 0 && high > low && high-low < 1e-4*math.Abs(low)
}

// skewed says whether positive values reach over more than a decade and a linear
// axis would crowd half of them into a twentieth of it.
func skewed(v []float64) bool {
	v = slices.Sorted(slices.Values(v))
	low, median, high := v[0], v[len(v)/2], v[len(v)-1]
	return low > 0 && high > 10*low && median-low < (high-low)/20
}
