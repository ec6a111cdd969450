package evaluate

import (
	"context"

	"urlbench/data"
	"urlbench/urlkit/metric"
	"urlbench/urlkit/run"
)

// Columns are the metrics of one data set as the original's dictionary has them:
// the model's name first.
func Columns(model string, m metric.Metrics) []run.Column {
	out := []run.Column{{Name: "model", Text: model}}
	for _, x := range m {
		out = append(out, run.Column{Name: x.Name, Value: run.Number(x.Value)})
	}
	return out
}

// SetColumns evaluates one data set.
func (e *Evaluator) SetColumns(ctx context.Context, set data.Dataset) ([]run.Column, error) {
	m, err := e.Metrics(ctx, set)
	if err != nil {
		return nil, err
	}
	return Columns(e.model.Name, m), nil
}

// DownstreamColumns evaluates several data sets: the columns of each with its name
// and an underscore before them, then avg_downstream_*. No sets, no columns.
func (e *Evaluator) DownstreamColumns(ctx context.Context, sets []data.Dataset) ([]run.Column, error) {
	each := make([]metric.Metrics, len(sets))
	for i, set := range sets {
		var err error
		if each[i], err = e.Metrics(ctx, set); err != nil {
			return nil, err
		}
	}
	return FlatColumns(e.model.Name, sets, each)
}

// FlatColumns joins the metrics of several data sets.
func FlatColumns(model string, sets []data.Dataset, each []metric.Metrics) ([]run.Column, error) {
	if len(sets) == 0 {
		return nil, nil
	}
	var out []run.Column
	for i, set := range sets {
		out = append(out, run.Prefixed(set.Name()+"_", Columns(model, each[i]))...)
	}
	mean, err := metric.AverageDownstream(each)
	if err != nil {
		return nil, err
	}
	return append(out, Columns(model, mean)[1:]...), nil
}
