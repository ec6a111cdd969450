package report

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"urlbench/urlkit"
	"urlbench/urlkit/metric"
)

// measured are the numbers of one run on one data set.
type measured struct {
	Run, Set             string
	Images               int
	R1, RAUROC           float64
	R1In, RAUROCIn       metric.Interval
	Half                 float64 // R@1 of the surer half of the queries
	AURC, AUGRC          float64
	Crop                 float64 // share of crops that are less sure than their image
	Human                float64 // rank correlation with the annotators' entropy
	Notes                []string
	Judged               bool // the uncertainties can be ranked: none is NaN
	Right, Wrong, Unsure int  // Unsure: queries whose uncertainty is NaN
}

// Verdict says in words what the interval of R-AUROC says.
func (m measured) Verdict() string {
	switch in := m.RAUROCIn; {
	case !m.Judged:
		return "cannot be ranked"
	case math.IsNaN(m.RAUROC):
		return "nothing to tell apart"
	case in.Low > 0.5:
		return "better than chance"
	case in.High < 0.5:
		return "worse than chance"
	}
	return "may be chance"
}

// measure computes everything that the table shows. What is undefined is NaN with a
// note; only input of the wrong shape is an error.
func measure(run string, a *urlkit.Answers, o Options) (measured, error) {
	nan := math.NaN()
	s := a.Samples
	m := measured{Run: run, Set: a.Set.Name(), Images: len(a.Correct), RAUROC: nan, Half: nan, AURC: nan, AUGRC: nan, Crop: nan, Human: nan,
		RAUROCIn: metric.Interval{Low: nan, High: nan}, Judged: true}
	if len(s.Uncertainty) != len(a.Correct) || len(a.Correct) == 0 {
		return m, fmt.Errorf("%s on %s: %d uncertainties of %d queries: want one for each of at least one query", run, m.Set, len(s.Uncertainty), len(a.Correct))
	}
	for i, ok := range a.Correct {
		if ok {
			m.Right++
		} else {
			m.Wrong++
		}
		if s.Uncertainty[i] != s.Uncertainty[i] {
			m.Unsure++
		}
	}
	m.R1 = float64(m.Right) / float64(m.Images)
	unc := s.Uncertainty
	if m.Unsure > 0 {
		m.Judged = false
		m.Notes = append(m.Notes, fmt.Sprintf("%d of %d uncertainties are NaN, so the queries cannot be ranked", m.Unsure, m.Images))
		unc = make([]float32, m.Images) // R@1's interval does not depend on them
	}
	var err error
	var areas metric.Interval
	if m.R1In, areas, err = metric.Bootstrap(unc, a.Correct, o.Resamples, o.Level, o.Seed); err != nil {
		return m, fmt.Errorf("%s on %s: %w", run, m.Set, err)
	}
	if !m.Judged {
		return m, nil
	}
	m.RAUROCIn = areas
	switch low, high := float64(slices.Min(unc)), float64(slices.Max(unc)); {
	case low == high:
		m.Notes = append(m.Notes, fmt.Sprintf("every query has the same uncertainty, %.4g", low))
	case nearlyConstant([]float64{low, high}):
		m.Notes = append(m.Notes, fmt.Sprintf("the uncertainty has collapsed: all lie between %.8g and %.8g", low, high))
	}
	defined := func(v float64, err error) (float64, error) {
		var why metric.Undefined
		if errors.As(err, &why) {
			m.Notes = append(m.Notes, string(why))
			return nan, nil
		}
		return v, err
	}
	if m.RAUROC, err = defined(metric.RAUROC(unc, a.Correct)); err != nil {
		return m, err
	}
	if m.AURC, err = metric.AURC(unc, a.Correct); err != nil {
		return m, err
	}
	if m.AUGRC, err = metric.AUGRC(unc, a.Correct); err != nil {
		return m, err
	}
	curve, err := metric.AbstentionCurve(unc, a.Correct)
	if err != nil {
		return m, err
	}
	m.Half = accuracyAt(curve, 0.5)
	if len(s.Cropped) == m.Images {
		if m.Crop, err = metric.CroppedHasBiggerUnc(unc, s.Cropped); err != nil {
			m.Crop = nan
			m.Notes = append(m.Notes, err.Error())
		}
	}
	if s.SoftClasses > 0 {
		entropies, err := metric.Entropies(s.Soft, s.SoftClasses)
		if err != nil {
			return m, err
		}
		if m.Human, err = defined(metric.EntropyCorrelation(unc, entropies)); err != nil {
			return m, err
		}
	}
	return m, nil
}

// accuracyAt returns R@1 at the smallest coverage that a threshold reaches and that
// is not below the one asked for: equal uncertainties cannot be parted.
func accuracyAt(curve []metric.Point, coverage float64) float64 {
	best := math.NaN()
	at := math.Inf(1)
	for _, p := range curve {
		if p.Coverage >= coverage && p.Coverage < at {
			at, best = p.Coverage, 1-p.Risk
		}
	}
	return best
}
