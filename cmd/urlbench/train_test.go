package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"urlbench/urlkit/config"
)

func execute(t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := newRootCmd()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// TestDryRunOfEveryPublishedCommand pastes each command as published and compares
// every value that it names with what is printed, the effective batch and the
// number of learning rates; nothing is written.
func TestDryRunOfEveryPublishedCommand(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, p := range config.Presets() {
		for _, name := range []string{"train", "train.py"} {
			out, err := execute(t, append(append([]string{name}, strings.Fields(p.Args)...), "--dry-run")...)
			if err != nil {
				t.Fatalf("%s: %v", p.Name, err)
			}
			var got map[string]any
			if err := yaml.Unmarshal([]byte(out), &got); err != nil {
				t.Fatalf("%s: the output is not YAML: %v", p.Name, err)
			}
			want := map[string]string{"batch_size": "128", "accumulation_steps": "16", "warmup_lr": "1e-4"}
			for _, word := range strings.Fields(p.Args) {
				flag, value, _ := strings.Cut(strings.TrimPrefix(word, "--"), "=")
				want[strings.ReplaceAll(flag, "-", "_")] = value
			}
			for k, w := range want {
				if text := fmt.Sprint(got[k]); !sameValue(text, w) {
					t.Errorf("%s: %s is %s, want %s", p.Name, k, text, w)
				}
			}
			batch, _ := strconv.Atoi(want["batch_size"])
			steps, _ := strconv.Atoi(want["accumulation_steps"])
			if got["effective_batch"] != batch*steps {
				t.Errorf("%s: effective batch %v, want %d", p.Name, got["effective_batch"], batch*steps)
			}
			rates, _ := got["learning_rate_per_epoch"].(map[any]any)
			if rates == nil {
				t.Fatalf("%s: learning rates %v", p.Name, got["learning_rate_per_epoch"])
			}
			if len(rates) != 32 || !sameValue(fmt.Sprint(rates[0]), want["warmup_lr"]) {
				t.Errorf("%s: %d learning rates, the first %v; want 32 from %s", p.Name, len(rates), rates[0], want["warmup_lr"])
			}
			if !strings.Contains(out, "# flag\n") || !strings.Contains(out, "# default\n") {
				t.Errorf("%s: no sources in the output", p.Name)
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("a dry run left %v", left)
	}
}

func sameValue(got, want string) bool {
	if got == want || strings.EqualFold(got, want) {
		return true
	}
	a, errA := strconv.ParseFloat(got, 64)
	b, errB := strconv.ParseFloat(want, 64)
	return errA == nil && errB == nil && a == b
}

func TestTrainAndValidateErrors(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	locked := filepath.Join(dir, "file")
	if err := os.WriteFile(locked, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"train --epoch=3":                              "--epochs",
		"train --preset elkk":                          "elk-vit",
		"train --data mini --loss elq":                 "riskpred",
		"train --data mini --dataset repr/cup":         "repr/",
		"train --data mini --output file --epochs 1":   "file",
		"train --data-dir /no/such --model convnet":    "/no/such",
		"train --resume /no/such":                      "/no/such",
		"validate":                                     "--checkpoint",
		"validate nothing-here":                        "nothing-here",
		"validate --results-format=xml x":              "json",
		"validate --checkpoint /no/such/w.safetensors": "/no/such/w.safetensors",
	} {
		_, err := execute(t, strings.Fields(line)...)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", line, err, want)
		}
	}
}
