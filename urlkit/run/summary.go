package run

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
)

// Column is one value of a row under its name: a number, or Text if that is set.
type Column struct {
	Name  string `json:"name"`
	Value Number `json:"value"`
	Text  string `json:"text,omitempty"`
	// Note says why Value is NaN, or what else to know; it is not written.
	Note string `json:"-"`
}

// Row is a row of summary.csv.
type Row []Column

// Get returns the named number.
func (r Row) Get(name string) (float64, bool) {
	for _, c := range r {
		if c.Name == name {
			return float64(c.Value), true
		}
	}
	return 0, false
}

// Prefixed returns the columns with a prefix before their names.
func Prefixed(prefix string, columns []Column) Row {
	out := make(Row, len(columns))
	for i, c := range columns {
		c.Name = prefix + c.Name
		out[i] = c
	}
	return out
}

// EpochRow is the row of one epoch, with the original's columns in its order:
// epoch, train_*, eval_*, best_eval_*, best_test_*, best_furthertest_*, lr.
func EpochRow(epoch int, train, eval, bestEval, bestTest, bestFurther []Column, lr float64) Row {
	row := Row{{Name: "epoch", Text: strconv.Itoa(epoch), Value: Number(epoch)}}
	row = append(row, Prefixed("train_", train)...)
	row = append(row, Prefixed("eval_", eval)...)
	row = append(row, Prefixed("best_eval_", bestEval)...)
	row = append(row, Prefixed("best_test_", bestTest)...)
	row = append(row, Prefixed("best_furthertest_", bestFurther)...)
	return append(row, Column{Name: "lr", Value: Number(lr)})
}

// AppendSummary adds a row to summary.csv; the header is the first row's names.
func (r *Run) AppendSummary(row Row) error {
	old, err := os.ReadFile(r.Path("summary.csv"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return WriteFile(r.Path("summary.csv"), appendRow(old, row))
}

func appendRow(old []byte, row Row) []byte {
	out := bytes.NewBuffer(old)
	w := csv.NewWriter(out)
	names, values := make([]string, len(row)), make([]string, len(row))
	for i, c := range row {
		names[i], values[i] = c.Name, c.Text
		if c.Text == "" {
			values[i] = FormatFloat(float64(c.Value))
		}
	}
	if len(old) == 0 {
		w.Write(names) // to a buffer: no error
	}
	w.Write(values)
	w.Flush()
	return out.Bytes()
}

// TruncateSummary drops the rows of epochs that are not finished: those that a
// killed process wrote before its checkpoint.
func (r *Run) TruncateSummary(epochs int) error {
	data, err := os.ReadFile(r.Path("summary.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	var out []byte
	for i, line := range lines {
		first, _, _ := strings.Cut(string(line), ",")
		if e, err := strconv.Atoi(first); i == 0 || err == nil && e < epochs {
			out = append(out, line...)
		}
	}
	if len(out) == len(data) {
		return nil
	}
	return WriteFile(r.Path("summary.csv"), out)
}

// Summary reads summary.csv. Cells that are no numbers are in Text.
func (r *Run) Summary() ([]Row, error) {
	data, err := os.ReadFile(r.Path("summary.csv"))
	if err != nil {
		return nil, err
	}
	records, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Path("summary.csv"), err)
	}
	var rows []Row
	for i, rec := range records {
		if i == 0 {
			continue
		}
		var row Row
		for j, cell := range rec {
			c := Column{Name: records[0][j]}
			if v, err := strconv.ParseFloat(cell, 64); err == nil {
				c.Value = Number(v)
			} else {
				c.Text, c.Value = cell, Number(math.NaN())
			}
			row = append(row, c)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// FormatFloat writes a number as Python's repr does, which is what the original's
// files hold: 1.0, 0.0001, 1e-05, nan.
func FormatFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case f == 0:
		if math.Signbit(f) {
			return "-0.0"
		}
		return "0.0"
	}
	if a := math.Abs(f); a >= 1e-4 && a < 1e16 {
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	return strconv.FormatFloat(f, 'e', -1, 64)
}
