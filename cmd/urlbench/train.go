package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"urlbench/data"
	"urlbench/urlkit/config"
	"urlbench/urlkit/train"
)

// newTrainCmd trains with the original's command line. Flags are parsed by package
// config, which knows argparse's ways (lists of values, --flag=True).
func newTrainCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "train [flags]",
		Aliases: []string{"train.py"},
		Short:   "Train a method, with any published command of the original",
		Example: "  urlbench train --preset elk --data mini --epochs 3\n  urlbench train --model=resnet50 --loss=elk --inv_temp=28 --unc-module=pred-net --dry-run\n  urlbench train --resume output/train/RUN",

		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if wantsHelp(args) {
				return printUsage(cmd, config.Usage(false))
			}
			cfg, err := config.Parse(args)
			if err != nil {
				return err
			}
			if cfg.DryRun {
				return dryRun(cmd.OutOrStdout(), cfg)
			}
			return runTraining(cmd.Context(), cfg)
		},
	}
	return cmd
}

func runTraining(ctx context.Context, cfg *config.Config) error {
	ctx, stop := interruptible(ctx)
	defer stop()
	result, err := train.Run(ctx, cfg, train.Options{})
	if errors.Is(err, train.ErrInterrupted) {
		return exitCode(130)
	}
	if err != nil {
		return err
	}
	for _, name := range []string{"best_test_avg_downstream_r1", "best_test_avg_downstream_auroc_correct"} {
		if v, ok := result.Best(name); ok {
			fmt.Printf("%s: %.4f\n", name, v)
		}
	}
	fmt.Println(result.Run.Dir)
	return nil
}

// interruptible returns a context that ends at the first SIGINT or SIGTERM; a
// second one ends the program at once.
func interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for range signals {
			if ctx.Err() != nil {
				os.Exit(130)
			}
			fmt.Fprintln(os.Stderr, "\nurlbench: finishing the batch and saving; once more to stop at once")
			cancel()
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel()
	}
}

// dryRun prints every setting, where it comes from, and what follows from it.
func dryRun(w io.Writer, cfg *config.Config) error {
	if err := train.Check(cfg); err != nil {
		return err
	}
	if _, err := w.Write(cfg.YAMLWithSources()); err != nil {
		return err
	}
	batches := 1
	if set, err := data.Open(cfg.Dataset, cfg.TrainSplit, data.Options{Root: cfg.DataDir}); err == nil {
		batches = max(set.Len()/cfg.BatchSize, 1)
	}
	schedule, err := train.Schedule(cfg, batches)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n# resolved\neffective_batch: %d\nlearning_rate: %v\nlearning_rate_per_epoch:\n", cfg.EffectiveBatch(), cfg.LearningRate())
	for e := range schedule.Total() {
		fmt.Fprintf(w, "  %d: %v\n", e, schedule.LR(e))
	}
	for _, n := range cfg.Notices() {
		fmt.Fprintf(w, "# %s\n", n)
	}
	return nil
}

func wantsHelp(args []string) bool {
	for _, a := range args {
		if a == "-h" || a == "--help" {
			return true
		}
	}
	return false
}

func printUsage(cmd *cobra.Command, flags string) error {
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s.\n\nUsage:\n  %s\n\nExamples:\n%s\n\nFlags (hyphens and underscores are the same; presets: %v):\n%s", cmd.Short, cmd.UseLine(), cmd.Example, config.PresetNames(), flags)
	return err
}
