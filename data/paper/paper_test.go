package paper

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"

	"urlbench/urlkit/results"
)

// The counts that the export is known to have.
func TestResults(t *testing.T) {
	table := Results()
	if len(table) != 333 {
		t.Fatalf("%d runs, want 333", len(table))
	}
	const filter = "best_eval_avg_downstream_r1"
	kept := table.Filter(func(r results.Run) bool { return r.Metric(filter) > 0.1 })
	for name, c := range map[string][2]int{
		"labels":              {len(table.Labels()), 22},
		"after the filter":    {len(kept), 304},
		"chosen by R-AUROC":   {len(table.Choice(results.ChoiceRAUROC)), 65},
		"chosen by R@1":       {len(table.Choice(results.ChoiceR1)), 64},
		"kept and chosen":     {len(kept.Choice(results.ChoiceRAUROC)), 65},
		"without metrics":     {len(table.Filter(func(r results.Run) bool { _, ok := r.Metrics[filter]; return !ok })), 6},
		"Ensemble ResNet 50":  {len(kept.Filter(func(r results.Run) bool { return r.Label() == "Ensemble ResNet 50" })), 14},
		"HIB ViT Medium":      {len(kept.Filter(func(r results.Run) bool { return r.Label() == "HIB ViT Medium" })), 6},
		"with inv-temp":       {len(table.Filter(func(r results.Run) bool { return r.Config["inv-temp"] != "" })), 56},
		"with a known seed":   {len(table.Filter(func(r results.Run) bool { return r.Seed != 0 })), 0},
		"last epoch, further": {len(table.Filter(func(r results.Run) bool { _, ok := r.Metrics["furthertest_avg_downstream_r1"]; return ok })), 14},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %d runs, want %d", name, c[0], c[1])
		}
	}
	first := table[0]
	if first.Label() != "MCDropout ViT Medium" || first.Name != "still-sweep-1" || first.Row != 1 ||
		first.Metric("best_test_avg_downstream_auroc_correct") != 0.5188 || first.Metric("best_eval_top1") != 63.22 {
		t.Errorf("the first run is %+v", first)
	}
	// A caller's additions stay the caller's.
	_ = append(table[:10], results.Run{Name: "mine"})
	if Results()[10].Name == "mine" {
		t.Error("Results shares its runs with the caller")
	}
}

const (
	header = `"Name","Sweep","model","loss","unc-module","num-heads","lr","State","best_eval_top1","best_eval_r1"` + "\n"
	finals = "choice,csv_row\nauroc,1\nr1,1\nr1,3\n"
	hypers = "label,lr_agrees,readme_lr_base,readme_batch_size,readme_inv_temp,readme_unc_start_value,readme_other\n" +
		"ELK ResNet 50,true,0.1,2048,27.5,0.001,drop=0.1;rank_V=1\nCE ViT Medium,false,0.2,2048,31,0,\n"
)

// The rules of the derivation, on an export of three runs.
func TestDerive(t *testing.T) {
	export := header + `"a","s","resnet50","elk","pred-net","","0.3","failed","61.5","NaN"` + "\n" +
		`"b","s","resnet50","cross-entropy","jsd","10","0.2","finished","","0.5"` + "\n" +
		`"c","s","vit_medium_patch16_gap_256","cross-entropy","class-entropy","","0.1","crashed","1","0.25"` + "\n"
	table, err := Derive(strings.NewReader(export), strings.NewReader(finals), strings.NewReader(hypers))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range table {
		got = append(got, fmt.Sprintln(r.Row, r.Label(), r.Choices, len(r.Metrics), r.Config["lr"], r.Config["inv-temp"], r.Config["rank-V"], r.Config["state"]))
	}
	want := []string{"1 ELK ResNet 50 [auroc r1] 1 0.3 27.5 1 failed", "2 Ensemble ResNet 50 [] 1 0.2   finished", "3 CE ViT Medium [r1] 2 0.1   crashed"}
	for i := range want {
		if strings.Join(strings.Fields(got[i]), " ") != strings.Join(strings.Fields(want[i]), " ") {
			t.Errorf("run %d: %q, want %q", i+1, got[i], want[i])
		}
	}
	for bad, why := range map[string]string{
		header + `"a","s","resnet50","elk","","x","","","1","1"`:   `the export: row 1: num-heads "x"`,
		header + `"a","s","resnet50","elk","","","","","1","much"`: `best_eval_r1: "much" is not a number`,
		"": "the export: the file is empty",
	} {
		if _, err := Derive(strings.NewReader(bad), strings.NewReader(finals), strings.NewReader(hypers)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want %q", err, why)
		}
	}
}

// The embedded table is the one that README.md gives the sum of, and the one that the
// derivation makes of the export, if URLBENCH_EXPORT names it.
func TestTableIsDerived(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(table)); !bytes.Contains(readme, []byte(sum)) {
		t.Errorf("results.csv has the sum %s, README.md another", sum)
	}
	path := os.Getenv("URLBENCH_EXPORT")
	if path == "" {
		t.Log("URLBENCH_EXPORT is not set: the derivation is not repeated")
		return
	}
	const numbers = "../../figures/testdata/numbers/"
	var files [3]*os.File
	for i, p := range []string{path, numbers + "final_runs.csv", numbers + "hyperparameters.csv"} {
		if files[i], err = os.Open(p); err != nil {
			t.Fatal(err)
		}
		defer files[i].Close()
	}
	derived, err := Derive(files[0], files[1], files[2])
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := derived.Write(&buf); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(buf.Bytes(), table) {
		t.Errorf("%s derives %d bytes that differ from results.csv (%d bytes)", path, buf.Len(), len(table))
	}
}

func ExampleResults() {
	chosen := Results().Choice(results.ChoiceRAUROC)
	elk := chosen.Filter(func(r results.Run) bool { return r.Label() == "ELK ResNet 50" })
	for _, run := range elk {
		fmt.Printf("%s %.4f\n", run.Name, run.Metric("best_test_avg_downstream_auroc_correct"))
	}
	// Output:
	// super-sweep-1 0.5461
	// sleek-sweep-2 0.5582
	// iconic-sweep-4 0.5751
}
