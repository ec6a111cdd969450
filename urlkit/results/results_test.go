package results

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestIdentify(t *testing.T) {
	for _, c := range []struct {
		model, loss      string
		heads            int
		method, backbone string
	}{
		{"resnet50", "cross-entropy", 1, "CE", "ResNet 50"},
		{"resnet50", "cross-entropy", 10, "Ensemble", "ResNet 50"},
		{"resnet50hetxl", "cross-entropy", 1, "HET-XL", "ResNet 50"},
		{"resnet50dropout", "cross-entropy", 1, "MCDropout", "ResNet 50"},
		{"vit_medium_patch16_gap_256sngp", "cross-entropy", 1, "SNGP", "ViT Medium"},
		{"vit_medium_patch16_gap_256", "mcinfonce", 1, "MCInfoNCE", "ViT Medium"},
		{"vit_medium_patch16_gap_256", "riskpred", 1, "Riskpred", "ViT Medium"},
		{"resnet50", "losspred", 1, "Riskpred", "ResNet 50"}, // its later name
		{"resnet50", "hib", 1, "HIB", "ResNet 50"},
		{"resnet50", "nivmf", 1, "nivMF", "ResNet 50"},
		{"resnet50", "elk", 1, "ELK", "ResNet 50"},
		{"resnet50", "infonce", 1, "InfoNCE", "ResNet 50"},
		{"convnet", "elk", 1, "ELK", "convnet"},
		{"convnetsngp", "cross-entropy", 1, "SNGP", "convnet"},
		{"convnet", "my-loss", 1, "my-loss", "convnet"},
	} {
		if m, b := Identify(c.model, c.loss, c.heads); m != c.method || b != c.backbone {
			t.Errorf("Identify(%s, %s, %d) = %s, %s; want %s, %s", c.model, c.loss, c.heads, m, b, c.method, c.backbone)
		}
	}
}

// The original's summary.csv, with its slashes in names and its text column, and its
// args.yaml, with underscores and nulls.
func TestReadOriginalRun(t *testing.T) {
	for _, path := range []string{"testdata/original", "testdata/original/summary.csv"} {
		r, err := ReadRun(path)
		if err != nil {
			t.Fatal(err)
		}
		if r.Label() != "HET-XL ResNet 50" || r.Seed != 3 || r.Name != "original" || r.Source != Own {
			t.Errorf("%s: %s, seed %d, name %s, source %s", path, r.Label(), r.Seed, r.Name, r.Source)
		}
		// The last of four epochs; the best was the third.
		if got := r.Metric("epoch"); got != 3 {
			t.Errorf("%s: epoch %v", path, got)
		}
		if a, b := r.Metric("best_eval_avg_downstream_auroc_correct"), r.Metric("eval_avg_downstream_auroc_correct"); !(a > b) {
			t.Errorf("%s: best R-AUROC %v, last %v; want the best row's value", path, a, b)
		}
		if _, ok := r.Metrics["eval_model"]; ok {
			t.Error("a text column is a metric")
		}
		if r.Config["inv-temp"] != "28.75" || r.Config["unc-module"] != "class-entropy" {
			t.Errorf("config %v", r.Config)
		}
		if _, ok := r.Config["opt-betas"]; ok {
			t.Error("null is a hyper-parameter")
		}
	}
}

func TestReadRuns(t *testing.T) {
	table, err := ReadRuns("testdata/runs", "testdata/original/summary.csv")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range table {
		got = append(got, fmt.Sprintf("%s: %s %d", r.Name, r.Label(), r.Seed))
	}
	want := []string{"elk-mini-1: ELK convnet, mini 1", "ce-mini-1: Ensemble convnet, mini 2", "original: HET-XL ResNet 50 3"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("runs %q, want %q", got, want)
	}
	// A line that is still being written does not count.
	if v := table[0].Metric("epoch"); v != 1 {
		t.Errorf("the last whole epoch is %v", v)
	}
	if v := table[1].Metric("best_test_avg_downstream_auroc_correct"); !math.IsNaN(v) {
		t.Errorf("a NaN is %v", v)
	}
}

// Without args.yaml a run is named after its folder.
func TestReadRunWithoutArgs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "somebody's")
	write(t, filepath.Join(dir, SummaryFile), "epoch,best_test_avg_downstream_r1\n0,0.5\n")
	r, err := ReadRun(dir)
	if err != nil || r.Method != "somebody's" || r.Metric("best_test_avg_downstream_r1") != 0.5 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestReadErrors(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "empty", "x.txt"), "")
	write(t, filepath.Join(dir, "headed", SummaryFile), "epoch,lr\n")
	write(t, filepath.Join(dir, "ragged", SummaryFile), "epoch,lr\n0\n1,0.1\n")
	write(t, filepath.Join(dir, "badargs", SummaryFile), "epoch,lr\n0,1\n")
	write(t, filepath.Join(dir, "badargs", ArgsFile), "model: [\n")
	for path, want := range map[string]string{
		"nowhere": "no such file", "empty": "no summary.csv in or below", "headed": "no epoch in it",
		"ragged": "line 2 has 1 cells", "badargs": ArgsFile,
	} {
		_, err := ReadRuns(filepath.Join(dir, path))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") && path != "badargs" {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                            "empty",
		"a,b\n1,2\n":                  `no column "method"`,
		"method,backbone,row\nCE,x,y": "line 2, column row",
		"method,backbone,m\nCE,x,y":   "line 2, column m",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// What is written reads back the same, to the last digit.
func TestWriteRead(t *testing.T) {
	in := Table{
		{Method: "ELK", Backbone: "ResNet 50", Name: "a,b", Sweep: "s", Source: Paper, Row: 7, Choices: []string{ChoiceRAUROC, ChoiceR1},
			Config: map[string]string{"lr": "0.1"}, Metrics: map[string]float64{"best_eval_r1": 1.0 / 3}},
		{Method: "CE", Backbone: "convnet", Data: "mini", Seed: 4, Source: Own,
			Config: map[string]string{"inv-temp": "2"}, Metrics: map[string]float64{"best_eval_top1": 63.1, "x": math.Pi}},
	}
	var buf bytes.Buffer
	if err := in.Write(&buf); err != nil {
		t.Fatal(err)
	}
	out, err := Read(&buf)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(in, out) {
		t.Errorf("wrote %+v, read %+v", in, out)
	}
}

func TestTable(t *testing.T) {
	a := Table{{Method: "A", Backbone: "x", Source: Paper, Choices: []string{ChoiceR1}}, {Method: "B", Backbone: "x", Source: Paper}}
	both := a.With(Table{{Method: "A", Backbone: "y", Source: Own}})
	if len(a) != 2 || len(both) != 3 {
		t.Errorf("%d and %d runs", len(a), len(both))
	}
	if got := both.Labels(); !reflect.DeepEqual(got, []string{"A x", "A y", "B x"}) {
		t.Errorf("labels %q", got)
	}
	if got := both.Choice(ChoiceR1).Labels(); !reflect.DeepEqual(got, []string{"A x", "A y"}) {
		t.Errorf("chosen %q", got)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func ExampleReadRuns() {
	table, err := ReadRuns("testdata/runs")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, run := range table {
		fmt.Println(run.Label(), run.Metric("best_test_avg_downstream_r1"))
	}
	// Output:
	// ELK convnet, mini 0.69
	// Ensemble convnet, mini 0.74
}
