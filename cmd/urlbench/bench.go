package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"urlbench/bench"
)

// newBenchCmd measures this machine. Each benchmark is a subcommand, one line here;
// without a subcommand all of them run, one after the other.
func newBenchCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure urlbench on this machine, beside its peers",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, sub := range cmd.Commands() {
				if sub.RunE == nil || !sub.IsAvailableCommand() {
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "\n%s\n\n", sub.CommandPath())
				sub.SetContext(cmd.Context())
				if err := sub.RunE(sub, nil); err != nil {
					return fmt.Errorf("%s: %w", sub.CommandPath(), err)
				}
			}
			return nil
		},
	}
	cmd.AddCommand(
		newBenchInputCmd(),
		newBenchRetrieveCmd(),
	)
	return cmd
}

func newBenchInputCmd() *cobra.Command {
	var o bench.InputOptions
	cmd := &cobra.Command{
		Use:   "input",
		Short: "Images per second and core: decoding and transforms, beside torchvision on Pillow",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := bench.Input(cmd.Context(), o)
			if err != nil {
				return err
			}
			return report.Write(cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.Images, "images", 64, "JPEG files to generate")
	f.IntVar(&o.Width, "width", 500, "their width in pixels")
	f.IntVar(&o.Height, "height", 375, "their height in pixels")
	f.IntVar(&o.Size, "img-size", 224, "side of the transformed square in pixels")
	f.IntVar(&o.Rounds, "rounds", 5, "rounds of each side, taken in turns")
	f.DurationVar(&o.Round, "round", time.Second, "CPU time of a round")
	f.StringVar(&o.Python, "python", "", "interpreter with torchvision for the peer (default: .venv, python3, /usr/bin/python3)")
	return cmd
}
