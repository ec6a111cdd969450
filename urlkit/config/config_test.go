package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestMain makes the presets of the original's README known, which package method
// does in a program: testdata/published.txt holds a name and its command a line.
func TestMain(m *testing.M) {
	text, err := os.ReadFile("testdata/published.txt")
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(string(text)) {
		name, args, _ := strings.Cut(strings.TrimSpace(line), " ")
		if err := AddPreset(name, args); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// TestPublishedCommands reads each published command by the simplest rule there
// is, name=value, and compares every flag of the original with what Parse made of
// it: the command's value, or the default as train.py declares it.
func TestPublishedCommands(t *testing.T) {
	if len(Presets()) != 22 {
		t.Fatalf("%d published commands, want 11 methods x 2 backbones", len(Presets()))
	}
	for _, p := range Presets() {
		for _, prefix := range [][]string{nil, {"train.py"}, {"python", "./train.py"}} {
			c, err := Parse(append(prefix, strings.Fields(p.Args)...))
			if err != nil {
				t.Fatalf("%s: %v", p.Name, err)
			}
			want := map[string]string{}
			for k, v := range originalDefaults {
				want[k] = v
			}
			for _, word := range strings.Fields(p.Args) {
				name, value, ok := strings.Cut(strings.TrimPrefix(word, "--"), "=")
				if !ok {
					t.Fatalf("%s: %q is not --name=value", p.Name, word)
				}
				want[strings.ReplaceAll(name, "-", "_")] = value
			}
			var got map[string]any
			if err := yaml.Unmarshal(c.YAML(), &got); err != nil {
				t.Fatal(err)
			}
			for k, w := range want {
				if g := got[k]; !sameText(g, w) {
					t.Errorf("%s: %s = %v, want %s", p.Name, k, g, w)
				}
			}
		}
		q, err := Parse([]string{"--preset", p.Name})
		if err != nil {
			t.Fatal(err)
		}
		c, _ := Parse(strings.Fields(p.Args))
		q.Preset = ""
		if string(q.YAML()) != string(c.YAML()) {
			t.Errorf("--preset %s differs from its command", p.Name)
		}
	}
}

func sameText(got any, want string) bool {
	if f, err := strconv.ParseFloat(want, 64); err == nil {
		g, ok := asFloat(got)
		return ok && g == f
	}
	return strings.EqualFold(fmt.Sprint(got), want)
}

// originalDefaults are train.py's defaults (shared/reference.md).
var originalDefaults = map[string]string{
	"data_dir": "./data/ImageNet2012", "dataset": "torch/imagenet", "dataset_eval": "soft/imagenet",
	"data_dir_downstream": "./data", "dataset_downstream": "[repr/cub repr/cars repr/sop]",
	"further_dataset_downstream": "[soft/cifar soft/treeversity1 soft/turkey soft/pig soft/benthic]",
	"real_labels":                "./data/real.json", "soft_labels": "./data/raters.npz",
	"train_split": "train", "val_split": "validation", "test_split": "test",
	"model": "resnet50", "pretrained": "true", "unc_module": "pred-net", "unc_width": "1024",
	"unc_start_value": "0.001", "num_heads": "1", "freeze_backbone": "false", "lambda_value": "1",
	"rank_V": "50", "c_mult": "0.1", "gp_input_normalization": "false", "gp_cov_discount_factor": "0.999",
	"use_spec_norm": "false", "spec_norm_bound": "6", "inv_temp": "28", "hib_add_const": "0", "drop": "0",
	"opt": "lamb", "weight_decay": "2e-5", "momentum": "0.9", "clip_grad": "<nil>", "clip_mode": "norm",
	"sched": "cosine", "lr": "<nil>", "lr_base": "1e-3", "lr_base_size": "256", "epochs": "32",
	"warmup_epochs": "5", "warmup_lr": "1e-4", "min_lr": "0", "decay_rate": "0.1", "decay_epochs": "90",
	"cooldown_epochs": "0", "batch_size": "128", "accumulation_steps": "16", "scale": "[0.08 1]",
	"hflip": "0.5", "color_jitter": "0.4", "train_interpolation": "random", "smoothing": "0.1",
	"crop_min": "0.1", "crop_max": "0.75", "eval_metric": "avg_downstream_auroc_correct",
	"checkpoint_hist": "10", "seed": "1", "amp": "true", "log_wandb": "true", "model_ema": "false",
	"model_ema_decay": "0.9998", "workers": "4", "log_interval": "50", "mixup": "0", "cutmix": "0",
	"reprob": "0", "ssl": "false", "loss": "cross-entropy", "img_size": "<nil>", "num_classes": "<nil>",
}

func TestSpellings(t *testing.T) {
	for _, args := range [][]string{
		{"--accumulation-steps=4", "--unc_module=jsd", "--ssl"},
		{"--accumulation_steps", "4", "--unc-module", "jsd", "--ssl", "True"},
		{"--accumulation_steps=4", "--unc-module=jsd", "--ssl=yes"},
	} {
		c, err := Parse(args)
		if err != nil {
			t.Fatal(err)
		}
		if c.AccumulationSteps != 4 || c.UncModule != "jsd" || !c.SSL {
			t.Errorf("%v: %d %s %v", args, c.AccumulationSteps, c.UncModule, c.SSL)
		}
	}
	c, err := Parse(strings.Fields("-b 32 -vb=64 -j0 --hib_add_const -5.36 --dataset-downstream repr/cub repr/sop --amp False --dr 0.5 --input-size 3 64 64"))
	if err != nil {
		t.Fatal(err)
	}
	if c.BatchSize != 32 || *c.ValidationBatchSize != 64 || c.Workers != 0 || c.HIBAddConst != -5.36 || c.AMP || c.DecayRate != 0.5 || c.Size() != 64 ||
		!reflect.DeepEqual(c.DatasetDownstream, []string{"repr/cub", "repr/sop"}) {
		t.Errorf("%+v", c)
	}
}

func TestLayers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "my.yaml")
	if err := os.WriteFile(file, []byte("inv_temp: 30\nbatch-size: 10\nweight_decay: 1e-04\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Parse([]string{"--preset", "mcinfonce", "--data", "mini", "-c", file, "--batch-size=20"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"inv_temp": "my.yaml", "batch-size": "flag", "loss": "preset mcinfonce", "model": "--data mini", "momentum": "default",
	} {
		if got := c.From(name); got != want {
			t.Errorf("%s comes from %q, want %q", name, got, want)
		}
	}
	if c.InvTemp != 30 || c.BatchSize != 20 || c.WeightDecay != 1e-4 || c.Model != "convnet" || !c.SSL {
		t.Errorf("inv_temp %v batch %v decay %v model %v ssl %v", c.InvTemp, c.BatchSize, c.WeightDecay, c.Model, c.SSL)
	}
	for preset, want := range map[string]string{"hetxl-vit": "convnethetxl", "sngp": "convnetsngp", "mcdropout": "convnetdropout"} {
		c, err := Parse([]string{"--preset=" + preset, "--data=mini"})
		if err != nil || c.Model != want {
			t.Errorf("%s on mini: model %s, want %s (%v)", preset, c.Model, want, err)
		}
	}
	if c, err = Parse([]string{"--model=resnet50hetxl", "--data=mini"}); err != nil || c.Model != "resnet50hetxl" {
		t.Errorf("a model given by hand became %s (%v)", c.Model, err)
	}
}

func TestRoundTrip(t *testing.T) {
	c, err := Parse([]string{"--preset=elk-vit", "--clip-grad=1", "--scale", "0.2", "1", "--torchscript=True"})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Notices()) != 1 || !strings.Contains(c.Notices()[0], "torchscript") {
		t.Errorf("notices %q, want one on torchscript", c.Notices())
	}
	path := filepath.Join(t.TempDir(), "args.yaml")
	if err := os.WriteFile(path, c.YAML(), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(c.YAML()) != string(d.YAML()) || string(c.Clone().YAML()) != string(c.YAML()) {
		t.Error("YAML does not round-trip")
	}
}

func TestLearningRate(t *testing.T) {
	// 0.01 sqrt(128*16/256) for lamb; 0.01 * 128*16/256 for sgd; --lr wins.
	for _, x := range []struct {
		args string
		want float64
	}{
		{"--lr-base=0.01", 0.028284271247461905},
		{"--lr-base=0.01 --opt=sgd", 0.08},
		{"--lr-base=0.01 --opt=adamw", 0.028284271247461905},
		{"--lr-base=0.01 --lr=0.5", 0.5},
	} {
		c, err := Parse(strings.Fields(x.args))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.LearningRate(); got != x.want {
			t.Errorf("%s: %v, want %v", x.args, got, x.want)
		}
	}
}

func TestBadInput(t *testing.T) {
	for args, want := range map[string]string{
		"--batchsize=3":     "--batch-size",
		"--preset=elkk":     "elk-vit",
		"--epochs=x":        "whole number",
		"--ssl=maybe":       "True or False",
		"--batch-size=0":    "at least 1",
		"--crop_min=0.9":    "crop_max",
		"-c /no/such.yaml":  "/no/such.yaml",
		"--semantics=fixed": "corrected",
		"--data=maxi":       "mini",
		"--epochs":          "want a value",
	} {
		_, err := Parse(strings.Fields(args))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", args, err, want)
		}
	}
	c, err := Parse([]string{"--mixup=0.2"})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CheckRunnable(); err == nil || !strings.Contains(err.Error(), "mixup") {
		t.Errorf("--mixup=0.2 would train without: %v", err)
	}
}

func ExampleParse() {
	c, err := Parse([]string{"--preset", "elk", "--epochs=8"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Loss, c.Epochs, c.EffectiveBatch())
	fmt.Println(c.From("loss"), "/", c.From("epochs"), "/", c.From("batch-size"))
	// Output:
	// elk 8 2048
	// preset elk / flag / default
}
