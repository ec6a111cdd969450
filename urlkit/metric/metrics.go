package metric

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Metric is one number under its published name.
type Metric struct {
	Name  string
	Value float64
	// Note says why the value is NaN, or what else to know about it.
	Note string
}

// Metrics are the numbers of a data set in the order in which they are printed.
type Metrics []Metric

// Get returns the named value.
func (m Metrics) Get(name string) (float64, bool) {
	for _, x := range m {
		if x.Name == name {
			return x.Value, true
		}
	}
	return math.NaN(), false
}

// Prefixed returns the metrics with a prefix before their names, such as "repr/cub_".
func (m Metrics) Prefixed(prefix string) Metrics {
	out := make(Metrics, len(m))
	for i, x := range m {
		out[i] = Metric{prefix + x.Name, x.Value, x.Note}
	}
	return out
}

// Rounded returns the values rounded as the original publishes them: four
// decimals, except for min_unc, max_unc and avg_unc.
//
// Python's round, used for top1, top5, croppedHasBiggerUnc and auroc_correct,
// rounds the exact binary value; numpy's, which r1 and the rank correlations get,
// rounds value times 10,000. They differ at halves: 1/160 is 0.0063 and 0.0062.
func (m Metrics) Rounded() Metrics {
	out := make(Metrics, len(m))
	for i, x := range m {
		switch {
		case hasName(x.Name, "r1", "rcorr_crop_unc", "rcorr_entropy"):
			x.Value = math.RoundToEven(x.Value*1e4) / 1e4
		case hasName(x.Name, "top1", "top5", "croppedHasBiggerUnc", "auroc_correct", "auroc_correct_original"):
			x.Value = roundDecimal(x.Value)
		}
		out[i] = x
	}
	return out
}

// hasName reports whether name is one of the names, possibly behind a data set's
// name and an underscore.
func hasName(name string, names ...string) bool {
	for _, n := range names {
		if rest, ok := strings.CutSuffix(name, n); ok && (rest == "" || strings.HasSuffix(rest, "_")) {
			return true
		}
	}
	return false
}

func roundDecimal(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', 4, 64), 64)
	if err != nil {
		panic(err) // FormatFloat's output always parses
	}
	return r
}

// MarshalJSON writes one object in the order of the metrics. JSON has neither NaN
// nor infinities: NaN becomes null, the others "Infinity" and "-Infinity".
func (m Metrics) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, x := range m {
		if i > 0 {
			out.WriteByte(',')
		}
		key, err := json.Marshal(x.Name)
		if err != nil {
			return nil, err
		}
		out.Write(key)
		out.WriteByte(':')
		switch {
		case math.IsNaN(x.Value):
			out.WriteString("null")
		case math.IsInf(x.Value, 0):
			out.WriteString(map[bool]string{true: `"Infinity"`, false: `"-Infinity"`}[x.Value > 0])
		default:
			out.WriteString(strconv.FormatFloat(x.Value, 'g', -1, 64))
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// AverageDownstream returns the plain mean over data sets of every metric of the
// first one, named "avg_downstream_" and its name. The original averages rounded
// values: pass those. A NaN makes the mean NaN. A set that lacks one of the
// metrics is an error, as are no sets.
func AverageDownstream(sets []Metrics) (Metrics, error) {
	if len(sets) == 0 {
		return nil, inputError("downstream data sets", -1, "none to average")
	}
	var out Metrics
	for _, x := range sets[0] {
		sum, note := 0.0, ""
		for i, set := range sets {
			v, ok := set.Get(x.Name)
			if !ok {
				return nil, fmt.Errorf("metric: downstream data set %d has no %s, which the first one has: average sets of one kind", i, x.Name)
			}
			if v != v && note == "" {
				note = fmt.Sprintf("NaN in downstream data set %d", i)
			}
			sum += v
		}
		out = append(out, Metric{"avg_downstream_" + x.Name, sum / float64(len(sets)), note})
	}
	return out, nil
}
