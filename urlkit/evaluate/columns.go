package evaluate

import (
	"context"
	"fmt"
	"strings"

	"urlbench/data"
	"urlbench/urlkit/metric"
	"urlbench/urlkit/run"
)

// Columns are the metrics of one data set as the original's dictionary has them:
// the model's name first.
func Columns(model string, m metric.Metrics) []run.Column {
	out := []run.Column{{Name: "model", Text: model}}
	for _, x := range m {
		out = append(out, run.Column{Name: x.Name, Value: run.Number(x.Value), Note: x.Note})
	}
	return out
}

// UpstreamColumns evaluates the data set that the classifier belongs to. With
// Options.Extended it adds the classifier's calibration, and the sets that
// DownstreamColumns evaluates afterwards are told from this one (ood_auroc).
func (e *Evaluator) UpstreamColumns(ctx context.Context, set data.Dataset) ([]run.Column, error) {
	a, err := e.Answers(ctx, set)
	if err != nil {
		return nil, err
	}
	m, err := a.Metrics()
	if err != nil {
		return nil, err
	}
	if e.options.Extended {
		e.upstream = a.Samples.Uncertainty
		more, err := a.Extended()
		if err != nil {
			return nil, err
		}
		m = append(m, more...)
	}
	return Columns(e.model.Name, m), nil
}

// DownstreamColumns evaluates several data sets: the columns of each with its name
// and an underscore before them, then avg_downstream_*. No sets, no columns.
func (e *Evaluator) DownstreamColumns(ctx context.Context, sets []data.Dataset) ([]run.Column, error) {
	each := make([]metric.Metrics, len(sets))
	for i, set := range sets {
		var err error
		if each[i], err = e.downstream(ctx, set); err != nil {
			return nil, err
		}
	}
	return FlatColumns(e.model.Name, sets, each)
}

func (e *Evaluator) downstream(ctx context.Context, set data.Dataset) (metric.Metrics, error) {
	a, err := e.Answers(ctx, set)
	if err != nil {
		return nil, err
	}
	m, err := a.Metrics()
	if err != nil || !e.options.Extended {
		return m, err
	}
	// Its labels are not the classifier's classes: there is no calibration to measure.
	a.Samples.Logits, a.Samples.Upstream = nil, e.upstream
	more, err := a.Extended()
	return append(m, more...), err
}

// FlatColumns joins the metrics of several data sets. The averages leave out the
// ends of intervals, whose mean is no interval's end, and metrics that a set lacks:
// the entropy's where there is one annotator, a k-NN of more rows than it has. (The
// original fails on sets that differ, after measuring them all.)
func FlatColumns(model string, sets []data.Dataset, each []metric.Metrics) ([]run.Column, error) {
	if len(sets) == 0 {
		return nil, nil
	}
	var out []run.Column
	for i, set := range sets {
		out = append(out, run.Prefixed(set.Name()+"_", Columns(model, each[i]))...)
	}
	averaged := append([]metric.Metrics{nil}, each[1:]...)
	for _, x := range each[0] {
		if end := strings.HasSuffix(x.Name, "_low") || strings.HasSuffix(x.Name, "_high"); !end && everywhere(each, x.Name) {
			averaged[0] = append(averaged[0], x)
		}
	}
	mean, err := metric.AverageDownstream(averaged)
	if err != nil {
		return nil, err
	}
	for i := range mean {
		if mean[i].Note == "" {
			continue
		}
		for j, set := range sets {
			if v, _ := each[j].Get(averaged[0][i].Name); v != v {
				mean[i].Note = fmt.Sprintf("it is NaN for %s", set.Name())
				break
			}
		}
	}
	return append(out, Columns(model, mean)[1:]...), nil
}

func everywhere(each []metric.Metrics, name string) bool {
	for _, m := range each {
		if _, ok := m.Get(name); !ok {
			return false
		}
	}
	return true
}
