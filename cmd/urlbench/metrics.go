package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"urlbench/safetensors"
	"urlbench/urlkit/metric"
)

// metricsInput are the files of the command; each is FILE or FILE:NAME.
type metricsInput struct {
	embeddings, uncertainties, labels, soft, logits, cropped, fractions string
	metrics                                                             string
	secondHit, json                                                     bool
}

func newMetricsCmd() *cobra.Command {
	var in metricsInput
	cmd := &cobra.Command{
		Use:   "metrics --embeddings e.npy --uncertainties u.npy --labels y.npy",
		Short: "Compute the benchmark's metrics from arrays of any framework",
		Long: "Computes R@1, R-AUROC and, where their inputs are given, all other metrics of the benchmark under their published\n" +
			"names. Arrays come from .npy, .npz and .safetensors files; FILE:NAME picks one of several in a file.",
		Example: "  urlbench metrics --embeddings e.npy --uncertainties u.npy --labels y.npy --json\n" +
			"  urlbench metrics --embeddings all.npz:e --uncertainties all.npz:u --labels all.npz:y --soft-labels all.npz:votes",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return runMetrics(cmd.OutOrStdout(), in) },
	}
	f := cmd.Flags()
	f.StringVar(&in.embeddings, "embeddings", "", "floats [images, dimensions]")
	f.StringVar(&in.uncertainties, "uncertainties", "", "floats [images], larger is less sure")
	f.StringVar(&in.labels, "labels", "", "whole numbers [images], the classes")
	f.StringVar(&in.soft, "soft-labels", "", "votes of several annotators [images, classes]")
	f.StringVar(&in.logits, "logits", "", "class scores [images, classes]")
	f.StringVar(&in.cropped, "cropped-uncertainties", "", "floats [images], uncertainties of the cropped images")
	f.StringVar(&in.fractions, "crop-fractions", "", "floats [images], each crop's side relative to its image")
	f.BoolVar(&in.secondHit, "original-r1", false, "take the neighbour as the original: the second hit of a search that includes the image")
	f.StringVar(&in.metrics, "metrics", "standard", "standard (the published ones), or extended: also intervals, AURC, AUGRC, k-NN, ECE and Brier score")
	f.BoolVar(&in.json, "json", false, "print one JSON object keyed by the published names")
	for _, name := range []string{"embeddings", "uncertainties", "labels"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined above
		}
	}
	return cmd
}

func runMetrics(w io.Writer, in metricsInput) error {
	if in.metrics != "standard" && in.metrics != "extended" {
		return fmt.Errorf("--metrics=%q: choose standard or extended", in.metrics)
	}
	s, paths, err := readSamples(in)
	if err != nil {
		return err
	}
	m, err := metric.Dictionary(s, metric.Options{SecondHit: in.secondHit})
	if err != nil {
		return nameFile(err, paths)
	}
	m = m.Rounded()
	if in.metrics == "extended" {
		more, err := metric.Extended(s, metric.Options{})
		if err != nil {
			return nameFile(err, paths)
		}
		m = append(m, more...)
	}
	return printMetrics(w, m, in.json)
}

// printMetrics writes a JSON object, or a table with the notes of values that need one.
func printMetrics(w io.Writer, m metric.Metrics, asJSON bool) error {
	if asJSON {
		data, err := json.MarshalIndent(m, "", "    ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s\n", data)
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, x := range m {
		fmt.Fprintf(table, "%s\t%v", x.Name, x.Value)
		if x.Note != "" {
			fmt.Fprintf(table, "\t%s", x.Note)
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

// readSamples reads all given files and says which input came from which file.
func readSamples(in metricsInput) (s metric.Samples, paths map[string]string, err error) {
	paths = map[string]string{}
	// read opens one array and hands it on; n < 0 accepts any number of rows.
	n := -1
	read := func(input, spec, shape string, columns bool, use func(path string, x *safetensors.Tensor) error) {
		if err != nil || spec == "" {
			return
		}
		x, path, closeFile, openErr := openArray(spec)
		if err = openErr; err != nil {
			return
		}
		paths[input] = path
		dims := []int{n}
		if columns {
			dims = append(dims, -1)
		}
		want := shape
		if n >= 0 {
			want = fmt.Sprintf("%s with %d images as in %s", shape, n, paths["embeddings"])
		}
		if err = arrayShape(path, x, want, dims...); err == nil {
			err = use(path, x)
		}
		if closeErr := closeFile(); err == nil {
			err = closeErr
		}
	}
	floating := func(use func(x *safetensors.Tensor)) func(string, *safetensors.Tensor) error {
		return func(path string, x *safetensors.Tensor) error {
			switch x.DType {
			case safetensors.F64, safetensors.F32, safetensors.F16, safetensors.BF16:
				use(x)
				return nil
			}
			return fmt.Errorf("%s: elements are %s, want floats", path, x.DType)
		}
	}
	read("embeddings", in.embeddings, "[images, dimensions]", true, floating(func(x *safetensors.Tensor) {
		n, s.Dim, s.Features = x.Shape[0], x.Shape[1], x.Float32s()
	}))
	read("uncertainties", in.uncertainties, "[images]", false, floating(func(x *safetensors.Tensor) { s.Uncertainty = x.Float32s() }))
	read("labels", in.labels, "[images]", false, func(path string, x *safetensors.Tensor) error {
		s.Labels, err = wholeNumbers(path, x)
		return err
	})
	read("soft labels", in.soft, "[images, classes]", true, func(path string, x *safetensors.Tensor) error {
		s.Soft, s.SoftClasses = x.Float64s(), x.Shape[1]
		return nil
	})
	read("logits", in.logits, "[images, classes]", true, floating(func(x *safetensors.Tensor) {
		s.Logits, s.Classes = x.Float32s(), x.Shape[1]
	}))
	read("cropped uncertainties", in.cropped, "[images]", false, floating(func(x *safetensors.Tensor) { s.Cropped = x.Float32s() }))
	read("crop fractions", in.fractions, "[images]", false, floating(func(x *safetensors.Tensor) { s.CropFraction = x.Float64s() }))
	if err != nil {
		return s, nil, err
	}
	if (in.cropped == "") != (in.fractions == "") {
		return s, nil, errors.New("--cropped-uncertainties and --crop-fractions go together: give both or none")
	}
	for input, x := range map[string][]float32{"uncertainties": s.Uncertainty, "cropped uncertainties": s.Cropped} {
		for i, u := range x {
			if u != u {
				return s, nil, fmt.Errorf("%s: row %d is NaN, want a number", paths[input], i)
			}
		}
	}
	return s, paths, nil
}

// wholeNumbers reads labels; floats that are whole numbers pass.
func wholeNumbers(path string, x *safetensors.Tensor) ([]int, error) {
	labels := make([]int, x.Len())
	if values, err := x.Int64s(); err == nil {
		for i, v := range values {
			labels[i] = int(v)
		}
		return labels, nil
	}
	for i, v := range x.Float64s() {
		if v != math.Trunc(v) || math.Abs(v) > 1<<53 {
			return nil, fmt.Errorf("%s: row %d is %v, want a whole number", path, i, v)
		}
		labels[i] = int(v)
	}
	return labels, nil
}

// nameFile replaces an input's name by its file's.
func nameFile(err error, paths map[string]string) error {
	var bad *metric.InputError
	if !errors.As(err, &bad) || paths[bad.Input] == "" {
		return err
	}
	if bad.Row < 0 {
		return fmt.Errorf("%s: %s", paths[bad.Input], bad.Problem)
	}
	return fmt.Errorf("%s: row %d: %s", paths[bad.Input], bad.Row, bad.Problem)
}
