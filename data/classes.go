package data

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"urlbench/urlkit/semantics"
)

// imageFiles are the extensions of image files, where names are filtered.
const imageFiles = ".png .jpg .jpeg .ppm .bmp .pgm .tif .tiff .webp"

// The splits of the retrieval sets: trainontest and testontest are the even and
// the odd samples of test.
var retrievalSplits = []string{Train, Validation, Test, "trainontest", "testontest"}

// class is a class of a retrieval set and its files, below Options.Root.
type class struct {
	label int
	name  string
	files []string
}

// openCUB reads cub200/images/<number>.<name>: the label is the number minus 1.
func openCUB(s Set, split string, o Options) (Dataset, error) {
	number := func(_ int, dir string) (int, error) {
		digits, _, _ := strings.Cut(path.Base(dir), ".")
		n, err := strconv.Atoi(strings.TrimSpace(digits))
		if err != nil || n < 1 || n > 1<<20 {
			return 0, fmt.Errorf("%s: a folder of CUB begins with the number of its class and a point, as in 001.Black_footed_Albatross: move the folder away", filepath.Join(o.Root, dir))
		}
		return n - 1, nil
	}
	keep := func(name string) bool { return !strings.Contains(name, "._") }
	return openClasses(s, split, o, path.Join(s.Folder, "images"), keep, number)
}

// openCars reads cars196/images/<class>: the label is the folder's place.
func openCars(s Set, split string, o Options) (Dataset, error) {
	return openClasses(s, split, o, path.Join(s.Folder, "images"), nil, place)
}

// openReprPath reads any folder of one's own with a folder per class, below it or
// below its folder images, with Cars' rules; files that are no images are left out.
func openReprPath(s Set, split string, o Options) (Dataset, error) {
	if o.Root == "" {
		return nil, errors.New("no folder: write repr/path:DIR")
	}
	dir := "."
	if isDir(filepath.Join(o.Root, "images")) {
		dir = "images"
	}
	o.Semantics = semantics.Corrected // leaves out what is no image
	return openClasses(s, split, o, dir, nil, place)
}

func place(i int, _ string) (int, error) { return i, nil }

// openClasses reads a folder per class. The first half of the classes that have
// files is cut into train and validation inside each class, the others are test.
//
// The original takes whatever lies in the folders for images. Corrected semantics
// leave out hidden files, files without an image's extension and stray files
// beside the class folders, which the sets do not hold as published.
func openClasses(s Set, split string, o Options, dir string, keep func(name string) bool, label func(place int, dir string) (int, error)) (Dataset, error) {
	folder := filepath.Join(o.Root, dir)
	names, err := list(folder)
	if err != nil {
		return nil, err
	}
	strict := o.Semantics == semantics.Corrected
	stray := func(name string) bool { return keep != nil && !keep(name) || strict && strings.HasPrefix(name, ".") }
	names = slices.DeleteFunc(names, func(name string) bool {
		return stray(name) || strict && !isDir(filepath.Join(folder, name))
	})
	var all []class
	for i, name := range names {
		c := class{name: name}
		if c.label, err = label(i, path.Join(dir, name)); err != nil {
			return nil, err
		}
		files, err := list(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if !stray(file) && (!strict || hasExtension(file, imageFiles)) {
				c.files = append(c.files, path.Join(dir, name, file))
			}
		}
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b class) int { return a.label - b.label })
	for i := 1; i < len(all); i++ {
		if all[i].label == all[i-1].label {
			return nil, fmt.Errorf("%s: the folders %s and %s are both class %d: rename one", folder, all[i-1].name, all[i].name, all[i].label+1)
		}
	}
	return splitClasses(newFileSet(s, o), all, split, filepath.Dir(folder))
}

// splitClasses fills d with a split of the classes.
func splitClasses(d *fileSet, all []class, split, where string) (Dataset, error) {
	names := map[int]string{}
	for _, c := range all {
		names[c.label] = c.name
	}
	all = slices.DeleteFunc(all, func(c class) bool { return len(c.files) == 0 })
	half := len(all) / 2
	switch split {
	case Train, Validation:
		pick := trainIndices
		if split == Validation {
			pick = validationIndices
		}
		for _, c := range all[:half] {
			for _, i := range pick(len(c.files)) {
				d.add(c.files[i], c.label)
			}
		}
	default:
		for _, c := range all[half:] {
			for _, f := range c.files {
				d.add(f, c.label)
			}
		}
	}
	return d.finish(split, names, where)
}

// finish cuts trainontest and testontest out of test and names the labels.
func (d *fileSet) finish(split string, names map[int]string, where string) (Dataset, error) {
	if len(d.paths) == 0 {
		return nil, errNone(where)
	}
	shift := 0
	if odd := split == "testontest"; odd || split == "trainontest" {
		shift = int(slices.Min(d.labels))
		paths, labels := d.paths, d.labels
		d.paths, d.labels = nil, nil
		first := 0
		if odd {
			first = 1
		}
		for i := first; i < len(paths); i += 2 {
			d.add(paths[i], int(labels[i])-shift)
		}
		if len(d.paths) == 0 {
			return nil, errNone(where)
		}
	}
	d.classes = make([]string, slices.Max(d.labels)+1)
	for i := range d.classes {
		d.classes[i] = names[i+shift]
	}
	return d, nil
}
