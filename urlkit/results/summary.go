package results

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// SummaryFile is the file of a run folder with one row an epoch, ArgsFile the one
// with its flags. Both have the original's format, so that its runs can be read too.
const (
	SummaryFile = "summary.csv"
	ArgsFile    = "args.yaml"
)

// Summary is a run's summary.csv: the values of every column, one an epoch, NaN
// where a cell is empty, NaN or no number.
type Summary struct {
	Columns []string // in the file's order
	Values  map[string][]float64
}

// ReadSummary reads a summary.csv, of this program or of the original.
func ReadSummary(path string) (*Summary, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cr := csv.NewReader(f)
	cr.FieldsPerRecord = -1
	rows, err := cr.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(rows) < 2 {
		return nil, fmt.Errorf("%s: no epoch in it; want a header line and one line an epoch", path)
	}
	s := &Summary{Columns: rows[0], Values: map[string][]float64{}}
	for n, row := range rows[1:] {
		// A run that is being written ends in half a line.
		if len(row) != len(s.Columns) && n == len(rows)-2 && n > 0 {
			break
		}
		if len(row) != len(s.Columns) {
			return nil, fmt.Errorf("%s: line %d has %d cells, the header %d", path, n+2, len(row), len(s.Columns))
		}
		for i, name := range s.Columns {
			v, err := strconv.ParseFloat(row[i], 64)
			if err != nil {
				v = math.NaN()
			}
			s.Values[name] = append(s.Values[name], v)
		}
	}
	return s, nil
}

// Last returns a column's value in the last epoch, NaN if there is none.
func (s *Summary) Last(column string) float64 {
	v := s.Values[column]
	if len(v) == 0 {
		return math.NaN()
	}
	return v[len(v)-1]
}

// ReadRun reads one run folder, or the summary.csv in it: the metrics of the last
// epoch's row, whose best_* columns already hold the best epoch's values, and method,
// backbone, data, seed and hyper-parameters from args.yaml beside it. Without
// args.yaml run and method are named after the folder.
func ReadRun(path string) (Run, error) {
	dir := path
	if info, err := os.Stat(path); err != nil {
		return Run{}, err
	} else if !info.IsDir() {
		dir = filepath.Dir(path)
	} else {
		path = filepath.Join(dir, SummaryFile)
	}
	s, err := ReadSummary(path)
	if err != nil {
		return Run{}, err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Run{}, err
	}
	run := Run{Source: Own, Name: filepath.Base(abs), Method: filepath.Base(abs), Backbone: "unknown model",
		Config: map[string]string{}, Metrics: map[string]float64{}}
	for _, c := range s.Columns {
		if v := s.Last(c); !math.IsNaN(v) {
			run.Metrics[c] = v
		}
	}
	args, err := readArgs(filepath.Join(dir, ArgsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return run, nil
	} else if err != nil {
		return Run{}, err
	}
	run.describe(args)
	return run, nil
}

// describe takes method, backbone, data and seed out of the flags.
func (r *Run) describe(args map[string]string) {
	r.Config = args
	heads, err := strconv.Atoi(args["num-heads"])
	if err != nil {
		heads = 1
	}
	r.Method, r.Backbone = Identify(args["model"], args["loss"], heads)
	r.Seed, _ = strconv.Atoi(args["seed"])
	r.Data = dataName(args["dataset"])
}

// dataName shortens a data set's name for a label, and leaves ImageNet-1k, the
// paper's upstream data, out: "mini/upstream" -> "mini".
func dataName(dataset string) string {
	if dataset == "" || strings.HasSuffix(dataset, "imagenet") {
		return ""
	}
	first, _, _ := strings.Cut(dataset, "/")
	if first == "repr" || first == "soft" || first == "torch" {
		return dataset
	}
	return first
}

// readArgs reads args.yaml as flags' names with hyphens and values as text. Lists and
// maps are left out: no label depends on them.
func readArgs(path string) (map[string]string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var tree map[string]yaml.Node
	if err := yaml.Unmarshal(raw, &tree); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	out := map[string]string{}
	for k, n := range tree {
		if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
			out[strings.ReplaceAll(k, "_", "-")] = n.Value
		}
	}
	return out, nil
}

// ReadRuns reads every run folder found at or below the given paths, in order of
// their paths. A path may also be a summary.csv. Finding none is an error.
func ReadRuns(paths ...string) (Table, error) {
	var t Table
	for _, root := range paths {
		var found []string
		err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if !d.IsDir() && (d.Name() == SummaryFile || p == root) {
				found = append(found, p)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("runs: %w", err)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("runs: no %s in or below %s; name a run's folder or the folder of all runs", SummaryFile, root)
		}
		slices.Sort(found)
		for _, p := range found {
			run, err := ReadRun(p)
			if err != nil {
				return nil, err
			}
			t = append(t, run)
		}
	}
	return t, nil
}
