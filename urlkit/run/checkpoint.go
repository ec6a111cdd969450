package run

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"urlbench/safetensors"
)

// Checkpoint is everything that a resumed run needs.
type Checkpoint struct {
	Weights  []*safetensors.Tensor // the model's entries
	State    []*safetensors.Tensor // everything else: optimiser, running sums, random state
	Metadata map[string]string     // of model.safetensors: what made it
	Progress Progress
}

// Progress is how far a run was, the content of progress.json. Numbers that JSON
// lacks (NaN) are kept as text by Number.
type Progress struct {
	Epoch int `json:"epoch"` // epochs that are finished
	Batch int `json:"batch"` // batches of the next epoch that are done

	Seed int    `json:"seed"`
	Time string `json:"time,omitempty"`
	// Seconds is the wall time spent in training so far, over all sessions.
	Seconds float64 `json:"seconds"`

	// Best so far, and the rows that the summary repeats.
	AnyBest         bool     `json:"any_best"`
	BestEpoch       int      `json:"best_epoch"`
	BestValue       Number   `json:"best_value"`
	BestEval        []Column `json:"best_eval,omitempty"`
	BestTest        []Column `json:"best_test,omitempty"`
	BestFurthertest []Column `json:"best_furthertest,omitempty"`
	History         History  `json:"history"`

	// MeterShown is what the epoch's sums were when they were last shown.
	MeterShown []float64 `json:"meter_shown,omitempty"`
	// Curve is the loss shown so far: batches done and value.
	Curve [][2]float64 `json:"curve,omitempty"`
}

// Number is a float64 that JSON can hold even if it is NaN or infinite.
type Number float64

// MarshalJSON writes a number, or its name as text.
func (n Number) MarshalJSON() ([]byte, error) {
	f := float64(n)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return json.Marshal(strconv.FormatFloat(f, 'g', -1, 64))
	}
	return json.Marshal(f)
}

// UnmarshalJSON reads both.
func (n *Number) UnmarshalJSON(data []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(data), `"`), 64)
	if err != nil {
		return fmt.Errorf("%s is no number", data)
	}
	*n = Number(f)
	return nil
}

// History is which checkpoints are kept: the best Max by the metric, as the
// original's CheckpointSaver keeps them.
type History struct {
	Max        int    `json:"max"`
	Decreasing bool   `json:"decreasing"` // smaller is better
	Kept       []Kept `json:"kept"`       // best first
	Best       *Kept  `json:"best,omitempty"`
}

// Kept is a checkpoint that is kept, and its metric.
type Kept struct {
	Epoch  int    `json:"epoch"`
	Metric Number `json:"metric"`
}

// Add takes the metric of an epoch and reports whether its checkpoint is kept and
// whether it is the best; afterwards Kept lists what remains. A NaN is never better
// than a number nor worse, which follows the original: a first NaN stays best.
func (h *History) Add(epoch int, metric float64) (keep, best bool) {
	better := func(a, b float64) bool {
		if h.Decreasing {
			return a < b
		}
		return a > b
	}
	n := len(h.Kept)
	if n >= max(h.Max, 1) {
		if !better(metric, float64(h.Kept[n-1].Metric)) {
			return false, false
		}
		h.Kept = h.Kept[:max(h.Max, 1)-1]
	}
	k := Kept{epoch, Number(metric)}
	h.Kept = append(slices.Clone(h.Kept), k)
	sortAsPython(h.Kept, !h.Decreasing)
	if h.Best == nil || better(metric, float64(h.Best.Metric)) {
		h.Best = &k
		return true, true
	}
	return true, false
}

// sortAsPython sorts by metric with the comparisons of Python's sort (a run, then
// binary insertion), since with NaNs the result depends on them; reverse keeps
// equal ones in order, as Python does by turning the list around twice.
func sortAsPython(k []Kept, reverse bool) {
	if reverse {
		slices.Reverse(k)
		defer slices.Reverse(k)
	}
	less := func(a, b Kept) bool { return a.Metric < b.Metric }
	if len(k) < 2 {
		return
	}
	run := 2
	if less(k[1], k[0]) {
		for run < len(k) && less(k[run], k[run-1]) {
			run++
		}
		slices.Reverse(k[:run])
	} else {
		for run < len(k) && !less(k[run], k[run-1]) {
			run++
		}
	}
	for ; run < len(k); run++ {
		pivot := k[run]
		lo, hi := 0, run
		for lo < hi {
			if mid := int(uint(lo+hi) >> 1); less(pivot, k[mid]) {
				hi = mid
			} else {
				lo = mid + 1
			}
		}
		copy(k[lo+1:run+1], k[lo:run])
		k[lo] = pivot
	}
}

