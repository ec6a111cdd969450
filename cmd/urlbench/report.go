package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"urlbench/urlkit"
	"urlbench/urlkit/device"
	"urlbench/urlkit/report"
	"urlbench/urlkit/run"
)

func newReportCmd() *cobra.Command {
	var out string
	var o report.Options
	cmd := &cobra.Command{
		Use:   "report RUN...",
		Short: "Write one HTML page on what runs know and what they get wrong",
		Long: "Measures the best checkpoint of each RUN (a folder, or a name below the folder of runs) on its test sets and writes\n" +
			"one self-contained HTML page: metrics with bootstrap intervals beside the paper's methods, abstention curves,\n" +
			"uncertainties of right and wrong queries, galleries of both, the settings, and how to do it again.",
		Example: "  urlbench report elk-mini-1 cross-entropy-mini-1\n  urlbench report output/train/RUN --out out/report.html --queries 12",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("which runs? Name one or more: urlbench report RUN... --out %s", out)
			}
			if err := o.Check(); err != nil {
				return err
			}
			for _, f := range []struct {
				name string
				zero bool
			}{{"queries", o.Queries == 0}, {"resamples", o.Resamples == 0}, {"level", o.Level == 0}} {
				if f.zero {
					return fmt.Errorf("--%s=0: want more than 0", f.name)
				}
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			o.Made = time.Now()
			o.Command = reportCommand(args, cmd)
			err := writeReport(ctx, cmd, args, out, o)
			if ctx.Err() != nil {
				return exitCode(130)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&out, "out", "out/report.html", "`file` to write")
	f.IntVar(&o.Queries, "queries", 6, "queries in each gallery")
	f.IntVar(&o.Resamples, "resamples", 1000, "resamples of the bootstrap")
	f.Float64Var(&o.Level, "level", 0.95, "level of the intervals")
	f.Uint64Var(&o.Seed, "seed", 0, "seed of the bootstrap")
	return cmd
}

// reportCommand is the command line that makes the page again.
func reportCommand(args []string, cmd *cobra.Command) string {
	words := []string{"urlbench report"}
	for _, a := range args {
		words = append(words, report.Quote(a))
	}
	for _, name := range []string{"out", "queries", "resamples", "level", "seed"} {
		if f := cmd.Flags().Lookup(name); f.Changed {
			words = append(words, "--"+name+" "+report.Quote(f.Value.String()))
		}
	}
	return strings.Join(words, " ")
}

func writeReport(ctx context.Context, cmd *cobra.Command, args []string, out string, o report.Options) error {
	runs, err := reportRuns(args)
	if err != nil {
		return err
	}
	// What cannot be written is told now, not after the measuring.
	if st, err := os.Stat(out); err == nil && st.IsDir() {
		return fmt.Errorf("--out=%s: that is a folder: name a file in it, such as %s", out, filepath.Join(out, "report.html"))
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return fmt.Errorf("--out=%s: %w; choose a folder that can be written", out, err)
	}
	dev, err := device.Open()
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "Device: %s\n", dev)
	var entries []report.Entry
	for _, r := range runs {
		e, err := report.Ask(ctx, r, func(set string) { fmt.Fprintf(os.Stderr, "%s: %s\n", r.Name(), set) })
		if err != nil {
			return err
		}
		e.Compute = dev.String()
		entries = append(entries, e)
	}
	var page bytes.Buffer
	if err := report.Write(&page, entries, o); err != nil {
		return err
	}
	if err := run.WriteFile(out, page.Bytes()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), out)
	return err
}

// reportRuns opens the runs that the arguments name, each once.
func reportRuns(args []string) ([]*urlkit.Run, error) {
	var runs []*urlkit.Run
	for _, name := range args {
		r, err := urlkit.Open(name)
		if err != nil {
			return nil, explainNoRun(name, err)
		}
		if !slices.ContainsFunc(runs, func(o *urlkit.Run) bool { return o.Dir == r.Dir }) {
			runs = append(runs, r)
		}
	}
	return runs, nil
}

// explainNoRun says of a file or folder that is no run what it is instead.
func explainNoRun(name string, err error) error {
	st, e := os.Stat(name)
	if e != nil {
		return err
	}
	if !st.IsDir() {
		return fmt.Errorf("%s is a file: want a run's folder, as urlbench train writes it", name)
	}
	if _, e := os.Stat(filepath.Join(name, "args.yaml")); e == nil {
		return err
	}
	if inside, _ := filepath.Glob(filepath.Join(name, "*", "args.yaml")); len(inside) > 0 {
		return fmt.Errorf("%s is not a run but holds %d: name them, such as %s", name, len(inside), filepath.Dir(inside[0]))
	}
	return fmt.Errorf("%s is not a run: no args.yaml in it; want a folder that urlbench train has written", name)
}
