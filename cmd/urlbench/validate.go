package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"urlbench/urlkit"
	"urlbench/urlkit/config"
	"urlbench/urlkit/device"
	"urlbench/urlkit/evaluate"
	"urlbench/urlkit/run"
	"urlbench/urlkit/weights"
)

// newValidateCmd measures a model with validate.py's command line, or a run by its
// folder or name.
func newValidateCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "validate [RUN...] [flags]",
		Aliases: []string{"validate.py"},
		Short:   "Measure a run, weights or a folder of checkpoints on the benchmark",
		Example: "  urlbench validate output/train/RUN\n  urlbench validate --checkpoint weights.safetensors --model resnet50 --unc_module pred-net --dataset-downstream repr/cub --split test\n  urlbench validate RUN --results-file results.csv",

		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if wantsHelp(args) {
				return printUsage(cmd, config.Usage(true))
			}
			cfg, err := config.ParseValidate(args)
			if err != nil {
				return err
			}
			return runValidation(cmd, cfg)
		},
	}
}

func runValidation(cmd *cobra.Command, cfg *config.Config) error {
	if err := cfg.CheckRunnable(); err != nil {
		return err
	}
	targets, err := validationTargets(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	if dir := filepath.Dir(cfg.ResultsFile); cfg.ResultsFile != "" {
		if st, err := os.Stat(dir); err != nil || !st.IsDir() {
			return fmt.Errorf("--results-file=%s: there is no folder %s: make it first", cfg.ResultsFile, dir)
		}
	}
	dev, err := device.Open()
	if err != nil {
		return err
	}
	for _, n := range cfg.Notices() {
		fmt.Fprintln(os.Stderr, n)
	}
	fmt.Fprintf(os.Stderr, "Device: %s\n", dev)
	ctx, stop := interruptible(cmd.Context())
	defer stop()
	out := cmd.OutOrStdout()
	var rows [][]run.Column
	for _, t := range targets {
		m, c, err := t.open(dev, cfg)
		if err != nil {
			return err
		}
		columns, report, err := urlkit.Measure(ctx, m, c, t.run != nil)
		params := evaluate.Parameters(m.Store)
		m.Store.Finalize()
		if err != nil {
			if ctx.Err() != nil {
				return exitCode(130)
			}
			return fmt.Errorf("%s: %w", t.name, err)
		}
		fmt.Fprintf(out, "%s\n", t.name)
		if err := report.WriteTable(out); err != nil {
			return err
		}
		input := m.Input
		columns = append(columns,
			run.Column{Name: "param_count", Value: run.Number(float64(int(float64(params)/1e4+0.5)) / 100)},
			run.Column{Name: "img_size", Value: run.Number(input.Size)},
			run.Column{Name: "crop_pct", Value: run.Number(input.CropPct)},
			run.Column{Name: "interpolation", Text: input.Filter.String()})
		if len(targets) > 1 {
			columns = append(columns, run.Column{Name: "checkpoint", Text: t.name})
		}
		rows = append(rows, columns)
		if cfg.ResultsFile == "" {
			continue
		}
		// After each one, so that the last one's trouble costs no other's numbers.
		content, err := resultsFile(rows, cfg.ResultsFormat)
		if err != nil {
			return err
		}
		if err := run.WriteFile(cfg.ResultsFile, content); err != nil {
			return err
		}
	}
	text, err := resultsJSON(rows)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "--result\n%s\n", text)
	return err
}

// target is one thing to measure.
type target struct {
	name string
	run  *run.Run // or a file of weights:
	file string
	cp   string // the run's checkpoint, "" for the best
}

// validationTargets are the runs and files that the arguments and --checkpoint name.
func validationTargets(ctx context.Context, cfg *config.Config) ([]target, error) {
	var out []target
	names := cfg.Rest
	if cfg.Checkpoint != "" {
		names = append(names, cfg.Checkpoint)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("what is to be measured? Name a run (urlbench validate RUN) or give --checkpoint=FILE, FOLDER or hf_hub:OWNER/NAME")
	}
	for _, name := range names {
		if st, err := os.Stat(name); err == nil && !st.IsDir() {
			out = append(out, target{name: name, file: name})
			continue
		}
		if strings.HasPrefix(name, "hf_hub:") || strings.HasPrefix(name, "hf-hub:") {
			file, err := weights.Fetch(ctx, name)
			if err != nil {
				return nil, err
			}
			out = append(out, target{name: name, file: file})
			continue
		}
		if r, err := run.Open(filepath.Dir(filepath.Clean(name))); err == nil { // RUN/last
			if _, err := r.Checkpoint(filepath.Base(name)); err == nil {
				out = append(out, target{name: name, run: r, cp: filepath.Base(name)})
				continue
			}
		}
		if files := weightFiles(name); len(files) > 0 {
			for _, f := range files {
				out = append(out, target{name: f, file: f})
			}
			continue
		}
		r, err := run.Find(name, urlkit.RunsDir(), filepath.Join("output", "train"))
		if err != nil {
			return nil, err
		}
		out = append(out, target{name: r.Dir, run: r})
	}
	return out, nil
}

// weightFiles lists the weights directly in a folder, in natural order by length
// and name, so that checkpoint-9 comes before checkpoint-10.
func weightFiles(dir string) []string {
	var files []string
	for _, pattern := range []string{"*.safetensors", "*.pth", "*.pth.tar"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern))
		files = append(files, found...)
	}
	sort.Slice(files, func(i, j int) bool {
		if len(files[i]) != len(files[j]) {
			return len(files[i]) < len(files[j])
		}
		return files[i] < files[j]
	})
	return files
}

// open loads the target's model with its settings: a run's own with the flags given
// on top, or the flags alone.
func (t target) open(dev *device.Device, cfg *config.Config) (*evaluate.Model, *config.Config, error) {
	if t.run == nil {
		m, err := evaluate.LoadWeights(dev, cfg, t.file)
		return m, cfg, err
	}
	own, err := config.Load(t.run.Path("args.yaml"))
	if err != nil {
		return nil, nil, err
	}
	if err := own.OverrideWithValidation(cfg); err != nil {
		return nil, nil, err
	}
	dir, err := t.run.Checkpoint(t.cp)
	if err != nil {
		return nil, nil, err
	}
	m, err := evaluate.LoadWeights(dev, own, filepath.Join(dir, "model.safetensors"))
	return m, own, err
}

// resultsJSON is one object, or a list where several were measured.
func resultsJSON(rows [][]run.Column) (string, error) {
	var parts []string
	for _, r := range rows {
		text, err := urlkit.ColumnsJSON(r, "    ")
		if err != nil {
			return "", err
		}
		parts = append(parts, string(text))
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return "[\n" + strings.Join(parts, ",\n") + "\n]", nil
}

// resultsFile is --results-file's content.
func resultsFile(rows [][]run.Column, format string) ([]byte, error) {
	if format == "json" {
		text, err := resultsJSON(rows)
		return []byte(text + "\n"), err
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	var header []string // of all rows: runs may have been measured on other sets
	for _, row := range rows {
		for _, c := range row {
			if !slices.Contains(header, c.Name) {
				header = append(header, c.Name)
			}
		}
	}
	w.Write(header) // to a buffer: no error
	for _, row := range rows {
		byName := map[string]string{}
		for _, c := range row {
			if byName[c.Name] = c.Text; c.Text == "" {
				byName[c.Name] = run.FormatFloat(float64(c.Value))
			}
		}
		var line []string
		for _, name := range header {
			line = append(line, byName[name])
		}
		w.Write(line)
	}
	w.Flush()
	return b.Bytes(), w.Error()
}
