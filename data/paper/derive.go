package paper

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"urlbench/urlkit/results"
)

// configColumns are the export's columns that describe a run's configuration or
// fate, and the names under which the tidy table has them.
var configColumns = map[string]string{
	"model": "model", "loss": "loss", "unc-module": "unc-module", "lr": "lr", "num-heads": "num-heads",
	"State": "state", "Created": "created", "Runtime": "runtime-s",
}

// Derive makes the tidy table from three CSV files: the export with one row a run;
// the runs that the plotting scripts list by hand for each choice of
// hyper-parameters, as columns choice and csv_row; and the hyper-parameters of the
// README's commands, one row a method and backbone. Cells are taken as they are,
// nothing is averaged or rounded; an empty cell and the text NaN are missing.
//
// The README's hyper-parameters are given to the runs of the R-AUROC choice, and
// only where its learning rate is the one of those runs (20 of 22 labels): elsewhere
// the command belongs to a run that the figures do not show.
func Derive(export, final, hyper io.Reader) (results.Table, error) {
	choices := map[int][]string{}
	err := eachRow(final, func(_ int, row map[string]string) error {
		n, err := strconv.Atoi(row["csv_row"])
		if err != nil {
			return fmt.Errorf("csv_row %q is not a number", row["csv_row"])
		}
		choices[n] = append(choices[n], row["choice"])
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the chosen runs: %w", err)
	}
	published := map[string]map[string]string{}
	err = eachRow(hyper, func(_ int, row map[string]string) error {
		if row["lr_agrees"] != "true" {
			return nil
		}
		c := map[string]string{"lr-base": row["readme_lr_base"], "batch-size": row["readme_batch_size"],
			"inv-temp": row["readme_inv_temp"], "unc-start-value": row["readme_unc_start_value"]}
		for _, pair := range strings.Split(row["readme_other"], ";") {
			if k, v, ok := strings.Cut(pair, "="); ok {
				c[strings.ReplaceAll(k, "_", "-")] = v
			}
		}
		published[row["label"]] = c
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the hyper-parameters: %w", err)
	}

	var t results.Table
	err = eachRow(export, func(n int, row map[string]string) error {
		run := results.Run{Source: results.Paper, Row: n, Name: row["Name"], Sweep: row["Sweep"],
			Choices: choices[n], Config: map[string]string{}, Metrics: map[string]float64{}}
		heads := 1
		if h := row["num-heads"]; h != "" {
			var err error
			if heads, err = strconv.Atoi(h); err != nil {
				return fmt.Errorf("num-heads %q is not a number", h)
			}
		}
		run.Method, run.Backbone = results.Identify(row["model"], row["loss"], heads)
		for column, cell := range row {
			if name, ok := configColumns[column]; ok {
				put(run.Config, name, cell)
			} else if column != "Name" && column != "Sweep" && cell != "" && cell != "NaN" {
				v, err := strconv.ParseFloat(cell, 64)
				if err != nil || math.IsInf(v, 0) {
					return fmt.Errorf("%s: %q is not a number", column, cell)
				}
				run.Metrics[column] = v
			}
		}
		for _, choice := range run.Choices {
			if choice == results.ChoiceRAUROC {
				for k, v := range published[run.Label()] {
					put(run.Config, k, v)
				}
			}
		}
		t = append(t, run)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the export: %w", err)
	}
	return t, nil
}

func put(m map[string]string, key, value string) {
	if _, there := m[key]; !there && value != "" {
		m[key] = value
	}
}

// eachRow calls f with every data row, counted from 1, as a map from column to cell.
func eachRow(r io.Reader, f func(n int, row map[string]string) error) error {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return fmt.Errorf("the file is empty")
	}
	for i, cells := range rows[1:] {
		row := map[string]string{}
		for j, h := range rows[0] {
			row[h] = cells[j]
		}
		if err := f(i+1, row); err != nil {
			return fmt.Errorf("row %d: %w", i+1, err)
		}
	}
	return nil
}
