package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"urlbench/safetensors"
	"urlbench/urlkit/weights"
)

func TestExportCommand(t *testing.T) {
	dir := t.TempDir()
	var buf bytes.Buffer
	if err := safetensors.Write(&buf, []*safetensors.Tensor{
		safetensors.FromFloat32s("fc.weight", []int{2}, []float32{1, 2}),
		safetensors.FromFloat32s("unc_module.unc_module.0.bias", []int{1}, []float32{3}),
	}, map[string]string{"model": "resnet50"}); err != nil {
		t.Fatal(err)
	}
	checkpoint := filepath.Join(dir, "run", "model_best")
	if err := os.MkdirAll(checkpoint, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(checkpoint, "model.safetensors"), buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "run", "args.yaml"), []byte("model: resnet50\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "out.safetensors")
	for _, c := range []struct {
		args  []string
		names []string
	}{
		{[]string{"--checkpoint", checkpoint, "--to", to}, []string{"fc.weight"}},
		{[]string{"--checkpoint", filepath.Join(dir, "run"), "--to", to}, []string{"fc.weight"}},
		{[]string{"--checkpoint", filepath.Join(dir, "run"), "--which", "model_best", "--to", to, "--all"}, []string{"fc.weight", "unc_module.unc_module.0.bias"}},
	} {
		var out bytes.Buffer
		cmd := newExportCmd()
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		cmd.SetOut(&out)
		cmd.SetArgs(c.args)
		if err := cmd.Execute(); err != nil {
			t.Errorf("%v: %v", c.args, err)
			continue
		}
		s, err := weights.Open(to)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.Names(), c.names) {
			t.Errorf("%v: %v, want %v", c.args, s.Names(), c.names)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(out.String(), "left out"); said != (len(c.names) == 1) {
			t.Errorf("%v: said %q", c.args, out.String())
		}
	}
	cmd := newExportCmd()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs([]string{"--checkpoint", filepath.Join(dir, "none"), "--to", to})
	if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("no such run: error %v", err)
	}
}
