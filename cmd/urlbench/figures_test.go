package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func runFigures(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := newFiguresCmd()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	err := cmd.Execute()
	return out.String(), err
}

// A run's folder, drawn beside the paper's and alone, in every format, with numbers.
func TestFigures(t *testing.T) {
	dir := t.TempDir()
	run := filepath.Join("..", "..", "urlkit", "results", "testdata", "runs")
	out, err := runFigures(t, "--runs", run, "--only", "benchmark,benchmark_r1", "--format", "png,svg,pdf", "--numbers", "--dpi", "60", "--out", dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"benchmark.png", "benchmark.svg", "benchmark.pdf", "benchmark_r1.png", "benchmark.csv", "benchmark_r1.csv", "final_runs.csv"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(out, name) {
			t.Errorf("the output does not name %s", name)
		}
	}
	table, err := os.ReadFile(filepath.Join(dir, "benchmark.csv"))
	if err != nil || !strings.Contains(string(table), `"ELK convnet, mini (own)",ELK,"convnet, mini",ELK,0.61,`) {
		t.Errorf("%s\n%v", table, err)
	}
	if !strings.Contains(out, "missing in benchmark: ce-mini-1: no best_test_avg_downstream_auroc_correct") {
		t.Errorf("what is missing is not told: %s", out)
	}

	// Alone the runs have no further data sets: that figure is passed over and told.
	out, err = runFigures(t, run, "--paper=false", "--only", "human,benchmark_r1", "--out", dir)
	if err != nil || !strings.Contains(out, "human: not drawn") || !strings.Contains(out, "benchmark_r1.png") {
		t.Errorf("%s%v", out, err)
	}
}

func TestFiguresErrors(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--only", "bench"}, "--only bench: no such figure"},
		{[]string{"--format", "gif"}, "--format gif"},
		{[]string{"--style", "modern"}, "--style modern: want faithful or clean"},
		{[]string{"--paper=false"}, "name your runs"},
		{[]string{"--dpi", "-3"}, "--dpi -3"},
		{[]string{"--runs", dir}, "no summary.csv in or below"},
		{[]string{"--runs", filepath.Join(dir, "nowhere")}, "nowhere"},
		{[]string{"--paper=false", "--runs", filepath.Join("..", "..", "urlkit", "results", "testdata", "runs"), "--only", "human"}, "nothing to draw"},
	} {
		_, err := runFigures(t, append(c.args, "--out", filepath.Join(dir, "out"))...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.args, err, c.want)
		}
	}
}
