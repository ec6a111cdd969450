package figures

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"urlbench/urlkit/results"
)

// The published names of the metrics that the figures draw.
const (
	testRAUROC    = "best_test_avg_downstream_auroc_correct"
	testR1        = "best_test_avg_downstream_r1"
	testCrop      = "best_test_avg_downstream_croppedHasBiggerUnc"
	validR1       = "best_eval_avg_downstream_r1"
	upstreamTop1  = "best_eval_top1" // in percent
	upstreamR1    = "best_eval_r1"
	upstreamAUROC = "best_eval_auroc_correct"
	upstreamCrop  = "best_eval_croppedHasBiggerUnc"
	furtherAUROC  = "best_furthertest_avg_downstream_auroc_correct"
	furtherCrop   = "best_furthertest_avg_downstream_croppedHasBiggerUnc"
	furtherHuman  = "best_furthertest_avg_downstream_rcorr_entropy"
)

// minR1 is the validation R@1 over which a run counts as trained: the others
// collapsed, and some of these have a high R-AUROC.
const minR1 = 0.1

// value is a metric as the figures draw it: upstream accuracy as a fraction.
func value(r results.Run, metric string) float64 {
	v := r.Metric(metric)
	if metric == upstreamTop1 {
		return v / 100
	}
	return v
}

// selection is what a figure draws of a table, and what it leaves out.
type selection struct {
	runs    results.Table
	looks   looks
	missing []string
}

// pick applies the paper's filter and drops runs without the wanted metrics; one of the
// paper's is dropped if it has none of them. Runs of one's own that are left out are
// named.
func pick(t results.Table, style Style, figure string, metrics ...string) (selection, error) {
	s := selection{looks: looks{style, strangers(t)}}
	complete, lacking := 0, 0
	var gaps []string // of one's own runs, as "no METRIC, METRIC"
	names := map[string][]string{}
	for _, r := range t {
		own := r.Source == results.Own
		if own {
			if v := r.Metric(validR1); v <= minR1 {
				s.missing = append(s.missing, fmt.Sprintf("%s: collapsed (%s %.4g)", r.Name, validR1, v))
				continue
			}
		} else if !(r.Metric(validR1) > minR1) {
			continue
		}
		var without []string
		for _, m := range metrics {
			if math.IsNaN(r.Metric(m)) {
				without = append(without, m)
			}
		}
		switch {
		case len(without) == 0:
			complete++
			s.runs = append(s.runs, r)
		case own:
			gap := "no " + strings.Join(without, ", ")
			if names[gap] == nil {
				gaps = append(gaps, gap)
			}
			names[gap] = append(names[gap], r.Name)
		default:
			// Without all of them a run is not drawn, but stays in the numbers.
			lacking++
			if len(without) < len(metrics) {
				s.runs = append(s.runs, r)
			}
		}
	}
	for _, gap := range gaps {
		who := names[gap]
		if n := len(who) - 4; n > 0 {
			who = append(slices.Clone(who[:4]), fmt.Sprintf("%d more", n))
		}
		s.missing = append(s.missing, strings.Join(who, ", ")+": "+gap)
	}
	if lacking > 0 {
		s.missing = append(s.missing, fmt.Sprintf("%d of the paper's runs: no %s", lacking, strings.Join(metrics, " or ")))
	}
	if complete == 0 {
		return s, fmt.Errorf("figure %s: nothing to draw: none of %d runs has %s", figure, len(t), strings.Join(metrics, " and "))
	}
	return s, nil
}

// hasOwn says whether any run is one's own.
func hasOwn(t results.Table) bool {
	return slices.ContainsFunc(t, func(r results.Run) bool { return r.Source == results.Own })
}

// absent names the paper's methods that a table lacks altogether.
func absent(t results.Table) []string {
	var out []string
	for _, m := range methods {
		if !slices.ContainsFunc(t, func(r results.Run) bool { return r.Method == m.name }) {
			out = append(out, m.name)
		}
	}
	return out
}

// finish writes what is missing into the figure, and under it as far as it concerns
// methods or runs of one's own.
func (f *Figure) finish(s selection) *Figure {
	f.Missing = s.missing
	var note []string
	for _, m := range s.missing {
		if !strings.Contains(m, "of the paper's runs") {
			note = append(note, m)
		}
	}
	if a := absent(s.runs); len(a) > 0 {
		f.Missing = append(f.Missing, "no runs of "+strings.Join(a, ", "))
		note = append(note, "no runs of "+strings.Join(a, ", "))
	}
	if len(note) > 0 {
		f.note = "Missing: " + strings.Join(note, "; ") + "."
	}
	return f
}

// hover is what the pointer shows over a run's mark.
func hover(r results.Run, metrics ...string) string {
	var b strings.Builder
	b.WriteString(r.Label())
	name := r.Name
	if r.Sweep != "" {
		name += " (" + r.Sweep + ")"
	}
	if r.Source == results.Own {
		name += ", your run"
	}
	b.WriteString("\n" + name)
	for _, m := range metrics {
		fmt.Fprintf(&b, "\n%s %.4f", short(m), value(r, m))
	}
	return b.String()
}

// short names a metric as the figures' axes do.
func short(metric string) string {
	for _, n := range axisNames {
		if n.metric == metric {
			return n.name
		}
	}
	return metric
}

var axisNames = []struct{ metric, name string }{
	{upstreamTop1, "Upstream Accuracy"}, {upstreamR1, "Upstream R@1"}, {upstreamAUROC, "Upstream R-AUROC"},
	{upstreamCrop, "Upstream Pct. Cropped Has Bigger Unc."}, {testR1, "Downstream R@1"},
	{testRAUROC, "Downstream R-AUROC"}, {testCrop, "Downstream Pct. Cropped Has Bigger Unc."},
	{furtherAUROC, "Downstream R-AUROC"}, {furtherHuman, "Alignment with Human Uncertainties"},
	{furtherCrop, "Pct. Cropped Image has Higher Uncertainty"},
}

// mean, in the order of the values.
func mean(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s / float64(len(v))
}
