package data

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Names that mean the same folder.
var (
	trainNames      = []string{"train", "training"}
	validationNames = []string{"val", "valid", "validation", "eval", "evaluation"}
)

// splitFolder finds the folder of a split: of that name, or of another name for
// the same; if there is none, root itself.
func splitFolder(root, split string) string {
	name, _, _ := strings.Cut(split, "[")
	names := []string{name}
	for _, same := range [][]string{trainNames, validationNames} {
		if slices.Contains(same, name) {
			names = append(names, same...)
		}
	}
	for _, n := range names {
		if dir := filepath.Join(root, n); n != "" && isDir(dir) {
			return dir
		}
	}
	return root
}

// openFolder reads a plain folder: png, jpg and jpeg files at any depth, labelled
// by the folder they lie in, classes and files in natural order (image 2 before
// image 10, upper case as lower case). With a class map, its line numbers are the
// labels and folders it does not name are left out.
func openFolder(s Set, split string, o Options) (Dataset, error) {
	dir, err := rootFolder(o, split)
	if err != nil {
		return nil, err
	}
	type found struct{ path, class string }
	var files []found
	labels := map[string]int{}
	err = walkDirs(dir, func(rel string, names []string) {
		for _, name := range names {
			if hasExtension(name, ".png .jpg .jpeg") {
				class := path.Base(rel)
				if rel == "." {
					class = ""
				}
				files = append(files, found{path.Join(rel, name), class})
				labels[class] = 0
			}
		}
	})
	if err != nil {
		return nil, err
	}
	d := newFileSet(s, o)
	if o.ClassMap != "" {
		if labels, err = readClassMap(o.ClassMap, dir, o.Root); err != nil {
			return nil, err
		}
	} else {
		names := sortedKeys(labels)
		slices.SortStableFunc(names, naturalOrder)
		for i, n := range names {
			labels[n] = i
		}
	}
	prefix, err := filepath.Rel(o.Root, dir)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b found) int {
		return cmp.Or(naturalOrder(a.path, b.path), cmp.Compare(a.path, b.path))
	})
	for _, f := range files {
		if label, ok := labels[f.class]; ok {
			d.add(path.Join(filepath.ToSlash(prefix), f.path), label)
		}
	}
	if d.Len() == 0 {
		return nil, errNone(dir)
	}
	most := 0
	for _, label := range labels {
		most = max(most, label)
	}
	d.classes = make([]string, most+1)
	for name, label := range labels {
		d.classes[label] = name
	}
	return d, nil
}

// openTorchFolder reads a plain folder as torchvision does: the folders right
// below it are the classes, files of nested folders belong to them, everything in
// the order of code points.
func openTorchFolder(s Set, split string, o Options) (Dataset, error) {
	dir, err := rootFolder(o, split)
	if err != nil {
		return nil, err
	}
	d := newFileSet(s, o)
	return d, d.addImageFolder(dir)
}

func rootFolder(o Options, split string) (string, error) {
	if o.Root == "" {
		return "", errors.New("no folder: say where the images lie (--data-dir)")
	}
	if !isDir(o.Root) {
		return "", fmt.Errorf("%s: %w: no such folder", o.Root, os.ErrNotExist)
	}
	return splitFolder(o.Root, split), nil
}

// addImageFolder adds the images below dir as torchvision's ImageFolder lists them.
func (d *fileSet) addImageFolder(dir string) error {
	prefix, err := filepath.Rel(d.root, dir)
	if err != nil {
		return err
	}
	names, err := list(dir)
	if err != nil {
		return err
	}
	var empty []string
	for _, class := range names {
		if !isDir(filepath.Join(dir, class)) {
			continue
		}
		type folder struct {
			rel   string
			files []string
		}
		var folders []folder
		err := walkDirs(filepath.Join(dir, class), func(rel string, files []string) {
			files = slices.DeleteFunc(files, func(f string) bool { return !hasExtension(f, imageFiles) })
			folders = append(folders, folder{path.Join(filepath.ToSlash(prefix), class, rel), files})
		})
		if err != nil {
			return err
		}
		slices.SortFunc(folders, func(a, b folder) int { return cmp.Compare(a.rel, b.rel) })
		before := d.Len()
		for _, f := range folders {
			for _, file := range f.files {
				d.add(f.rel+"/"+file, len(d.classes))
			}
		}
		if d.Len() == before {
			empty = append(empty, class)
		}
		d.classes = append(d.classes, class)
	}
	switch {
	case len(d.classes) == 0:
		return fmt.Errorf("%s: found no class folders", dir)
	case len(empty) > 0:
		return fmt.Errorf("%s: %w: no images in the class folders %s: fill or remove them", dir, os.ErrNotExist, strings.Join(empty, ", "))
	}
	return nil
}

// readClassMap reads a file of class names, one a line; a name's label is the
// number of its line, from 0.
func readClassMap(name string, dirs ...string) (map[string]int, error) {
	if ext := strings.ToLower(filepath.Ext(name)); ext != ".txt" {
		return nil, fmt.Errorf("--class-map=%s: want a .txt file with one class name a line", name)
	}
	f, err := os.Open(name)
	for _, dir := range dirs {
		if err == nil {
			break
		}
		f, err = os.Open(filepath.Join(dir, name))
	}
	if err != nil {
		return nil, fmt.Errorf("--class-map=%s: %w: found neither there nor in %s", name, os.ErrNotExist, strings.Join(dirs, " nor in "))
	}
	defer f.Close()
	labels := map[string]int{}
	lines := bufio.NewScanner(f)
	for n := 0; lines.Scan(); n++ {
		labels[strings.TrimSpace(lines.Text())] = n
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	if len(labels) == 0 {
		return nil, fmt.Errorf("%s: no class names", f.Name())
	}
	return labels, nil
}

// naturalOrder compares names with upper case as lower case and runs of digits as
// numbers.
func naturalOrder(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	for {
		// Text up to the next digit, then a number, in turns; no number is before 0.
		i, j := digitRun(a, false), digitRun(b, false)
		if c := cmp.Compare(a[:i], b[:j]); c != 0 {
			return c
		}
		a, b = a[i:], b[j:]
		if a == "" || b == "" {
			return cmp.Compare(len(a), len(b))
		}
		i, j = digitRun(a, true), digitRun(b, true)
		m, n := strings.TrimLeft(a[:i], "0"), strings.TrimLeft(b[:j], "0")
		if c := cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n)); c != 0 {
			return c
		}
		a, b = a[i:], b[j:]
	}
}

// digitRun is the length of the run of digits, or of others, that s begins with.
func digitRun(s string, digits bool) int {
	for i := range len(s) {
		if (s[i] >= '0' && s[i] <= '9') != digits {
			return i
		}
	}
	return len(s)
}
