package data

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"urlbench/data/pixel"
)

// fileSet is a data set whose samples are image files.
type fileSet struct {
	name      string
	root      string
	paths     []string // below root, with slashes
	labels    []int32
	classes   []string
	soft      func(i int) []float64 // nil: one label per image
	maxPixels int
}

func newFileSet(s Set, o Options) *fileSet {
	return &fileSet{name: s.Name, root: o.Root, maxPixels: o.MaxPixels}
}

func (d *fileSet) add(path string, label int) {
	d.paths = append(d.paths, path)
	d.labels = append(d.labels, int32(label))
}

func (d *fileSet) Name() string      { return d.name }
func (d *fileSet) Len() int          { return len(d.paths) }
func (d *fileSet) Classes() []string { return d.classes }
func (d *fileSet) Label(i int) int   { return int(d.labels[i]) }
func (d *fileSet) ID(i int) string   { return d.paths[i] }

func (d *fileSet) Soft(i int) []float64 {
	if d.soft == nil {
		return nil
	}
	return d.soft(i)
}

// file is the place of sample i on disk.
func (d *fileSet) file(i int) string {
	return filepath.Join(d.root, filepath.FromSlash(d.paths[i]))
}

func (d *fileSet) Image(i int) (*pixel.Image, error) {
	img, _, err := d.open(i, nil)
	if err == nil {
		err = img.Load(img.Bounds())
	}
	if err != nil {
		return nil, err
	}
	return img, nil
}

// open reads a file into buf, which it grows as needed and returns, and leaves the
// decoding to whoever needs pixels.
func (d *fileSet) open(i int, buf []byte) (*pixel.Image, []byte, error) {
	name := d.file(i)
	buf, err := readFile(name, buf)
	if err != nil {
		return nil, buf, err
	}
	img, err := pixel.Open(buf, pixel.Options{Name: name, MaxPixels: d.maxPixels})
	return img, buf, err
}

// readFile is os.ReadFile into memory that is there already.
func readFile(name string, buf []byte) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return buf, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return buf, err
	}
	if info.IsDir() {
		return buf, fmt.Errorf("%s is a folder, want an image file", name)
	}
	if n := int(info.Size()) + 1; cap(buf) < n {
		buf = make([]byte, 0, n+n/4)
	}
	buf = buf[:0]
	for {
		n, err := f.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// list returns the names in a folder, sorted by code point.
func list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// isDir reports whether a path is a folder, or a link to one.
func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// walkDirs calls visit with each folder below dir (which is "." first) and the
// names of the files in it, sorted. Links to folders are followed, to depth 32.
func walkDirs(dir string, visit func(rel string, files []string)) error {
	const maxDepth = 32
	var walk func(rel string, depth int) error
	walk = func(rel string, depth int) error {
		if depth > maxDepth {
			return fmt.Errorf("%s: folders lie more than %d deep: is there a link to a folder above itself?", filepath.Join(dir, rel), maxDepth)
		}
		entries, err := os.ReadDir(filepath.Join(dir, rel))
		if err != nil {
			return err
		}
		var files, dirs []string
		for _, e := range entries {
			if e.IsDir() || e.Type()&fs.ModeSymlink != 0 && isDir(filepath.Join(dir, rel, e.Name())) {
				dirs = append(dirs, e.Name())
			} else {
				files = append(files, e.Name())
			}
		}
		visit(filepath.ToSlash(rel), files)
		for _, sub := range dirs {
			if err := walk(filepath.Join(rel, sub), depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(".", 0)
}

// hasExtension reports whether a file name ends in one of the extensions, in any case.
func hasExtension(name string, extensions string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext != "" && ext != name && strings.Contains(" "+extensions+" ", " "+ext+" ")
}

// errNone is what a set without images says.
func errNone(dir string) error { return fmt.Errorf("%s: found no images", dir) }
