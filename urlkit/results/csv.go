package results

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The tidy table's columns before the metrics. Every other column is a
// hyper-parameter if its name starts with configPrefix, and a metric if not.
var fixed = []string{"source", "row", "name", "sweep", "method", "backbone", "data", "seed", "choices"}

const configPrefix = "config."

// Read reads a tidy table as Write makes it: one row a run, the columns source, row,
// name, sweep, method, backbone, data, seed and choices, hyper-parameters as
// config.<name>, and every other column a metric. An empty cell, or NaN, is missing.
func Read(r io.Reader) (Table, error) {
	cr := csv.NewReader(r)
	rows, err := cr.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	if len(rows) == 0 {
		return nil, errors.New("results: the table is empty; want a header line and one line a run")
	}
	head := rows[0]
	at := map[string]int{}
	for i, h := range head {
		at[h] = i
	}
	for _, f := range []string{"method", "backbone"} {
		if _, ok := at[f]; !ok {
			return nil, fmt.Errorf("results: the table has no column %q; want the columns that results.Write makes", f)
		}
	}
	var t Table
	for n, row := range rows[1:] {
		run := Run{Config: map[string]string{}, Metrics: map[string]float64{}}
		for i, h := range head {
			if err := run.set(h, row[i]); err != nil {
				return nil, fmt.Errorf("results: line %d, column %s: %w", n+2, h, err)
			}
		}
		if run.Source == "" {
			run.Source = Own
		}
		t = append(t, run)
	}
	return t, nil
}

func (r *Run) set(column, cell string) error {
	if cell == "" || cell == "NaN" {
		return nil
	}
	var err error
	switch column {
	case "source":
		r.Source = cell
	case "row":
		r.Row, err = strconv.Atoi(cell)
	case "name":
		r.Name = cell
	case "sweep":
		r.Sweep = cell
	case "method":
		r.Method = cell
	case "backbone":
		r.Backbone = cell
	case "data":
		r.Data = cell
	case "seed":
		r.Seed, err = strconv.Atoi(cell)
	case "choices":
		r.Choices = strings.Fields(cell)
	default:
		if name, ok := strings.CutPrefix(column, configPrefix); ok {
			r.Config[name] = cell
			return nil
		}
		var v float64
		if v, err = strconv.ParseFloat(cell, 64); err == nil && !math.IsNaN(v) {
			r.Metrics[column] = v
		}
	}
	if err != nil {
		return fmt.Errorf("%q is not a number", cell)
	}
	return nil
}

// Write writes the table as CSV: the columns that Read knows, in a fixed order, the
// hyper-parameters and metrics sorted by name, numbers with all their digits.
func (t Table) Write(w io.Writer) error {
	config, metrics := map[string]bool{}, map[string]bool{}
	for _, r := range t {
		for k := range r.Config {
			config[k] = true
		}
		for k := range r.Metrics {
			metrics[k] = true
		}
	}
	configs, names := slices.Sorted(maps.Keys(config)), slices.Sorted(maps.Keys(metrics))
	head := slices.Clone(fixed)
	for _, k := range configs {
		head = append(head, configPrefix+k)
	}
	head = append(head, names...)

	cw := csv.NewWriter(w)
	cw.Write(head)
	for _, r := range t {
		row := []string{r.Source, count(r.Row), r.Name, r.Sweep, r.Method, r.Backbone, r.Data, count(r.Seed),
			strings.Join(r.Choices, " ")}
		for _, k := range configs {
			row = append(row, r.Config[k])
		}
		for _, k := range names {
			cell := ""
			if v, ok := r.Metrics[k]; ok {
				cell = strconv.FormatFloat(v, 'g', -1, 64)
			}
			row = append(row, cell)
		}
		cw.Write(row)
	}
	cw.Flush()
	return cw.Error()
}

// count leaves a cell empty where the number is not known.
func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
