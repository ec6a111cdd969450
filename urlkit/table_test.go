package urlkit

import (
	"math"
	"testing"

	"urlbench/urlkit/run"
)

func TestTable(t *testing.T) {
	r := &Report{Columns: run.Row{
		{Name: "model", Text: "m"}, {Name: "top1", Value: 12.5}, {Name: "r1", Value: 1},
		{Name: "auroc_correct", Value: run.Number(math.NaN()), Note: "all 9 rows are right"},
		{Name: "repr/cub_r1", Value: 0.25}, {Name: "repr/cub_auroc_correct", Value: 0.5},
	}}
	want := "data set      R@1  R-AUROC    crop> rcorr crop rcorr entropy  Acc@1 %\n" +
		"upstream   1.0000      NaN        -          -             -    12.50\n" +
		"repr/cub   0.2500   0.5000        -          -             -        -\n" +
		"auroc_correct is undefined (NaN): all 9 rows are right\n"
	if got := r.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	r.Columns = append(r.Columns, run.Row{{Name: "repr/cub_r1_low", Value: 0.125}, {Name: "repr/cub_r1_high", Value: 0.375}, {Name: "brier", Value: 2}}...)
	want += "x" // filled below: the second table stands between
	want = want[:len(want)-len("auroc_correct is undefined (NaN): all 9 rows are right\nx")] + "\n" +
		"data set         R@1 95 % R-AUROC 95 %     AURC    AUGRC OOD AUROC     5-NN    20-NN   100-NN      ECE    Brier\n" +
		"repr/cub 0.1250 to 0.3750            -        -        -         -        -        -        -        -        -\n" +
		"upstream                -            -        -        -         -        -        -        -        -   2.0000\n" +
		"auroc_correct is undefined (NaN): all 9 rows are right\n"
	if got := r.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
