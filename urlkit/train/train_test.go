package train

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"urlbench/data"
	"urlbench/internal/fixture"
	"urlbench/safetensors"
	"urlbench/urlkit/config"
	"urlbench/urlkit/evaluate"
	"urlbench/urlkit/metric"
	"urlbench/urlkit/run"
)

func TestMain(m *testing.M) { os.Exit(fixture.Main(m, "train")) }

// named is a data set of which only the name matters.
type named struct {
	data.Dataset
	name string
}

func (n named) Name() string { return n.name }

// registryNames maps the recorded run's folders to data sets.
var registryNames = map[string]string{
	"cub200": "repr/cub", "cars196": "repr/cars", "online_products": "repr/sop", "CIFAR10H": "soft/cifar",
	"Treeversity#1": "soft/treeversity1", "Turkey": "soft/turkey", "Pig": "soft/pig", "Benthic": "soft/benthic",
}

// TestFixtureTrain replays a recorded train.py: from each data set's features,
// logits and uncertainties in each epoch to which sets are evaluated when, the
// flattened dictionaries and the bytes of summary.csv.
func TestFixtureTrain(t *testing.T) {
	raw, err := os.ReadFile(fixture.Path("data/e2e_train.json"))
	if err != nil {
		t.Fatal(err)
	}
	var meta struct {
		Command   []string  `json:"command"`
		Loss      []float64 `json:"train_loss_per_epoch"`
		CallOrder []string  `json:"call_order"`
		BestEpoch int       `json:"model_best_epoch"`
		Cases     map[string]struct {
			Targets string         `json:"targets"`
			Metrics map[string]any `json:"metrics"`
		} `json:"cases"`
	}
	if err := json.Unmarshal(raw, &meta); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse(meta.Command)
	if err != nil {
		t.Fatal(err)
	}
	schedule, err := Schedule(cfg, 1)
	if err != nil {
		t.Fatal(err)
	}
	f := fixture.Open(t, "data/e2e_train.safetensors")
	readers := fixture.Open(t, "data/readers.safetensors")

	// The sets of each epoch and part, in the order in which they were evaluated.
	part := func(epoch int, name string) (sets []data.Dataset, each []metric.Metrics) {
		prefix := fmt.Sprintf("e%d/%s/", epoch, name)
		for _, call := range meta.CallOrder {
			folder, ok := strings.CutPrefix(call, prefix)
			if !ok {
				continue
			}
			c := meta.Cases[call]
			target := readTargets(t, f, readers, c.Targets)
			m := recordedMetrics(t, fixture.Case{File: f, Name: call}, target)
			for _, x := range m {
				fixture.Case{File: f, Name: call}.CompareTo(t, x.Name, "float32", []float64{x.Value}, []float64{number(t, c.Metrics[x.Name])}, fixture.Abs(metricTolerance(x.Name)))
			}
			sets, each = append(sets, named{name: registryNames[folder]}), append(each, m)
		}
		return sets, each
	}
	flat := func(epoch int, name string) run.Row {
		sets, each := part(epoch, name)
		columns, err := evaluate.FlatColumns(cfg.Model, sets, each)
		if err != nil {
			t.Fatal(err)
		}
		return columns
	}

	r, err := run.Create(t.TempDir(), cfg.YAML())
	if err != nil {
		t.Fatal(err)
	}
	best := run.Best{}
	history := run.History{Max: cfg.CheckpointHist}
	var bestEval, bestTest, bestFurther run.Row
	for epoch, loss := range meta.Loss {
		_, upstream := part(epoch, "eval_upstream")
		eval := append(evaluate.Columns(cfg.Model, upstream[0]), flat(epoch, "eval")...)
		value, ok := run.Row(eval).Get(cfg.EvalMetric)
		if !ok {
			t.Fatalf("no %s", cfg.EvalMetric)
		}
		tested := false
		for _, call := range meta.CallOrder {
			tested = tested || strings.HasPrefix(call, fmt.Sprintf("e%d/test/", epoch))
		}
		if improved := best.Improved(value); improved != tested {
			t.Fatalf("epoch %d: best so far %v, the original says %v", epoch, improved, tested)
		} else if improved {
			bestEval, bestTest, bestFurther = eval, flat(epoch, "test"), flat(epoch, "furthertest")
		}
		history.Add(epoch, value)
		row := run.EpochRow(epoch, []run.Column{{Name: "loss", Value: run.Number(loss)}}, eval, bestEval, bestTest, bestFurther, schedule.LR(epoch))
		if err := r.AppendSummary(row); err != nil {
			t.Fatal(err)
		}
	}
	if history.Best.Epoch != meta.BestEpoch {
		t.Errorf("best checkpoint is of epoch %d, want %d", history.Best.Epoch, meta.BestEpoch)
	}
	want, err := os.ReadFile(fixture.Path("data/e2e_train_summary.csv"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(r.Path("summary.csv"))
	if err != nil {
		t.Fatal(err)
	}
	compareCSV(t, string(got), string(want))
}

// compareCSV compares cell by cell: names and texts exactly, numbers up to the
// tolerance of their metric.
func compareCSV(t *testing.T, got, want string) {
	t.Helper()
	dir := t.TempDir()
	read := func(text string) []run.Row {
		r := &run.Run{Dir: dir}
		if err := os.WriteFile(r.Path("summary.csv"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		rows, err := r.Summary()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	g, w := read(got), read(want)
	ok := len(g) == len(w)
	if !ok {
		t.Errorf("summary.csv has %d rows, want %d", len(g), len(w))
	}
	worst := 0.0
	for i := range min(len(g), len(w)) {
		if len(g[i]) != len(w[i]) {
			t.Fatalf("row %d has %d columns, want %d", i, len(g[i]), len(w[i]))
		}
		for j := range w[i] {
			a, b := g[i][j], w[i][j]
			d := math.Abs(float64(a.Value - b.Value))
			same := d <= metricTolerance(b.Name) || math.IsNaN(float64(a.Value)) && math.IsNaN(float64(b.Value))
			if !math.IsNaN(d) {
				worst = max(worst, d)
			}
			if a.Name != b.Name || a.Text != b.Text || !same {
				ok = false
				t.Errorf("row %d, column %d: %v, want %v", i, j, a, b)
			}
		}
	}
	fixture.Record("data/e2e_train_summary.csv", "summary", "names, order, values", "all columns", "1e-4 abs (rcorr_entropy 5e-3)", worst, ok)
}

func metricTolerance(name string) float64 {
	if strings.HasSuffix(name, "rcorr_entropy") {
		return 5e-3
	}
	return 1e-4
}

func number(t *testing.T, v any) float64 {
	t.Helper()
	switch v := v.(type) {
	case float64:
		return v
	case string:
		if v == "NaN" {
			return math.NaN()
		}
	}
	t.Fatalf("%v is no number", v)
	return 0
}

// readTargets finds a target tensor: [n] labels or [n, 1+classes] with votes.
func readTargets(t *testing.T, f, readers *fixture.File, name string) *safetensors.Tensor {
	t.Helper()
	for _, n := range []string{name, name + "/in.target"} {
		if f.Has(n) {
			x, err := f.Tensor(n)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
		if readers.Has(n) {
			x, err := readers.Tensor(n)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
	}
	if strings.Contains(name, "ImageNet2012") {
		x, err := readers.Tensor("soft/imagenet:validation/out.targets")
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	t.Fatalf("no targets %q", name)
	return nil
}

// recordedMetrics computes the dictionary of recorded arrays, with the original's
// R-AUROC in the exact one's place.
func recordedMetrics(t *testing.T, c fixture.Case, target *safetensors.Tensor) metric.Metrics {
	t.Helper()
	features, logits := c.Tensor(t, "in.features"), c.Tensor(t, "in.logits")
	s := metric.Samples{
		Features: features.Float32s(), Dim: features.Shape[1], Uncertainty: c.Tensor(t, "in.unc").Float32s(),
		Logits: logits.Float32s(), Classes: logits.Shape[1],
		Cropped: c.Tensor(t, "in.unc_c").Float32s(), CropFraction: c.Tensor(t, "in.center_crop").Float64s(),
	}
	values := target.Float64s()
	if len(target.Shape) == 1 {
		for _, v := range values {
			s.Labels = append(s.Labels, int(v))
		}
	} else {
		width := target.Shape[1]
		s.SoftClasses = width - 1
		for i := 0; i < len(values); i += width {
			s.Labels = append(s.Labels, int(values[i]))
			s.Soft = append(s.Soft, values[i+1:i+width]...)
		}
	}
	m, err := metric.Dictionary(s, metric.Options{SecondHit: true})
	if err != nil {
		t.Fatal(err)
	}
	m = m.Rounded()
	original, _ := m.Get("auroc_correct_original")
	var out metric.Metrics
	for _, x := range m {
		if x.Name == "auroc_correct_original" {
			continue
		}
		if x.Name == "auroc_correct" {
			x.Value = original
		}
		out = append(out, x)
	}
	return out
}
