package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"urlbench/internal/notebook"
)

func newNotebooksCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notebooks",
		Short: "Execute the notebooks headless, or check that they are clean",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newNotebooksRunCmd(), newNotebooksLintCmd())
	return cmd
}

func newNotebooksRunCmd() *cobra.Command {
	var out string
	var inPlace, verbose bool
	cmd := &cobra.Command{
		Use:   "run [flags] [NOTEBOOK...]",
		Short: "Execute notebooks (default: all) and write each as a page",
		RunE: func(cmd *cobra.Command, args []string) error {
			paths, err := notebookPaths(args)
			if err != nil {
				return err
			}
			jupyter, err := findTool("jupyter")
			if err != nil {
				return err
			}
			// Runs of their own, so that a training cell trains and does not find the
			// user's finished run of the same name.
			runs, err := filepath.Abs(filepath.Join(out, "notebook-runs"))
			if err != nil {
				return err
			}
			if err := os.RemoveAll(runs); err != nil {
				return err
			}
			var log bytes.Buffer
			runner := &notebook.Runner{Jupyter: jupyter, Env: append(kernelEnv(os.Environ()), "URLBENCH_RUNS="+runs), Log: io.Writer(&log)}
			if verbose {
				runner.Log = cmd.ErrOrStderr()
			}
			for _, path := range paths {
				start := time.Now()
				log.Reset()
				nb, err := runner.Execute(cmd.Context(), path, out)
				if err != nil {
					if nb == nil {
						return fmt.Errorf("%w: %s", err, lastLines(log.String(), 3))
					}
					return err
				}
				executed := filepath.Join(out, filepath.Base(path))
				page, err := runner.HTML(cmd.Context(), executed, out)
				if err != nil {
					return fmt.Errorf("%w: %s", err, lastLines(log.String(), 3))
				}
				if inPlace {
					if err := os.Rename(executed, path); err != nil {
						return err
					}
				}
				if nb.Displays() == 0 {
					return fmt.Errorf("%s shows no picture: a cell's output is missing", path)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %d pictures, %.0f s, %s\n", filepath.Base(path), nb.Displays(), time.Since(start).Seconds(), page)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "out/notebooks", "folder for the executed notebooks and pages")
	cmd.Flags().BoolVar(&inPlace, "in-place", false, "put the executed notebooks in the place of the given ones")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show what Jupyter says")
	return cmd
}

func newNotebooksLintCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "lint [NOTEBOOK...]",
		Short: "List what must not be committed in notebooks (default: all)",
		RunE: func(cmd *cobra.Command, args []string) error {
			paths, err := notebookPaths(args)
			if err != nil {
				return err
			}
			var problems []string
			for _, path := range paths {
				nb, err := notebook.Read(path)
				if err != nil {
					return err
				}
				problems = append(problems, nb.Lint()...)
			}
			if len(problems) > 0 {
				return errors.New(strings.Join(problems, "; "))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d notebooks are clean\n", len(paths))
			return nil
		},
	}
}

func notebookPaths(args []string) ([]string, error) {
	if len(args) > 0 {
		return args, nil
	}
	dir := projectFile("notebooks")
	paths, err := filepath.Glob(filepath.Join(dir, "*.ipynb"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("no notebooks in %q: name some", dir)
	}
	return paths, nil
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], " ")
}
