package urlkit

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// shown is a column of WriteTable: a metric, or an interval between two.
type shown struct {
	title, name, high string
	decimals          int
}

var (
	standardColumns = []shown{
		{"R@1", "r1", "", 4}, {"R-AUROC", "auroc_correct", "", 4}, {"crop>", "croppedHasBiggerUnc", "", 4},
		{"rcorr crop", "rcorr_crop_unc", "", 4}, {"rcorr entropy", "rcorr_entropy", "", 4}, {"Acc@1 %", "top1", "", 2},
	}
	extendedColumns = []shown{
		{"R@1 95 %", "r1_low", "r1_high", 4}, {"R-AUROC 95 %", "auroc_correct_low", "auroc_correct_high", 4},
		{"AURC", "aurc", "", 4}, {"AUGRC", "augrc", "", 4}, {"OOD AUROC", "ood_auroc", "", 4},
		{"5-NN", "knn5", "", 4}, {"20-NN", "knn20", "", 4}, {"100-NN", "knn100", "", 4},
		{"ECE", "ece", "", 4}, {"Brier", "brier", "", 4},
	}
)

// WriteTable prints one line per data set and one per average, a second table of
// the same lines where the extended metrics were measured, and why a value is NaN.
func (r *Report) WriteTable(w io.Writer) error {
	text := r.table(standardColumns)
	if more := r.table(extendedColumns); strings.Count(more, "\n") > 1 {
		text += "\n" + more
	}
	for _, c := range r.Columns {
		if v := float64(c.Value); c.Text == "" && math.IsNaN(v) && c.Note != "" {
			text += fmt.Sprintf("%s is undefined (NaN): %s\n", c.Name, c.Note)
		}
	}
	_, err := io.WriteString(w, text)
	return err
}

func (r *Report) table(columns []shown) string {
	var sets []string
	values := map[string]map[string]float64{}
	keep := func(name string, v float64) {
		for _, s := range columns {
			for _, m := range []string{s.name, s.high} {
				set, ok := strings.CutSuffix(name, "_"+m)
				if name == m {
					set, ok = "upstream", true
				}
				if m == "" || !ok {
					continue
				}
				if values[set] == nil {
					values[set] = map[string]float64{}
					sets = append(sets, set)
				}
				values[set][m] = v
				return
			}
		}
	}
	for _, c := range r.Columns {
		if c.Text == "" {
			keep(c.Name, float64(c.Value))
		}
	}
	lines := [][]string{{"data set"}}
	for _, s := range columns {
		lines[0] = append(lines[0], s.title)
	}
	for _, set := range sets {
		line := []string{set}
		for _, s := range columns {
			cell := "-"
			if v, ok := values[set][s.name]; ok {
				cell = fmt.Sprintf("%.*f", s.decimals, v)
				if s.high != "" {
					cell += fmt.Sprintf(" to %.*f", s.decimals, values[set][s.high])
				}
			}
			line = append(line, cell)
		}
		lines = append(lines, line)
	}
	var b strings.Builder
	for _, line := range lines {
		for i, cell := range line {
			width := 8
			for _, l := range lines {
				width = max(width, len(l[i]))
			}
			if i == 0 {
				fmt.Fprintf(&b, "%-*s", width, cell)
			} else {
				fmt.Fprintf(&b, " %*s", width, cell)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
