package data

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"urlbench/urlkit/semantics"
)

// imageNetClasses is the number of columns of ImageNet-RealH's soft labels.
const imageNetClasses = 1000

// RealH is the table of soft labels of ImageNet's validation images: the raters'
// yes votes (raters.npz), and where there is none the ReaL labels (real.json).
type RealH struct{ rows [][]rating }

type rating struct {
	class int
	count float64
}

// ReadRealH reads the table. Row i belongs to ILSVRC2012_val_<i+1, 8 digits>.
// Source: Tran et al. 2022 (Plex), as the original reads it.
func ReadRealH(raters, real string) (*RealH, error) {
	labels, err := ReadRealLabels(real)
	if err != nil {
		return nil, err
	}
	file, err := os.ReadFile(raters)
	if err != nil {
		return nil, err
	}
	yes, err := readRaters(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", raters, err)
	}
	h := &RealH{rows: make([][]rating, len(labels))}
	for i, classes := range labels {
		row := yes[fmt.Sprintf("ILSVRC2012_val_%08d.JPEG", i+1)]
		if len(row) == 0 {
			for _, c := range slices.Compact(slices.Sorted(slices.Values(classes))) {
				row = append(row, rating{c, 1})
			}
		}
		h.rows[i] = row
	}
	return h, nil
}

// Len is the number of rows.
func (h *RealH) Len() int { return len(h.rows) }

// Row returns the votes of row i for the 1000 classes; they may all be zero.
func (h *RealH) Row(i int) []float64 {
	row := make([]float64, imageNetClasses)
	for _, v := range h.rows[i] {
		row[v.class] = v.count
	}
	return row
}

// readRaters sums the yes votes of each image by class; images without any are
// left out. tensor is [raters, questions, answers], answer 2 is yes; info is
// [questions, 2], the image's file and the class asked for.
func readRaters(file []byte) (map[string][]rating, error) {
	arrays, err := readNPZ(file)
	if err != nil {
		return nil, err
	}
	tensor, info := arrays["tensor"], arrays["info"]
	switch {
	case tensor == nil || info == nil:
		return nil, errors.New("want the arrays tensor and info")
	case tensor.text != nil || len(tensor.shape) != 3 || tensor.shape[2] < 3:
		return nil, fmt.Errorf("tensor: numbers of shape %v, want [raters, questions, 3]", tensor.shape)
	case info.text == nil || len(info.shape) != 2 || info.shape[1] != 2 || info.shape[0] != tensor.shape[1]:
		return nil, fmt.Errorf("info: shape %v, want text of shape [%d, 2]", info.shape, tensor.shape[1])
	}
	raters, questions, answers := tensor.shape[0], tensor.shape[1], tensor.shape[2]
	yes := map[string]map[int]float64{}
	for q := range questions {
		image := info.text[2*q]
		class, err := strconv.Atoi(info.text[2*q+1])
		if err != nil || class < 0 || class >= imageNetClasses {
			return nil, fmt.Errorf("info: question %d asks for class %q, want a number from 0 to %d", q, info.text[2*q+1], imageNetClasses-1)
		}
		sum := 0.0
		for r := range raters {
			sum += tensor.numbers[(r*questions+q)*answers+2]
		}
		if sum != 0 {
			if yes[image] == nil {
				yes[image] = map[int]float64{}
			}
			yes[image][class] += sum
		}
	}
	rows := make(map[string][]rating, len(yes))
	for image, classes := range yes {
		total := 0.0
		var row []rating
		for c, n := range classes {
			row = append(row, rating{c, n})
			total += n
		}
		if total > 0 {
			slices.SortFunc(row, func(a, b rating) int { return cmp.Compare(a.class, b.class) })
			rows[image] = row
		}
	}
	return rows, nil
}

// ReadRealLabels reads real.json: for each validation image, in the order of their
// numbers, the classes that are right (Beyer et al. 2020); none for some.
func ReadRealLabels(path string) ([][]int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	labels, err := parseRealLabels(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return labels, nil
}

func parseRealLabels(r io.Reader) ([][]int, error) {
	var labels [][]int
	if err := json.NewDecoder(r).Decode(&labels); err != nil {
		return nil, fmt.Errorf("want a JSON list of lists of class numbers: %w", err)
	}
	for i, classes := range labels {
		for _, c := range classes {
			if c < 0 || c >= imageNetClasses {
				return nil, fmt.Errorf("image %d has class %d, want 0 to %d", i+1, c, imageNetClasses-1)
			}
		}
	}
	return labels, nil
}

// valRow is the row of a validation image by its file's name.
func valRow(id string) (int, error) {
	name := path.Base(id)
	digits, ok := strings.CutPrefix(strings.TrimSuffix(name, path.Ext(name)), "ILSVRC2012_val_")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 {
		return 0, fmt.Errorf("%s: want a name such as ILSVRC2012_val_00000001.JPEG", id)
	}
	return n - 1, nil
}

// RealAccuracy is the share, in percent, of images one of whose k best classes is
// a ReaL label, over the images that have such labels, and their number. best
// holds each sample's classes, the best first; ids are its file names. Ties of
// logits are the caller's to order.
func RealAccuracy(labels [][]int, ids []string, best [][]int, k int) (percent float64, counted int, err error) {
	hits := 0
	for i, id := range ids {
		row, err := valRow(id)
		if err != nil {
			return 0, 0, err
		}
		if row >= len(labels) {
			return 0, 0, fmt.Errorf("%s: there are ReaL labels for %d images only", id, len(labels))
		}
		if len(labels[row]) == 0 {
			continue
		}
		counted++
		if slices.ContainsFunc(best[i][:min(k, len(best[i]))], func(c int) bool { return slices.Contains(labels[row], c) }) {
			hits++
		}
	}
	return 100 * float64(hits) / float64(counted), counted, nil
}

// openRealH reads ImageNet's validation images with RealH's votes.
//
// The original pairs the i-th image of the folders, which are sorted by class,
// with the i-th row of the table, which is sorted by the number in the file name:
// images and votes do not belong together. Original semantics repeat it; Corrected
// pairs them by the number.
func openRealH(s Set, split string, o Options) (Dataset, error) {
	if o.SoftLabels == "" {
		o.SoftLabels = filepath.Join(o.Root, "..", "raters.npz")
	}
	if o.RealLabels == "" {
		o.RealLabels = filepath.Join(o.Root, "..", "real.json")
	}
	opened, err := openImageNet(s, split, o)
	if err != nil {
		return nil, err
	}
	d := opened.(*ImageNetSet)
	table, err := ReadRealH(o.SoftLabels, o.RealLabels)
	if err != nil {
		return nil, err
	}
	rows := make([]int, d.Len())
	for i := range rows {
		rows[i] = i
		if o.Semantics == semantics.Corrected {
			if rows[i], err = valRow(d.ID(i)); err != nil {
				return nil, err
			}
		}
		if rows[i] >= table.Len() {
			return nil, fmt.Errorf("%s: labels of %d images, the folder has %d or a higher number: are the files of the same release?", o.RealLabels, table.Len(), d.Len())
		}
	}
	// The votes always have 1000 columns; classes beyond the folders have no name.
	for len(d.classes) < imageNetClasses {
		d.classes = append(d.classes, "")
	}
	d.soft = func(i int) []float64 { return table.Row(rows[i]) }
	return d, nil
}
