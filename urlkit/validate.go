package urlkit

import (
	"context"
	"encoding/json"
	"strings"

	"urlbench/urlkit/config"
	"urlbench/urlkit/evaluate"
	"urlbench/urlkit/run"
)

// Report is every metric of a model, by published name: eval_ for the upstream set
// and the downstream validation sets, test_ and furthertest_ for the test sets,
// with the data set's name, or avg_downstream, between.
type Report struct {
	Name    string // the run's
	Columns run.Row
}

// Metric returns a metric by name, such as "test_avg_downstream_auroc_correct".
func (r *Report) Metric(name string) (float64, bool) { return r.Columns.Get(name) }

// Validate measures a run's best checkpoint on all its data sets.
func Validate(ctx context.Context, r *Run) (report *Report, err error) {
	defer recovered(&err)
	m, err := r.Model()
	if err != nil {
		return nil, err
	}
	defer m.Store.Finalize()
	return ValidateModel(ctx, m, r.Settings, r.Name())
}

// ValidateModel measures a model on the data sets that the settings name.
func ValidateModel(ctx context.Context, m *evaluate.Model, cfg *config.Config, name string) (report *Report, err error) {
	defer recovered(&err)
	e, err := evaluate.New(m, evaluate.OptionsOf(cfg))
	if err != nil {
		return nil, err
	}
	defer e.Close()
	report = &Report{Name: name}
	for _, part := range []struct {
		prefix, split string
		upstream      bool
		names         []string
	}{
		{"eval_", cfg.ValSplit, true, []string{cfg.DatasetEval}},
		{"eval_", cfg.ValSplit, false, cfg.DatasetDownstream},
		{"test_", cfg.TestSplit, false, cfg.DatasetDownstream},
		{"furthertest_", cfg.TestSplit, false, cfg.FurtherDatasetDownstream},
	} {
		sets, err := evaluate.OpenSets(cfg, part.names, part.split, part.upstream)
		if err != nil {
			return nil, err
		}
		var columns run.Row
		if len(sets) == 0 {
			continue
		}
		if part.upstream {
			columns, err = e.UpstreamColumns(ctx, sets[0])
		} else {
			columns, err = e.DownstreamColumns(ctx, sets)
		}
		if err != nil {
			return nil, err
		}
		report.Columns = append(report.Columns, run.Prefixed(part.prefix, columns)...)
	}
	return report, nil
}

// Measure measures a model as validate.py does, under its names without a prefix:
// the upstream set, then each downstream set with its name before. The settings of
// a run (isRun) name the sets differently from validate.py's: its downstream sets
// are measured on their test split, and the further ones with them. The report
// holds the same numbers for WriteTable.
func Measure(ctx context.Context, m *evaluate.Model, cfg *config.Config, isRun bool) (columns run.Row, report *Report, err error) {
	defer recovered(&err)
	if isRun {
		report, err := ValidateModel(ctx, m, cfg, m.Name)
		if err != nil {
			return nil, nil, err
		}
		return report.Columns, report, nil
	}
	e, err := evaluate.New(m, evaluate.OptionsOf(cfg))
	if err != nil {
		return nil, nil, err
	}
	defer e.Close()
	upstream, err := evaluate.OpenSets(cfg, []string{cfg.Dataset}, cfg.Split, true)
	if err != nil {
		return nil, nil, err
	}
	var names []string
	for _, n := range cfg.DatasetDownstream {
		if n != cfg.Dataset { // the original's way to measure one set alone
			names = append(names, n)
		}
	}
	downstream, err := evaluate.OpenSets(cfg, names, cfg.Split, false)
	if err != nil {
		return nil, nil, err
	}
	if columns, err = e.UpstreamColumns(ctx, upstream[0]); err != nil {
		return nil, nil, err
	}
	rest, err := e.DownstreamColumns(ctx, downstream)
	if err != nil {
		return nil, nil, err
	}
	columns = append(columns, rest...)
	return columns, &Report{Name: m.Name, Columns: columns}, nil
}

// String is WriteTable's text.
func (r *Report) String() string {
	var b strings.Builder
	r.WriteTable(&b) // a builder does not fail
	return b.String()
}

// MarshalJSON writes one object, in the order of the columns; NaN is null.
func (r *Report) MarshalJSON() ([]byte, error) { return ColumnsJSON(r.Columns, "") }

// ColumnsJSON writes columns as a JSON object in their order, one line each if
// indent is not empty. NaN becomes null.
func ColumnsJSON(columns []run.Column, indent string) ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, c := range columns {
		if i > 0 {
			b.WriteByte(',')
		}
		if indent != "" {
			b.WriteString("\n" + indent)
		}
		name, err := json.Marshal(c.Name)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		if indent != "" {
			b.WriteByte(' ')
		}
		switch {
		case c.Text != "":
			text, err := json.Marshal(c.Text)
			if err != nil {
				return nil, err
			}
			b.Write(text)
		case float64(c.Value) != float64(c.Value):
			b.WriteString("null")
		default:
			number, err := json.Marshal(c.Value)
			if err != nil {
				return nil, err
			}
			b.Write(number)
		}
	}
	if indent != "" {
		b.WriteString("\n")
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}
