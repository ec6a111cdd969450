package train

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"urlbench/data/transform"
	"urlbench/urlkit/config"
	"urlbench/urlkit/run"
)

// checkpoint copies the run's state.
func (t *trainer) checkpoint() (run.Checkpoint, error) {
	t.progress.Seconds = time.Since(t.started).Seconds()
	t.progress.Time = time.Now().UTC().Format(time.RFC3339)
	weights, state, err := snapshot(t.model.Store, t.progress.Batch > 0)
	if err != nil {
		return run.Checkpoint{}, err
	}
	meta, err := metadata(t.model, t)
	return run.Checkpoint{Weights: weights, State: state, Metadata: meta, Progress: t.progress}, err
}

// saveEpoch saves the checkpoint after an epoch, moves the links and removes what
// the history no longer keeps.
func (t *trainer) saveEpoch(epoch int, value float64) error {
	_, best := t.progress.History.Add(epoch, value)
	c, err := t.checkpoint()
	if err != nil {
		return err
	}
	links := []string{"last"}
	if best {
		links = append(links, "model_best")
	}
	if err := t.run.Save(run.CheckpointName(epoch), c, links...); err != nil {
		return err
	}
	return t.run.Prune(t.progress.History.Kept)
}

// saveRecovery saves the state in the middle of an epoch.
func (t *trainer) saveRecovery() error {
	c, err := t.checkpoint()
	if err != nil {
		return err
	}
	name := fmt.Sprintf("recovery-%d-%d", t.progress.Epoch, t.progress.Batch)
	if err := t.run.Save(name, c, "last"); err != nil {
		return err
	}
	return t.run.Prune(t.progress.History.Kept)
}

// interrupted saves and says how to go on.
func (t *trainer) interrupted() error {
	if t.progress.Batch > 0 {
		if err := t.saveRecovery(); err != nil {
			return err
		}
	}
	t.say("Interrupted and saved: continue with --resume %s", t.run.Dir)
	return ErrInterrupted
}

// diverged names the batch whose loss was no number. The weights since then are
// lost; the last checkpoint is from before.
func (t *trainer) diverged(epoch, batch int, order [][]int) error {
	var files []string
	if batch < len(order) {
		for _, i := range order[batch] {
			files = append(files, t.sets.train.ID(i))
		}
	}
	good := ""
	if dir, err := t.run.Checkpoint("last"); err == nil {
		good = dir
	}
	return divergence(epoch, batch, files, good)
}

// outOfMemory adds to a device's error what would fit, if memory is what lacks.
func outOfMemory(cfg *config.Config, err error) error {
	text := strings.ToLower(err.Error())
	if !strings.Contains(text, "out of memory") && !strings.Contains(text, "resource_exhausted") || cfg.BatchSize < 2 {
		return err
	}
	return fmt.Errorf("the device is out of memory: --batch-size=%d --accumulation_steps=%d keeps the %d images per update (%w)",
		cfg.BatchSize/2, cfg.AccumulationSteps*2, cfg.EffectiveBatch(), err)
}

// drawLabel draws a class by its votes; without votes it is the label.
func drawLabel(votes []float64, label int32, seed uint64, epoch, index int) int32 {
	total := 0.0
	for _, v := range votes {
		total += v
	}
	if total <= 0 {
		return label
	}
	// Another stream than the transform's, which draws from the same three numbers.
	at := transform.RNG(seed^0x6c6162656c, epoch, index).Float64() * total
	for c, v := range votes {
		if at -= v; at < 0 {
			return int32(c)
		}
	}
	return label
}

func (t *trainer) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	t.report.Line(line)
	t.logf("%s", line)
}

// logf writes to log.txt; a log that can't be written does not stop a run.
func (t *trainer) logf(format string, args ...any) {
	if t.run != nil {
		_ = t.run.Logf(format, args...)
	}
}

// wandb says how the run is uploaded; nothing is sent from here.
func (t *trainer) wandb() {
	if t.cfg.LogWandb {
		t.say("To upload to Weights & Biases: wandb sync --sync-tensorboard %s", filepath.Clean(t.run.Dir))
	}
}
