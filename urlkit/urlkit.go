// Package urlkit is the benchmark in a few calls: train a model that knows when
// its embedding is wrong, measure it, look at what it is sure of.
//
//	run, err := urlkit.Train(ctx, urlkit.Preset("elk").On("mini").Epochs(3).Seed(1))
//	report, err := urlkit.Validate(ctx, run)
//	fmt.Println(report)                       // every metric by published name
//	run, err = urlkit.Open("elk-mini-1")      // later, in another cell or program
//
// A preset is a published command; On("mini") runs it on the embedded photos with
// a small network in a minute. Training writes a run folder, named after preset,
// data and seed, which every other call reads: a second Train of the same settings
// finishes what an interrupted one began, or returns at once.
package urlkit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"urlbench/urlkit/config"
	"urlbench/urlkit/device"
	"urlbench/urlkit/evaluate"
	"urlbench/urlkit/run"
	"urlbench/urlkit/train"
)

// RunsDir is the folder that runs are written to and looked for in: URLBENCH_RUNS,
// else output/train in the folder above that holds this module's go.mod, else below
// the working folder. A notebook thus finds what the command line has trained.
func RunsDir() string {
	if dir := os.Getenv("URLBENCH_RUNS"); dir != "" {
		return dir
	}
	here, err := os.Getwd()
	for err == nil {
		if mod, e := os.ReadFile(filepath.Join(here, "go.mod")); e == nil && strings.HasPrefix(string(mod), "module urlbench\n") {
			return filepath.Join(here, "output", "train")
		}
		parent := filepath.Dir(here)
		if parent == here {
			break
		}
		here = parent
	}
	return filepath.Join("output", "train")
}

// Settings are what a training needs to know; Experiment and Flags make them.
type Settings interface {
	Config() (*config.Config, error)
}

// Experiment is a training described step by step.
type Experiment struct {
	preset, data, name string
	seed               int
	flags              []string
}

// Preset begins an experiment with a published command: a method's name, such as
// "elk", with "-vit" behind it for the ViT.
func Preset(name string) *Experiment { return &Experiment{preset: name, seed: 1} }

// On chooses the data: "mini" is the embedded one; without it the experiment runs
// on ImageNet as published.
func (e *Experiment) On(data string) *Experiment { e.data = data; return e }

// Epochs sets the number of epochs.
func (e *Experiment) Epochs(n int) *Experiment { return e.Flag("epochs", n) }

// Seed sets the random seed, 1 by default.
func (e *Experiment) Seed(n int) *Experiment { e.seed = n; return e }

// Named sets the name of the run's folder.
func (e *Experiment) Named(name string) *Experiment { e.name = name; return e }

// Flag sets any flag of the command line by name.
func (e *Experiment) Flag(name string, value any) *Experiment {
	e.flags = append(e.flags, fmt.Sprintf("--%s=%v", name, value))
	return e
}

// Name is the run's name: preset, data and seed.
func (e *Experiment) Name() string {
	if e.name != "" {
		return e.name
	}
	data := e.data
	if data == "" {
		data = "imagenet"
	}
	return fmt.Sprintf("%s-%s-%d", e.preset, data, e.seed)
}

// Config returns the settings in full.
func (e *Experiment) Config() (*config.Config, error) {
	args := []string{"--preset=" + e.preset, fmt.Sprintf("--seed=%d", e.seed), "--output=" + RunsDir(), "--experiment=" + e.Name()}
	if e.data != "" {
		args = append(args, "--data="+e.data)
	}
	return config.Parse(append(args, e.flags...))
}

// Flags are the arguments of a train.py command as settings.
type Flags []string

// Config returns the settings in full.
func (f Flags) Config() (*config.Config, error) { return config.Parse(f) }

// Run is a trained model on disk.
type Run struct {
	*run.Run
	Settings *config.Config
}

// Train trains as the settings say and returns the run. A run of that name and
// these settings that is there already is continued; if it is finished, it is
// returned as it is. When ctx ends the batch is finished and the state saved.
func Train(ctx context.Context, s Settings) (*Run, error) {
	cfg, err := s.Config()
	if err != nil {
		return nil, err
	}
	result, err := train.Run(ctx, cfg, train.Options{})
	if err != nil {
		return nil, err
	}
	return Open(result.Run.Dir)
}

// Open opens a run by its name below RunsDir, or by its folder.
func Open(name string) (*Run, error) {
	r, err := run.Find(name, RunsDir(), filepath.Join("output", "train"))
	if err != nil {
		return nil, err
	}
	cfg, err := config.Load(r.Path("args.yaml"))
	if err != nil {
		return nil, err
	}
	return &Run{r, cfg}, nil
}

// Curve returns the learning curve: batches done, and the mean loss since the
// point before.
func (r *Run) Curve() ([][2]float64, error) {
	dir, err := r.Checkpoint("last")
	if err != nil {
		return nil, err
	}
	p, err := run.ReadProgress(dir)
	return p.Curve, err
}

// Model opens the run's best checkpoint on the process's device.
func (r *Run) Model() (*evaluate.Model, error) {
	dev, err := device.Open()
	if err != nil {
		return nil, err
	}
	m, _, err := evaluate.LoadRun(dev, r.Run, "")
	return m, err
}

// recovered turns a panic of graph building into an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		line, _, _ := strings.Cut(fmt.Sprint(p), "\n")
		*err = fmt.Errorf("urlkit: %s", line)
	}
}
