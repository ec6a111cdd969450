package data

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// sopEntry is a line of Ebay_train.txt or Ebay_test.txt.
type sopEntry struct {
	class, super int
	path         string
}

// openSOP reads Stanford Online Products. The classes (products) of Ebay_train are
// cut in halves inside each super-class: the lower ids train, the others validate;
// labels count up across super-classes. Ebay_test is the test split, with the
// file's own class ids minus 1, grouped by class.
func openSOP(s Set, split string, o Options) (Dataset, error) {
	var lists [2][]sopEntry
	for i, name := range []string{"Ebay_train.txt", "Ebay_test.txt"} {
		f, err := os.Open(filepath.Join(o.Root, s.Folder, "Info_Files", name))
		if err != nil {
			return nil, err
		}
		lists[i], err = readSOP(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	d := newFileSet(s, o)
	names := map[int]string{}
	add := func(label int, entries []sopEntry) {
		for _, e := range entries {
			d.add(path.Join(s.Folder, "images", e.path), label)
		}
		product, _, _ := strings.Cut(path.Base(entries[0].path), "_")
		names[label] = product
	}
	if split == Train || split == Validation {
		label := 0
		for _, super := range groupBy(lists[0], func(e sopEntry) int { return e.super }) {
			classes := groupBy(super, func(e sopEntry) int { return e.class })
			slices.SortFunc(classes, func(a, b []sopEntry) int { return a[0].class - b[0].class })
			half := len(classes) / 2
			classes = map[string][][]sopEntry{Train: classes[:half], Validation: classes[half:]}[split]
			for _, c := range classes {
				add(label, c)
				label++
			}
		}
	} else {
		for _, c := range groupBy(lists[1], func(e sopEntry) int { return e.class }) {
			add(c[0].class-1, c)
		}
	}
	return d.finish(split, names, filepath.Join(o.Root, s.Folder))
}

// groupBy groups entries by key, in the order of the keys' first appearance.
func groupBy(entries []sopEntry, key func(sopEntry) int) [][]sopEntry {
	var groups [][]sopEntry
	at := map[int]int{}
	for _, e := range entries {
		i, ok := at[key(e)]
		if !ok {
			i = len(groups)
			at[key(e)] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], e)
	}
	return groups
}

// readSOP reads a list: a header that names the columns, then a line per image,
// columns separated by one space.
func readSOP(r io.Reader) ([]sopEntry, error) {
	lines := bufio.NewScanner(r)
	columns := map[string]int{}
	width := 0
	var entries []sopEntry
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSuffix(lines.Text(), "\r")
		if text == "" {
			continue
		}
		fields := strings.Split(text, " ")
		if width == 0 {
			width = len(fields)
			for i, f := range fields {
				columns[f] = i
			}
			for _, name := range []string{"class_id", "super_class_id", "path"} {
				if _, ok := columns[name]; !ok {
					return nil, fmt.Errorf("line %d: no column %s, want the header \"image_id class_id super_class_id path\"", n, name)
				}
			}
			continue
		}
		if len(fields) != width {
			return nil, fmt.Errorf("line %d: %d columns, want %d", n, len(fields), width)
		}
		var e sopEntry
		var err error
		if e.class, err = sopID(fields[columns["class_id"]]); err != nil {
			return nil, fmt.Errorf("line %d: class_id: %w", n, err)
		}
		if e.super, err = sopID(fields[columns["super_class_id"]]); err != nil {
			return nil, fmt.Errorf("line %d: super_class_id: %w", n, err)
		}
		e.path = fields[columns["path"]]
		if !filepath.IsLocal(filepath.FromSlash(e.path)) {
			return nil, fmt.Errorf("line %d: path %q leads out of the data set", n, e.path)
		}
		entries = append(entries, e)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if width == 0 {
		return nil, fmt.Errorf("the file is empty, want the header \"image_id class_id super_class_id path\"")
	}
	return entries, nil
}

// sopID bounds a class number, so that a wrong one cannot ask for endless names.
func sopID(text string) (int, error) {
	const most = 1 << 20
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%q, want a number from 1 to %d", text, most)
	}
	return n, nil
}
