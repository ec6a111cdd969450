package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"urlbench/urlkit"
	"urlbench/urlkit/config"
	"urlbench/urlkit/device"
	"urlbench/urlkit/evaluate"
	"urlbench/urlkit/run"
	"urlbench/urlkit/weights"
)

func runReport(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := newReportCmd()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(context.Background())
	return out.String(), err
}

// untrained makes a run on disk of a model as it begins.
func untrained(t *testing.T, dir string) {
	t.Helper()
	cfg, err := config.Parse([]string{"--preset=cross-entropy", "--data=mini", "--dataset-downstream", "repr/mini-garments", "--further-dataset-downstream", "soft/mini-blend"})
	if err != nil {
		t.Fatal(err)
	}
	dev, err := device.Open()
	if err != nil {
		t.Fatal(err)
	}
	m, err := evaluate.NewModel(dev, cfg, 6)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Store.Finalize()
	if _, _, err := urlkit.Measure(context.Background(), m, cfg, true); err != nil {
		t.Fatal(err)
	}
	entries, err := weights.FromStore(m.Store)
	if err != nil {
		t.Fatal(err)
	}
	r, err := run.Create(dir, cfg.YAML())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Save("checkpoint-0", run.Checkpoint{Weights: entries}, "last", "model_best"); err != nil {
		t.Fatal(err)
	}
	if err := r.AppendSummary(run.Row{{Name: "epoch", Value: 0}, {Name: "best_eval_avg_downstream_r1", Value: 0.5}}); err != nil {
		t.Fatal(err)
	}
}

// A run's folder becomes a page, whole, under the name asked for and nothing beside it.
func TestReportCommand(t *testing.T) {
	dir := t.TempDir()
	untrained(t, filepath.Join(dir, "runs", "a run"))
	out := filepath.Join(dir, "pages", "report.html")
	said, err := runReport(t, filepath.Join(dir, "runs", "a run"), "--out", out, "--resamples", "50", "--queries", "2")
	if err != nil || strings.TrimSpace(said) != out {
		t.Fatalf("%q, %v", said, err)
	}
	page, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"repr/mini-garments", "soft/mini-blend", "Label entropy", "a run", "loss: cross-entropy", "--resamples 50", "</html>"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if files, err := os.ReadDir(filepath.Dir(out)); err != nil || len(files) != 1 {
		t.Errorf("%d files beside the page: %v", len(files)-1, err)
	}
}

func TestReportErrors(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("URLBENCH_RUNS", filepath.Join(dir, "none"))
	t.Chdir(dir)
	for _, folder := range []string{"empty", "runs/one"} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("file", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("runs/one/args.yaml", []byte("seed: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "which runs?"},
		{[]string{"nowhere"}, `no run "nowhere"`},
		{[]string{"empty"}, "empty is not a run: no args.yaml in it"},
		{[]string{"runs"}, "holds 1: name them, such as runs/one"},
		{[]string{"file"}, "file is a file"},
		{[]string{"runs/one"}, "runs/one"},
		{[]string{"runs/one", "--out", "empty"}, "--out=empty: that is a folder"},
		{[]string{"runs/one", "--out", "file/report.html"}, "--out=file/report.html"},
		{[]string{"runs/one", "--queries", "0"}, "--queries=0"},
		{[]string{"runs/one", "--level", "95"}, "level between 0 and 1"},
	} {
		_, err := runReport(t, c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: %v, want one line with %q", c.args, err, c.want)
		}
	}
}
