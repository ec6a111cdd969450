package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"urlbench/safetensors"
	"urlbench/urlkit/config"
	"urlbench/urlkit/device"
	"urlbench/urlkit/evaluate"
	"urlbench/urlkit/weights"
)

// miniFlags measure the convnet on the embedded data, small.
var miniFlags = []string{"--data=mini", "--split=validation", "--img-size=16", "--unc_module=class-entropy", "--num-classes=6", "--dataset-downstream", "soft/mini-blend"}

// writeConvnet writes random weights of that model, the matrices times scale.
func writeConvnet(t *testing.T, path string, seed uint64, scale float64) {
	t.Helper()
	dev, err := device.Open()
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.ParseValidate(miniFlags)
	if err != nil {
		t.Fatal(err)
	}
	m, err := evaluate.NewModel(dev, cfg, 6)
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := weights.Wanted(dev.Backend, func(s *model.Scope, x *Node) { m.Forward(m.Context(s, false), x) }, 1, 16, 16, 3)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(seed, 1))
	var all []*safetensors.Tensor
	for _, w := range wanted {
		if w.Shape.DType == dtypes.Int64 {
			all = append(all, &safetensors.Tensor{Name: w.Name, DType: safetensors.I64, Shape: w.Shape.Dimensions, Data: make([]byte, 8*w.Shape.Size())})
			continue
		}
		x := make([]float32, w.Shape.Size())
		for i := range x {
			switch dims := w.Shape.Dimensions; {
			case len(dims) > 1:
				x[i] = float32(scale * r.NormFloat64() * math.Sqrt(2*float64(dims[0])/float64(len(x))))
			case strings.HasSuffix(w.Name, "bias") || strings.HasSuffix(w.Name, "mean"):
				x[i] = float32(0.1 * r.NormFloat64())
			default:
				x[i] = 1
			}
		}
		all = append(all, safetensors.FromFloat32s(w.Name, w.Shape.Dimensions, x))
	}
	var buf bytes.Buffer
	if err := safetensors.Write(&buf, all, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestValidateBulk measures a folder of two checkpoints, once per format, and a
// run made of one of them.
func TestValidateBulk(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("URLBENCH_RUNS", dir)
	checkpoints := filepath.Join(dir, "checkpoints")
	if err := os.Mkdir(checkpoints, 0o755); err != nil {
		t.Fatal(err)
	}
	writeConvnet(t, filepath.Join(checkpoints, "checkpoint-10.safetensors"), 10, 1)
	writeConvnet(t, filepath.Join(checkpoints, "checkpoint-9.safetensors"), 9, 1)
	table := filepath.Join(dir, "results.csv")
	out, err := execute(t, append([]string{"validate", "--checkpoint", checkpoints, "--results-file", table, "--metrics=extended"}, miniFlags...)...)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(out, "--result\n")
	var rows []map[string]any
	if err := json.Unmarshal([]byte(text), &rows); err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v in %s", len(rows), err, text)
	}
	fh, err := os.Open(table)
	if err != nil {
		t.Fatal(err)
	}
	defer fh.Close()
	lines, err := csv.NewReader(fh).ReadAll()
	if err != nil || len(lines) != 3 {
		t.Fatalf("%d lines in the CSV, %v", len(lines), err)
	}
	if len(lines[0]) != len(rows[0]) {
		t.Errorf("%d columns in the CSV, %d in JSON", len(lines[0]), len(rows[0]))
	}
	for i, name := range []string{"checkpoint-9.", "checkpoint-10."} {
		if got := lines[i+1][len(lines[0])-1]; !strings.Contains(got, name) {
			t.Errorf("row %d is of %s, want %s", i, got, name)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".results*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	for _, name := range []string{"r1", "auroc_correct", "auroc_correct_original", "ece", "brier", "aurc", "r1_low", "knn100",
		"soft/mini-blend_ood_auroc", "soft/mini-blend_augrc", "soft/mini-blend_auroc_correct_high", "avg_downstream_ood_auroc", "avg_downstream_rcorr_entropy"} {
		if v, ok := rows[0][name].(float64); !ok || v < -1 || v > 2 {
			t.Errorf("%s is %v", name, rows[0][name])
		}
	}
	for _, name := range []string{"soft/mini-blend_ece", "soft/mini-blend_brier", "ood_auroc", "avg_downstream_r1_low"} {
		if v, ok := rows[0][name]; ok {
			t.Errorf("%s is %v, want it left out", name, v)
		}
	}
	if !strings.Contains(out, "OOD AUROC") {
		t.Errorf("no second table in\n%s", out)
	}

	// The same weights as a run: its own settings name the data.
	run := filepath.Join(dir, "run")
	if err := os.MkdirAll(filepath.Join(run, "model_best"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(checkpoints, "checkpoint-9.safetensors"), filepath.Join(run, "model_best", "model.safetensors")); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse([]string{"--data=mini", "--img-size=16", "--unc_module=class-entropy", "--num-classes=6", "--dataset-downstream", "soft/mini-blend"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(run, "args.yaml"), cfg.YAML(), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err = execute(t, "validate", "run", "--results-file", filepath.Join(dir, "run.json"), "--results-format=json"); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "run.json"))
	var row map[string]any
	if err != nil || json.Unmarshal(content, &row) != nil {
		t.Fatalf("%v in %s", err, content)
	}
	if got, want := row["eval_soft/mini-blend_r1"], rows[0]["soft/mini-blend_r1"]; got != want || want == nil {
		t.Errorf("the run's R@1 is %v, its weights' %v", got, want)
	}
	if _, ok := row["eval_ece"]; ok || strings.Contains(out, "OOD AUROC") {
		t.Error("extended metrics without --metrics extended")
	}
}

func TestValidateSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	writeConvnet(t, "good.safetensors", 1, 1)
	writeConvnet(t, "nan.safetensors", 1, math.NaN())
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--checkpoint=none"}, []string{"none"}},
		{[]string{"--checkpoint=good.safetensors", "--results-file=none/r.csv"}, []string{"--results-file", "none", "make it first"}},
		{[]string{"--checkpoint=good.safetensors", "--dataset=mini/upstraem"}, []string{"mini/upstraem"}},
		{[]string{"--checkpoint=good.safetensors", "--dataset-downstream", "repr/cub", "--data-dir-downstream=nowhere"}, []string{"nowhere"}},
		{[]string{"--checkpoint=good.safetensors", "--metrics=all"}, []string{"--metrics=all", "extended"}},
		{[]string{"--checkpoint=nan.safetensors"}, []string{"nan.safetensors", "mini/upstream", "600 of 600 embeddings"}},
	} {
		_, err := execute(t, append(append([]string{"validate"}, miniFlags...), c.args...)...)
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: error %v, want one line", c.args, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v: error %v, want one with %q", c.args, err, want)
			}
		}
	}
}
