package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"urlbench/data/paper"
	"urlbench/figures"
	"urlbench/urlkit"
	"urlbench/urlkit/device"
	"urlbench/urlkit/results"
	"urlbench/urlkit/train"
)

// demoMethods are the two that the quickstart teaches: one that has an uncertainty
// for free, and one that learns it.
var demoMethods = []string{"cross-entropy", "elk"}

func newDemoCmd() *cobra.Command {
	var out string
	var seeds, epochs int
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole job on the embedded data: train two methods, measure them, draw them",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if seeds < 1 {
				return fmt.Errorf("--seeds=%d: want at least 1", seeds)
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			err := demo(ctx, cmd.OutOrStdout(), out, seeds, epochs)
			if errors.Is(err, train.ErrInterrupted) {
				return exitCode(130)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "out/demo", "folder for runs/ and figures/; runs that are there already are not trained again")
	cmd.Flags().IntVar(&seeds, "seeds", 3, "seeds 1 to N")
	cmd.Flags().IntVar(&epochs, "epochs", 3, "epochs of each run")
	return cmd
}

func demo(ctx context.Context, w io.Writer, out string, seeds, epochs int) error {
	runsDir := filepath.Join(out, "runs")
	if err := os.MkdirAll(runsDir, 0o755); err != nil {
		return fmt.Errorf("--out=%s: %w; choose a folder that can be written", out, err)
	}
	os.Setenv("URLBENCH_RUNS", runsDir)
	dev, err := device.Open()
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "Computing with", dev)
	start := time.Now()
	var runs []*urlkit.Run
	for _, preset := range demoMethods {
		for seed := 1; seed <= seeds; seed++ {
			run, err := urlkit.Train(ctx, urlkit.Preset(preset).On("mini").Epochs(epochs).Seed(seed))
			if err != nil {
				return err
			}
			runs = append(runs, run)
		}
	}
	mine, err := results.ReadRuns(runsDir)
	if err != nil {
		return err
	}
	if err := writeDemoTable(w, mine); err != nil {
		return err
	}
	figureDir := filepath.Join(out, "figures")
	if err := drawDemo(ctx, figureDir, mine, runs); err != nil {
		return err
	}
	fmt.Fprintf(w, "Figures: %s\nRuns: %s\n%.0f s in all\n", figureDir, runsDir, time.Since(start).Seconds())
	return nil
}

// writeDemoTable prints the two numbers of the paper for each run and method, on
// the test classes, which no run has seen.
func writeDemoTable(w io.Writer, mine results.Table) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "method\trun\tR@1\tR-AUROC\tcropped less sure\thuman-entropy corr.\t")
	columns := []string{
		"best_test_avg_downstream_r1", "best_test_avg_downstream_auroc_correct", "best_test_avg_downstream_croppedHasBiggerUnc",
		"best_furthertest_avg_downstream_rcorr_entropy",
	}
	for _, label := range mine.Labels() {
		of := mine.Filter(func(r results.Run) bool { return r.Label() == label })
		for _, r := range of {
			fmt.Fprintf(tw, "%s\t%s\t", label, r.Name)
			for _, c := range columns {
				fmt.Fprintf(tw, "%.3f\t", r.Metric(c))
			}
			fmt.Fprintln(tw)
		}
		fmt.Fprintf(tw, "%s\tmean\t", label)
		for _, c := range columns {
			sum := 0.0
			for _, v := range of.Column(c) {
				sum += v
			}
			fmt.Fprintf(tw, "%.3f\t", sum/math.Max(1, float64(len(of))))
		}
		fmt.Fprintln(tw)
	}
	fmt.Fprintln(tw, "\tchance\t0.500\t0.500\t0.500\t0.000\t")
	return tw.Flush()
}

// drawDemo draws the paper's benchmark with the runs in it, and what the first run
// of each method is sure of.
func drawDemo(ctx context.Context, dir string, mine results.Table, runs []*urlkit.Run) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	benchmark, err := figures.Benchmark(paper.Results().With(mine))
	if err != nil {
		return err
	}
	if err := benchmark.Save(filepath.Join(dir, "benchmark.png")); err != nil {
		return err
	}
	var curves []figures.Judged
	seen := map[string]bool{}
	for _, run := range runs {
		preset := run.Settings.Preset
		if seen[preset] {
			continue
		}
		seen[preset] = true
		answers, err := urlkit.Ask(ctx, run, "repr/mini-garments", "test")
		if err != nil {
			return err
		}
		curves = append(curves, answers.Judged(preset))
		gallery, err := answers.Gallery(6)
		if err != nil {
			return err
		}
		if err := gallery.Save(filepath.Join(dir, "queries_"+preset+".png")); err != nil {
			return err
		}
	}
	rejection, err := figures.Rejection(curves...)
	if err != nil {
		return err
	}
	return rejection.Save(filepath.Join(dir, "rejection.png"))
}
