package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"urlbench/urlkit/run"
	"urlbench/urlkit/weights"
)

func newExportCmd() *cobra.Command {
	var from, to, which string
	var all bool
	cmd := &cobra.Command{
		Use:   "export --checkpoint RUN --to model.safetensors",
		Short: "Write weights as safetensors with timm's names, which timm's models load strictly",
		Long: "Takes a run's folder, a checkpoint's folder, or a .safetensors, .pth or .pth.tar file. What the benchmark adds to a\n" +
			"timm model (the pred-net, an ensemble's heads) is left out, unless --all is given. In Python:\n\n" +
			"  model = timm.create_model(\"resnet50\", num_classes=N)\n" +
			"  model.load_state_dict(safetensors.torch.load_file(\"model.safetensors\"))",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return export(cmd.OutOrStdout(), from, which, to, all)
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "checkpoint", "", "run, checkpoint folder or weights file")
	f.StringVar(&which, "which", "", "checkpoint of a run: model_best, last or checkpoint-N (default: the best, else the last)")
	f.StringVar(&to, "to", "", "safetensors file to write")
	f.BoolVar(&all, "all", false, "keep the entries that timm's model doesn't have")
	for _, name := range []string{"checkpoint", "to"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined above
		}
	}
	return cmd
}

func export(w io.Writer, from, which, to string, all bool) error {
	if filepath.Ext(to) != ".safetensors" {
		return fmt.Errorf("--to=%s: want a name ending in .safetensors", to)
	}
	path := from
	if st, err := os.Stat(from); err == nil && st.IsDir() {
		if _, err := os.Stat(filepath.Join(from, "model.safetensors")); err != nil || which != "" {
			r, err := run.Open(from)
			if err != nil {
				return err
			}
			if path, err = r.Checkpoint(which); err != nil {
				return err
			}
		}
	}
	s, err := weights.Open(path)
	if err != nil {
		return err
	}
	defer s.Close()
	left, err := weights.Export(s, to, all)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: %d tensors from %s\n", to, len(s.Names())-len(left), s.Path)
	if len(left) > 0 {
		fmt.Fprintf(w, "left out, as timm's model has no place for them: %s\n", strings.Join(left, ", "))
	}
	return nil
}
