package urlkit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"urlbench/urlkit/device/devicetest"
	"urlbench/urlkit/run"
)

// TestTrainValidateAsk walks the way of a notebook: train, reopen by name, measure
// again with the same numbers, look at queries.
func TestTrainValidateAsk(t *testing.T) {
	devicetest.XLA(t) // skips where there is none: the graphs are the same
	t.Setenv("URLBENCH_RUNS", t.TempDir())
	ctx := context.Background()
	e := Preset("elk").On("mini").Epochs(1).Seed(2).Flag("train-split", "validation").Flag("batch-size", 50).
		Flag("img-size", 16).Flag("dataset-downstream", "soft/mini-blend").Flag("unc_width", 16)
	if _, err := Train(ctx, e); err != nil {
		t.Fatal(err)
	}
	r, err := Open("elk-mini-2")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := r.Summary()
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	again, err := Train(ctx, e) // finished: nothing is done
	if err != nil || again.Dir != r.Dir {
		t.Fatalf("a finished run: %v", err)
	}
	if after, err := r.Summary(); err != nil || len(after) != 1 {
		t.Errorf("a finished run was trained again: %d rows, %v", len(after), err)
	}
	if _, err := Train(ctx, e.Flag("inv_temp", 3)); err == nil || !strings.Contains(err.Error(), "inv_temp") {
		t.Errorf("other settings under the same name: %v", err)
	}

	report, err := Validate(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, c := range report.Columns {
		name := c.Name
		if !strings.HasPrefix(name, "eval_") {
			name = "best_" + name
		}
		want, ok := rows[0].Get(name)
		if c.Text != "" || !ok {
			continue
		}
		compared++
		if got := float64(c.Value); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("%s: validate says %g, training said %g", c.Name, got, want)
		}
	}
	if compared < 30 {
		t.Errorf("only %d metrics compared", compared)
	}
	var object map[string]any
	if text, err := json.Marshal(report); err != nil || json.Unmarshal(text, &object) != nil || object["eval_model"] != "convnet" {
		t.Errorf("JSON %s (%v)", text, err)
	}
	if !strings.Contains(report.String(), "soft/mini-blend") {
		t.Errorf("table:\n%s", report)
	}

	a, err := Ask(ctx, r, "soft/mini-blend", "test")
	if err != nil {
		t.Fatal(err)
	}
	sure, err := a.Surest(3)
	if err != nil {
		t.Fatal(err)
	}
	unsure, err := a.LeastSure(3)
	if err != nil {
		t.Fatal(err)
	}
	if !(sure[2].Uncertainty <= unsure[2].Uncertainty) || sure[0].Uncertainty > sure[1].Uncertainty || unsure[0].Uncertainty < unsure[1].Uncertainty {
		t.Errorf("not in order: %v %v", sure[0].Uncertainty, unsure[0].Uncertainty)
	}
	q := sure[0]
	if q.Image.Bounds().Dx() != 32 || q.Neighbour.Index == q.Index || q.Class == "" || q.Correct != (q.Class == q.Neighbour.Class) {
		t.Errorf("query %+v", q)
	}
	if curve, err := r.Curve(); err != nil || len(curve) == 0 {
		t.Errorf("curve %v (%v)", curve, err)
	}
}

func TestErrors(t *testing.T) {
	t.Setenv("URLBENCH_RUNS", t.TempDir())
	for want, err := range map[string]error{
		"elk-vit": second(Preset("elch").Config()),
		"no run":  second(Open("nothing")),
		"mini":    second(Preset("elk").On("maxi").Config()),
	} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestColumnsJSON(t *testing.T) {
	columns := run.Row{{Name: "model", Text: "x"}, {Name: "r1", Value: 0.5}, {Name: "bad", Value: run.Number(math.NaN())}}
	got, err := ColumnsJSON(columns, "    ")
	want := "{\n    \"model\": \"x\",\n    \"r1\": 0.5,\n    \"bad\": null\n}"
	if err != nil || !bytes.Equal(got, []byte(want)) {
		t.Errorf("%s (%v), want %s", got, err, want)
	}
}

func ExamplePreset() {
	e := Preset("elk").On("mini").Epochs(3).Seed(1)
	cfg, err := e.Config()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Name(), cfg.Loss, cfg.Model, cfg.Epochs)
	// Output: elk-mini-1 elk convnet 3
}
