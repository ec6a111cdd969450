package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"urlbench/data/paper"
	"urlbench/figures"
	"urlbench/urlkit/results"
)

func newFiguresCmd() *cobra.Command {
	var (
		runs, only, formats    []string
		out, style             string
		withNumbers, published bool
		dpi                    int
	)
	cmd := &cobra.Command{
		Use:   "figures [RUN...]",
		Short: "Draw the paper's figures, from its results and from your runs",
		Long: `Draw the figures of the paper. Your runs (--runs, or as arguments: run folders, the folder of all
runs, or a summary.csv, of this program or of the original) are marked: hatched bars, marks with a black
edge. A figure whose metrics or methods are missing is drawn with what is there and says what is not.`,
		Example: `  urlbench figures --out out/figures
  urlbench figures --runs output/train --only benchmark,overview --format png,pdf --out out/figures
  urlbench figures --style clean --numbers --out out/figures`,
		RunE: func(cmd *cobra.Command, args []string) error {
			specs, err := chosenFigures(only)
			if err != nil {
				return err
			}
			for _, f := range formats {
				if !slices.Contains(figures.Formats(), f) {
					return fmt.Errorf("--format %s: want one or more of %s", f, strings.Join(figures.Formats(), ","))
				}
			}
			if !slices.Contains(figures.Styles(), figures.Style(style)) {
				return fmt.Errorf("--style %s: want faithful or clean", style)
			}
			if dpi < 0 || dpi > 2400 {
				return fmt.Errorf("--dpi %d: want 1 to 2400, or 0 for each figure's own", dpi)
			}
			var table results.Table
			if published {
				table = paper.Results()
			}
			if runs = append(runs, args...); len(runs) > 0 {
				mine, err := results.ReadRuns(runs...)
				if err != nil {
					return err
				}
				table = table.With(mine)
			}
			if len(table) == 0 {
				return errors.New("--paper=false leaves no results: name your runs with --runs")
			}
			if err := os.MkdirAll(out, 0o755); err != nil {
				return err
			}
			return drawFigures(cmd, specs, table, figures.Style(style), formats, out, dpi, withNumbers)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&runs, "runs", nil, "run `folders` or summary.csv files to draw, looked for in all folders below")
	f.StringSliceVar(&only, "only", nil, "`names` of the figures to draw (default all): "+strings.Join(figureNames(), ", "))
	f.StringSliceVar(&formats, "format", []string{"png"}, "`formats` to write: png, svg, pdf")
	f.StringVar(&out, "out", "out/figures", "`folder` to write to")
	f.StringVar(&style, "style", string(figures.Faithful), "faithful: as in the paper; clean: mended, with colours that colour-blind readers tell apart")
	f.IntVar(&dpi, "dpi", 0, "pixels an inch of PNG files (default: 300, the correlations 150)")
	f.BoolVar(&withNumbers, "numbers", false, "write what each figure draws as <figure>.csv too")
	f.BoolVar(&published, "paper", true, "draw the paper's results; --paper=false draws your runs alone")
	return cmd
}

func figureNames() []string {
	var names []string
	for _, s := range figures.All() {
		names = append(names, s.Name)
	}
	return names
}

func chosenFigures(only []string) ([]figures.Spec, error) {
	all := figures.All()
	if len(only) == 0 {
		return all, nil
	}
	var out []figures.Spec
	for _, name := range only {
		i := slices.IndexFunc(all, func(s figures.Spec) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("--only %s: no such figure; want one or more of %s", name, strings.Join(figureNames(), ","))
		}
		out = append(out, all[i])
	}
	return out, nil
}

// drawFigures writes the figures one after the other. One without anything to draw is
// told and passed over, as long as another has something.
func drawFigures(cmd *cobra.Command, specs []figures.Spec, table results.Table, style figures.Style, formats []string, out string, dpi int, withNumbers bool) error {
	var figs []*figures.Figure
	var empty error
	for _, spec := range specs {
		fig, err := spec.Draw(table, style)
		if err != nil {
			empty = err
			fmt.Fprintf(cmd.OutOrStdout(), "%s: not drawn: %v\n", spec.Name, err)
			continue
		}
		figs = append(figs, fig)
		if dpi > 0 {
			fig.SetDPI(dpi)
		}
		for _, format := range formats {
			path := filepath.Join(out, spec.Name+"."+format)
			if err := fig.Save(path); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), path)
		}
		for _, m := range fig.Missing {
			fmt.Fprintf(cmd.OutOrStdout(), "  missing in %s: %s\n", spec.Name, m)
		}
	}
	if len(figs) == 0 {
		return empty
	}
	if !withNumbers {
		return nil
	}
	paths, err := figures.WriteNumbers(out, append(figs, figures.NumbersOf(table))...)
	for _, p := range paths {
		fmt.Fprintln(cmd.OutOrStdout(), p)
	}
	return err
}