// Save writes a checkpoint under name, such as checkpoint-3, and points the links
// at it; a checkpoint of that name is replaced. Weights first, links last: a
// process that is killed meanwhile leaves the links on the checkpoint before.
func (r *Run) Save(name string, c Checkpoint, links ...string) error {
	tmp, err := os.MkdirTemp(r.Dir, ".tmp-"+name+"-*")
	if err != nil {
		return fmt.Errorf("%s: save %s: %w", r.Dir, name, err)
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	progress, err := json.MarshalIndent(c.Progress, "", " ")
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		fill func(*os.File) error
	}{
		{"model.safetensors", func(f *os.File) error { return safetensors.Write(f, c.Weights, c.Metadata) }},
		{"state.safetensors", func(f *os.File) error { return safetensors.Write(f, c.State, nil) }},
		{"progress.json", func(f *os.File) error { _, err := f.Write(progress); return err }},
	} {
		if err := writeAtomic(filepath.Join(tmp, f.name), f.fill); err != nil {
			return err
		}
	}
	final := r.Path(name)
	if _, err := os.Stat(final); err == nil {
		// A folder can't be renamed over another; what is replaced here is the leftover
		// of an epoch that is done again, or the batch's of the epoch in progress.
		old, err := os.MkdirTemp(r.Dir, ".old-*")
		if err != nil {
			return err
		}
		defer os.RemoveAll(old)
		if err := os.Rename(final, filepath.Join(old, name)); err != nil {
			return err
		}
	}
	if err := os.Rename(tmp, final); err != nil {
		return fmt.Errorf("%s: save %s: %w", r.Dir, name, err)
	}
	if err := syncDir(r.Dir); err != nil {
		return err
	}
	for _, link := range links {
		if err := r.Link(link, name); err != nil {
			return err
		}
	}
	return nil
}

// Link points a link such as last at a checkpoint, in one step.
func (r *Run) Link(link, name string) error {
	tmp := r.Path(fmt.Sprintf(".tmp-link-%s-%d", link, os.Getpid()))
	os.Remove(tmp)
	if err := os.Symlink(name, tmp); err != nil {
		return fmt.Errorf("%s: %w", r.Dir, err)
	}
	if err := os.Rename(tmp, r.Path(link)); err != nil {
		return fmt.Errorf("%s: %w", r.Dir, err)
	}
	return syncDir(r.Dir)
}

// CheckpointName is the folder of the checkpoint after an epoch, counted from 0.
func CheckpointName(epoch int) string { return fmt.Sprintf("checkpoint-%d", epoch) }

// Prune removes the checkpoints that no link and none of the kept epochs needs, and
// what killed processes left.
func (r *Run) Prune(kept []Kept) error {
	need := map[string]bool{}
	for _, k := range kept {
		need[CheckpointName(k.Epoch)] = true
	}
	entries, err := os.ReadDir(r.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type()&os.ModeSymlink != 0 {
			if to, err := os.Readlink(r.Path(e.Name())); err == nil {
				need[filepath.Base(to)] = true
			}
		}
	}
	for _, e := range entries {
		name := e.Name()
		stale := strings.HasPrefix(name, ".tmp-") || strings.HasPrefix(name, ".old-")
		checkpoint := strings.HasPrefix(name, "checkpoint-") || strings.HasPrefix(name, "recovery-")
		if e.IsDir() && (stale || checkpoint && !need[name]) {
			if err := os.RemoveAll(r.Path(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Checkpoint returns the folder of a checkpoint: "last", "model_best" or
// "checkpoint-N"; "" is the best one, or the last if there is no best.
func (r *Run) Checkpoint(name string) (string, error) {
	names := []string{name}
	if name == "" {
		names = []string{"model_best", "last"}
	}
	for _, n := range names {
		dir := r.Path(n)
		if _, err := os.Stat(filepath.Join(dir, "model.safetensors")); err == nil {
			return filepath.EvalSymlinks(dir)
		}
	}
	return "", fmt.Errorf("%s: no checkpoint %s in this run", r.Dir, strings.Join(names, " or "))
}

// ReadProgress reads progress.json of a checkpoint's folder.
func ReadProgress(dir string) (Progress, error) {
	var p Progress
	data, err := os.ReadFile(filepath.Join(dir, "progress.json"))
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return p, fmt.Errorf("%s/progress.json: %w", dir, err)
	}
	return p, nil
}
