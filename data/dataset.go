package data

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"urlbench/data/pixel"
	"urlbench/urlkit/semantics"
)

// Dataset is a list of labelled images. Its methods may be called by any number of
// goroutines at once.
type Dataset interface {
	// Name is the registry name, such as "repr/cub".
	Name() string
	// Len is the number of samples.
	Len() int
	// Classes names each label: Label(i) is an index into it. Labels that no class
	// of the set has (CUB's numbering may have gaps) are named "".
	Classes() []string
	// Label is the class of sample i; for a soft set the class with the most votes,
	// the lowest of several, except in soft/imagenet, where it is the folder's.
	Label(i int) int
	// Soft is the number of votes for each class, or nil if the set has one label
	// per image. All votes may be zero. The caller may keep it.
	Soft(i int) []float64
	// Image decodes sample i. The error names the file and says what is wrong.
	Image(i int) (*pixel.Image, error)
	// ID is the sample's path below the root, with slashes; in the mini sets a name.
	ID(i int) string
}

// Options say where a set lies and how to read it.
type Options struct {
	// Root is the folder that holds the sets' folders (cub200, Pig, ...); for
	// torch/imagenet and soft/imagenet the folder with train/ and val/ itself; for
	// folders the folder itself. The mini sets need none.
	Root string
	// SoftLabels and RealLabels are the files of soft/imagenet; empty means
	// raters.npz and real.json beside Root.
	SoftLabels, RealLabels string
	// ClassMap is a file of class names, one a line, that says which folders of a
	// plain folder set are read, and their labels. It is looked for as given, then in Root.
	ClassMap string
	// Semantics repeats the original's slips in reading, or not. Original, the zero
	// value: soft/imagenet gives image i the votes of another image, as published;
	// repr/cub and repr/cars take stray files for images; torch/imagenet needs
	// meta.bin. Corrected pairs images and votes by number, leaves out what is no
	// image, and does without meta.bin.
	Semantics semantics.Semantics
	// MaxPixels limits the width times the height of an image; 0 is pixel's default.
	MaxPixels int
}

// The names of the splits that most sets have.
const (
	Train      = "train"
	Validation = "validation"
	Test       = "test"
)

// Open opens a split of a data set by its registry name, see Sets. Two names take
// a folder of one's own: "repr/path:DIR", one folder per class, and
// "soft/path:DIR", with an annotations.json; without ":DIR" the folder is o.Root.
// The empty name is a plain folder of images at o.Root, one folder per class.
func Open(name, split string, o Options) (Dataset, error) {
	lookup, dir, byPath := strings.Cut(name, ":")
	set, err := Lookup(lookup)
	if err != nil {
		return nil, err
	}
	if byPath {
		if !set.ByPath {
			return nil, fmt.Errorf("data set %q: only repr/path and soft/path take a folder after a colon", name)
		}
		o.Root = dir
	}
	if len(set.Splits) > 0 && !slices.Contains(set.Splits, split) {
		return nil, fmt.Errorf("data set %s has no split %q: choose one of %s", set.Name, split, strings.Join(set.Splits, ", "))
	}
	if !set.Built() && !set.ByPath {
		if st, err := os.Stat(o.Root); err != nil || !st.IsDir() {
			return nil, fmt.Errorf("data set %s: no folder %q: --data-dir names the upstream set's, --data-dir-downstream the one that holds the others; urlbench data ls shows their layout", shown(set.Name), o.Root)
		}
	}
	d, err := set.open(set, split, o)
	if err != nil {
		return nil, fmt.Errorf("data set %s, split %s: %w", shown(set.Name), split, err)
	}
	return d, nil
}

func shown(name string) string {
	if name == "" {
		return `"" (plain folder)`
	}
	return name
}
