package figures

import (
	"encoding/csv"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strconv"

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
			row[i] = strconv.FormatFloat(v, 'g', -1, 64)
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

// WriteNumbers writes each of Tables as <name>.csv into a folder, and returns the
// files' paths.
func (f *Figure) WriteNumbers(dir string) ([]string, error) {
	var paths []string
	for _, t := range f.tables {
		path := filepath.Join(dir, t.name+".csv")
		out, err := os.Create(path)
		if err != nil {
			return paths, err
		}
		w := csv.NewWriter(out)
		w.Write(t.head)
		w.WriteAll(t.rows)
		err = w.Error()
		if cerr := out.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return paths, fmt.Errorf("%s: %w", path, err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// identity cells that the scatter plots' tables share.
var identityHead = []string{"draw_order", "csv_row", "name", "sweep_id", "label", "method", "backbone"}

func identityCells(order int, r results.Run) []any {
	row := ""
	if r.Row > 0 {
		row = strconv.Itoa(r.Row)
	}
	return []any{order, row, r.Name, r.Sweep, r.Label(), r.Method, r.Group()}
}
