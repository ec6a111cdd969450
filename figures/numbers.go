package figures

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"urlbench/urlkit/results"
)

// numbers is what a figure draws, as a table: <name>.csv.
type numbers struct {
	name string
	head []string
	rows [][]string
}

func (n *numbers) add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		switch v := c.(type) {
		case float64:
			if !math.IsNaN(v) { // a missing value is an empty cell
				row[i] = strconv.FormatFloat(v, 'g', -1, 64)
			}
		case int:
			row[i] = strconv.Itoa(v)
		case color.RGBA:
			row[i] = fmt.Sprintf("#%02x%02x%02x", v.R, v.G, v.B)
		case byte:
			row[i] = string(rune(v))
		case bool:
			row[i] = strconv.FormatBool(v)
		case string:
			row[i] = v
		default:
			panic(fmt.Sprintf("figures: %T in the numbers of %s", c, n.name))
		}
	}
	n.rows = append(n.rows, row)
}

// Tables are the numbers that the figure draws: by name rows of cells, the first row
// the columns' names.
func (f *Figure) Tables() map[string][][]string {
	out := map[string][][]string{}
	for _, t := range f.tables {
		out[t.name] = append([][]string{t.head}, t.rows...)
	}
	return out
}

// WriteNumbers writes what figures draw into a folder, each table as <name>.csv, and
// returns the files' paths. Figures share some tables: rank_correlations has the rows
// of all, each once, and a poster the same numbers as its figure.
func WriteNumbers(dir string, figs ...*Figure) ([]string, error) {
	var tables []numbers
	for _, f := range figs {
		for _, t := range f.tables {
			i := slices.IndexFunc(tables, func(o numbers) bool { return o.name == t.name })
			if i < 0 {
				tables = append(tables, t)
				continue
			}
			for _, row := range t.rows {
				if !slices.ContainsFunc(tables[i].rows, func(o []string) bool { return slices.Equal(o, row) }) {
					tables[i].rows = append(slices.Clip(tables[i].rows), row)
				}
			}
		}
	}
	var paths []string
	for _, t := range tables {
		path := filepath.Join(dir, t.name+".csv")
		var buf bytes.Buffer
		w := csv.NewWriter(&buf)
		w.Write(t.head)
		w.WriteAll(t.rows)
		if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
			return paths, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// identityHead and identityCells are columns that the scatter plots' tables share.
var identityHead = []string{"draw_order", "csv_row", "name", "sweep_id", "label", "method", "backbone"}

func identityCells(order int, r results.Run) []any {
	row := ""
	if r.Row > 0 {
		row = strconv.Itoa(r.Row)
	}
	return []any{order, row, r.Name, r.Sweep, r.Label(), r.Method, r.Group()}
}

// NumbersOf are the tables about a table of results that belong to no single figure:
// the runs of each choice of hyper-parameters (final_runs) and the methods' looks
// (methods).
func NumbersOf(t results.Table) *Figure {
	s, err := pick(t, Faithful, "numbers")
	if err != nil {
		return &Figure{Name: "numbers"}
	}
	final := numbers{name: "final_runs", head: strings.Split("choice,label,method,backbone,csv_row,name,sweep_id,state,model,loss,"+
		"unc_module,num_heads,lr,eval_r_auroc,eval_r1,test_r_auroc,test_r1", ",")}
	looks := numbers{name: "methods", head: strings.Split("label,method,backbone,legend_order,colour,matplotlib_colour,marker,size,"+
		"legend_marker_size_pt,runs_plotted,runs_auroc_choice,runs_r1_choice", ",")}
	// The order of the plotting scripts, which name nivMF last.
	order := func(label string) int {
		for i, m := range methods {
			if m.name == "nivMF" {
				i = len(methods)
			}
			for j, g := range []string{resNet, vit} {
				if label == m.name+" "+g {
					return 2*i + j
				}
			}
		}
		return 2*len(methods) + 2
	}
	labels := s.runs.Labels()
	slices.SortStableFunc(labels, func(a, b string) int { return order(a) - order(b) })
	for _, choice := range []string{results.ChoiceRAUROC, results.ChoiceR1} {
		for _, label := range labels {
			of := s.runs.Choice(choice).Filter(func(r results.Run) bool { return r.Label() == label })
			slices.SortStableFunc(of, func(a, b results.Run) int {
				return cmp.Or(cmp.Compare(a.Sweep, b.Sweep), cmp.Compare(a.Name, b.Name))
			})
			for _, r := range of {
				cells := identityCells(0, r)
				final.add(choice, label, r.Method, r.Group(), cells[1], r.Name, r.Sweep, r.Config["state"], r.Config["model"],
					r.Config["loss"], r.Config["unc-module"], r.Config["num-heads"], r.Config["lr"], r.Metric("best_eval_avg_downstream_auroc_correct"),
					r.Metric(validR1), r.Metric(testRAUROC), r.Metric(testR1))
			}
		}
	}
	for _, label := range labels {
		of := s.runs.Filter(func(r results.Run) bool { return r.Label() == label })
		k := s.looks.of(of[0])
		tab := k.colour
		place := slices.IndexFunc(methods, func(m methodLook) bool { return m.name == of[0].Method })
		if place < 0 {
			place = len(methods) + slices.Index(s.looks.strangers, of[0].Method)
		}
		looks.add(label, of[0].Method, of[0].Group(), place, tab, tableau[tab], k.shape, k.size, 5, len(of),
			len(of.Choice(results.ChoiceRAUROC)), len(of.Choice(results.ChoiceR1)))
	}
	return &Figure{Name: "numbers", tables: []numbers{final, looks}}
}

// tableau are matplotlib's names of the paper's colours.
var tableau = map[color.RGBA]string{
	hex(0x1f77b4): "tab:blue", hex(0xff7f0e): "tab:orange", hex(0x2ca02c): "tab:green", hex(0xd62728): "tab:red",
	hex(0x9467bd): "tab:purple", hex(0x8c564b): "tab:brown", hex(0xe377c2): "tab:pink", hex(0x7f7f7f): "tab:gray",
	hex(0xbcbd22): "tab:olive", hex(0x17becf): "tab:cyan", hex(0x008080): "#008080",
}
