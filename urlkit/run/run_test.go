package run

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"urlbench/internal/fixture"
	"urlbench/safetensors"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("RUN_TEST_SAVE_FOREVER"); dir != "" {
		saveForever(dir)
	}
	os.Exit(fixture.Main(m, "run"))
}

// value is a number of the fixtures' JSON, where NaN is text.
type value float64

func (v *value) UnmarshalJSON(data []byte) error {
	var n Number
	err := n.UnmarshalJSON(data)
	*v = value(n)
	return err
}

// TestFixtureBestLogic plays recorded sequences of metrics: which epochs are the
// best so far, which checkpoints remain, and the bytes of summary.csv.
func TestFixtureBestLogic(t *testing.T) {
	raw, err := os.ReadFile(fixture.Path("data/best_logic.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name           string   `json:"name"`
		EvalMetric     string   `json:"eval_metric"`
		Values         []value  `json:"values"`
		TestEvaluated  []int    `json:"test_evaluated_in_epochs"`
		ModelBestEpoch int      `json:"model_best_epoch"`
		Files          []string `json:"files"`
		SummaryCSV     []string `json:"summary_csv"`
	}
	if err := json.Unmarshal(raw, &cases); err != nil || len(cases) == 0 {
		t.Fatal(err, "no cases")
	}
	for _, c := range cases {
		best := Best{Decreasing: c.EvalMetric == "loss"}
		// The recorded runs keep two checkpoints.
		history := History{Max: 2, Decreasing: best.Decreasing}
		var tested []int
		for epoch, v := range c.Values {
			if best.Improved(float64(v)) {
				tested = append(tested, epoch)
			}
			history.Add(epoch, float64(v))
		}
		files := []string{"args.yaml", "last.pth.tar", "model_best.pth.tar", "summary.csv"}
		for _, k := range history.Kept {
			files = append(files, CheckpointName(k.Epoch)+".pth.tar")
		}
		slices.Sort(files)
		ok := true
		check := func(what string, got, want any) {
			if !reflect.DeepEqual(got, want) {
				ok = false
				t.Errorf("%s: %s %v, want %v", c.Name, what, got, want)
			}
		}
		check("test sets are evaluated in epochs", tested, c.TestEvaluated)
		check("best checkpoint", history.Best.Epoch, c.ModelBestEpoch)
		check("files", files, c.Files)

		// Rebuild the csv from its own cells, read and written again by our code.
		dir := t.TempDir()
		r := &Run{Dir: dir}
		text := strings.Join(c.SummaryCSV, "\n")
		if err := os.WriteFile(r.Path("summary.csv"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		rows, err := r.Summary()
		if err != nil {
			t.Fatal(err)
		}
		os.Remove(r.Path("summary.csv"))
		for i, row := range rows {
			part := func(prefix string) (out []Column) {
				for _, col := range row {
					if name, ok := strings.CutPrefix(col.Name, prefix); ok {
						out = append(out, Column{Name: name, Value: col.Value, Text: col.Text})
					}
				}
				return out
			}
			lr, _ := row.Get("lr")
			if err := r.AppendSummary(EpochRow(i, part("train_"), part("eval_"), part("best_eval_"), part("best_test_"), part("best_furthertest_"), lr)); err != nil {
				t.Fatal(err)
			}
		}
		written, err := os.ReadFile(r.Path("summary.csv"))
		if err != nil {
			t.Fatal(err)
		}
		check("summary.csv", string(written), text)
		fixture.Record("data/best_logic.json", c.Name, "best epochs, files, csv", "exact", "exact", 0, ok)
	}
}

func checkpointOf(epoch int, fill float32) Checkpoint {
	values := make([]float32, 1<<16)
	for i := range values {
		values[i] = fill
	}
	return Checkpoint{
		Weights:  []*safetensors.Tensor{safetensors.FromFloat32s("w", []int{len(values)}, values)},
		State:    []*safetensors.Tensor{safetensors.FromFloat32s("/optim/w", []int{1}, []float32{fill})},
		Progress: Progress{Epoch: epoch, BestValue: Number(math.NaN())},
	}
}

func TestCheckpoints(t *testing.T) {
	r, err := Create(filepath.Join(t.TempDir(), "a", "run"), []byte("seed: 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(r.Dir, nil); err == nil || !strings.Contains(err.Error(), "--resume") {
		t.Errorf("a second run in the same folder: %v", err)
	}
	for epoch := range 4 {
		links := []string{"last"}
		if epoch == 1 {
			links = append(links, "model_best")
		}
		if err := r.Save(CheckpointName(epoch), checkpointOf(epoch+1, float32(epoch)), links...); err != nil {
			t.Fatal(err)
		}
		if err := r.Prune([]Kept{{Epoch: 1}, {Epoch: 2}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Save(CheckpointName(3), checkpointOf(4, 7)); err != nil { // an epoch done again
		t.Fatal(err)
	}
	var names []string
	entries, err := os.ReadDir(r.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"args.yaml", "checkpoint-1", "checkpoint-2", "checkpoint-3", "last", "model_best"}; !slices.Equal(names, want) {
		t.Errorf("folder holds %v, want %v", names, want)
	}
	for link, want := range map[string]string{"last": "checkpoint-3", "": "checkpoint-1", "checkpoint-2": "checkpoint-2"} {
		dir, err := r.Checkpoint(link)
		if err != nil || filepath.Base(dir) != want {
			t.Errorf("checkpoint %q is %s (%v), want %s", link, dir, err, want)
		}
	}
	dir, _ := r.Checkpoint("last")
	f, err := safetensors.Open(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := f.Tensor("w")
	if err != nil || w.Float32s()[9] != 7 {
		t.Errorf("the checkpoint saved again holds %v (%v), want 7", w.Float32s()[9], err)
	}
	p, err := ReadProgress(dir)
	if err != nil || p.Epoch != 4 || !math.IsNaN(float64(p.BestValue)) {
		t.Errorf("progress %+v (%v)", p, err)
	}
	if _, err := r.Checkpoint("checkpoint-0"); err == nil {
		t.Error("a removed checkpoint is still found")
	}
}

// saveForever is the process that TestKilledWhileSaving kills.
func saveForever(dir string) {
	r, err := Open(dir)
	if err != nil {
		panic(err)
	}
	for epoch := 0; ; epoch++ {
		if err := r.AppendSummary(Row{{Name: "epoch", Text: fmt.Sprint(epoch)}}); err != nil {
			panic(err)
		}
		if err := r.Save(CheckpointName(epoch), checkpointOf(epoch+1, float32(epoch)), "last"); err != nil {
			panic(err)
		}
		if err := r.Prune(nil); err != nil {
			panic(err)
		}
	}
}

// TestKilledWhileSaving kills a saving process at many moments: what `last` points
// to is always a whole checkpoint.
func TestKilledWhileSaving(t *testing.T) {
	dir := t.TempDir()
	r, err := Create(dir, []byte("seed: 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Save(CheckpointName(0), checkpointOf(1, 0), "last"); err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "RUN_TEST_SAVE_FOREVER="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(40+7*i) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		last, err := r.Checkpoint("last")
		if err != nil {
			t.Fatalf("kill %d: %v", i, err)
		}
		p, err := ReadProgress(last)
		if err != nil {
			t.Fatalf("kill %d: %v", i, err)
		}
		for _, file := range []string{"model.safetensors", "state.safetensors"} {
			f, err := safetensors.Open(filepath.Join(last, file))
			if err != nil {
				t.Fatalf("kill %d: %v", i, err)
			}
			first, err := f.Tensor(f.Names()[0])
			if err != nil {
				t.Fatal(err)
			}
			if got := first.Float32s()[0]; got != float32(p.Epoch-1) {
				t.Errorf("kill %d: %s is of epoch %v, progress of %d", i, file, got, p.Epoch-1)
			}
			f.Close()
		}
		os.Remove(r.Path("summary.csv")) // the next process counts from 0 again
		if err := r.Prune(nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSummary(t *testing.T) {
	r := &Run{Dir: t.TempDir()}
	for epoch := range 3 {
		row := EpochRow(epoch, []Column{{Name: "loss", Value: 0.5}}, []Column{{Name: "model", Text: "x"}, {Name: "r1", Value: Number(math.NaN())}}, nil, nil, nil, 1e-5)
		if err := r.AppendSummary(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.TruncateSummary(2); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(r.Path("summary.csv"))
	if err != nil {
		t.Fatal(err)
	}
	want := "epoch,train_loss,eval_model,eval_r1,lr\n0,0.5,x,nan,1e-05\n1,0.5,x,nan,1e-05\n"
	if string(got) != want {
		t.Errorf("summary.csv\n%swant\n%s", got, want)
	}
	rows, err := r.Summary()
	if err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	if v, ok := rows[1].Get("train_loss"); !ok || v != 0.5 {
		t.Errorf("train_loss %v", v)
	}
}

func TestLockAndFind(t *testing.T) {
	root := t.TempDir()
	r, err := Create(filepath.Join(root, "elk-mini-1"), []byte("seed: 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Lock(); err != nil {
		t.Fatal(err)
	}
	other, err := Find("elk-mini-1", root)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Lock(); err == nil {
		t.Error("two locks on one run")
	}
	r.Close()
	if err := other.Lock(); err != nil {
		t.Errorf("the lock outlives its run: %v", err)
	}
	other.Close()
	if _, err := Find("elk", root); err == nil || !strings.Contains(err.Error(), "elk-mini-1") {
		t.Errorf("a wrong name does not list the runs: %v", err)
	}
}

// The values are Python 3's repr.
func TestFormatFloat(t *testing.T) {
	for want, v := range map[string]float64{
		"1.0": 1, "0.0001": 1e-4, "1e-05": 1e-5, "0.00026000000000000003": 0.00026000000000000003, "123456.0": 123456,
		"1e+16": 1e16, "nan": math.NaN(), "-inf": math.Inf(-1), "9.178633689880371": 9.178633689880371, "0.0": 0,
	} {
		if got := FormatFloat(v); got != want {
			t.Errorf("FormatFloat(%g) = %s, want %s", v, got, want)
		}
	}
}

func ExampleRun_Summary() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	r, err := Create(filepath.Join(dir, "elk-mini-1"), []byte("seed: 1\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	r.AppendSummary(EpochRow(0, nil, []Column{{Name: "r1", Value: 0.9}}, nil, nil, nil, 0.01))
	rows, err := r.Summary()
	r1, _ := rows[0].Get("eval_r1")
	fmt.Println(r.Name(), len(rows), r1, err)
	// Output: elk-mini-1 1 0.9 <nil>
}
